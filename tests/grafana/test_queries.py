"""Every query parses, and uses declared names alone."""

import itertools
import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from deploy.npm_packages import Unavailable, node_modules
from grafana.questions import questions
from observability import field_names, span_names
from observability import names as declared
from service.protocol import closing
from tests import foreign
from tests.alerts.promtool import promtool
from tests.promql import names

ROOT = Path(__file__).parents[2]
RULES = [
    rule
    for p in sorted((ROOT / "alerts" / "rules").glob("*.yml"))
    for g in yaml.safe_load(p.read_text())["groups"]
    for rule in g["rules"]
    if rule.get("alert") != "Watchdog"  # asks for nothing
]
LOG_RULES = yaml.safe_load((ROOT / "alerts" / "loki" / "logs.yml").read_text())["groups"][0]["rules"]
RUNBOOKS = sorted((ROOT / "alerts" / "runbooks").glob("*.md"))
DOCS = sorted((ROOT / "docs").glob("*.md"))
SOURCES = yaml.safe_load((ROOT / "grafana" / "provisioning" / "datasources" / "datasources.yaml").read_text())[
    "datasources"
]

#: Not ours: what Loki adds to every line.
FOREIGN_KEYS = {"service_name", "service_instance_id", "instance"}


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def trace_links():
    jaeger = next(source for source in SOURCES if source["type"] == "jaeger")["jsonData"]
    for query in jaeger["tracesToMetrics"]["queries"]:
        yield f"trace to metrics: {query['name']}", query["query"].replace("$$__tags", 'namespace="news"')


PROMQL = [
    *((q.where, q.filled()) for q in questions() if q.source == "prometheus"),
    *((f"rule {rule.get('alert') or rule['record']}", rule["expr"]) for rule in RULES),
    *((f"runbook {page.stem}", block) for page in RUNBOOKS for block in blocks(page, "promql")),
    *((f"page {page.stem} {number}", block) for page in DOCS for number, block in enumerate(blocks(page, "promql"))),
    *trace_links(),
]
LOGQL = [
    *((q.where, q.filled()) for q in questions() if q.source == "loki"),
    *((f"runbook {page.stem}", block.strip()) for page in RUNBOOKS for block in blocks(page, "logql")),
    *((f"rule {rule['alert']}", rule["expr"]) for rule in LOG_RULES),
    ("trace to logs", '{service_name="heliograph"} | trace_id="4bf92f3577b34da6a3ce929d0e0e4736"'),
]
CONDITIONS = {f"rule {rule['alert']}" for rule in RULES if "alert" in rule}
each_promql = pytest.mark.parametrize("expression", [e for _, e in PROMQL], ids=[where for where, _ in PROMQL])
each_logql = pytest.mark.parametrize("expression", [e for _, e in LOGQL], ids=[where for where, _ in LOGQL])


def series(metric):
    """The names under which a declared metric is scraped."""
    if metric.kind == "histogram":
        return {f"{metric.name}{part}" for part in ("_bucket", "_sum", "_count")}
    return {metric.name}


SERIES = {name: metric for metric in declared.METRICS.values() for name in series(metric)}
RECORDED = {rule["record"]: names(rule["expr"])[0] for rule in RULES if "record" in rule}


def origin(metric):
    """The declared metrics behind a name: itself, or what a rule recorded it from."""
    if metric in RECORDED:
        return {source for name in RECORDED[metric] for source in origin(name)}
    return {metric}


@each_promql
def test_metrics_are_declared(expression):
    used = {source for metric in names(expression)[0] for source in origin(metric)}
    assert used or "__name__" in expression
    assert used <= SERIES.keys() | foreign.FOREIGN.keys()


@each_promql
def test_labels_are_declared_of_a_metric_in_the_query(expression):
    metrics, labels = names(expression)
    sources = {source for metric in metrics for source in origin(metric)}
    known = {label for source in sources for label in (SERIES | foreign.FOREIGN)[source].labels}
    assert labels <= known | foreign.LABELS


@each_promql
def test_values_of_labels_are_of_their_closed_sets(expression):
    for metric, matchers in re.findall(r"(heliograph_\w+){([^}]*)}", expression):
        for label, sign, value in re.findall(r'(\w+)(=~|=)"([^"]*)"', matchers):
            values = SERIES[metric].labels.get(label)
            if isinstance(values, tuple):
                assert any(re.fullmatch(value, known) if sign == "=~" else value == known for known in values)


def test_promql_parses(tmp_path):
    rules = [{"record": f"board:q{n}", "expr": expression} for n, (_, expression) in enumerate(PROMQL)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    said = promtool("check", "rules", "--lint=none", tmp_path / "queries.yml")
    assert said.returncode == 0, said.stdout + said.stderr


# LogQL, by Grafana's own grammar.

PARSE = """
import { parser } from '@grafana/lezer-logql';
let text = '';
for await (const chunk of process.stdin) text += chunk;
const mistakes = JSON.parse(text).map((query) => {
  const found = [];
  parser.parse(query).iterate({ enter: (node) => { if (node.type.isError) found.push(node.from); } });
  return found;
});
console.log(JSON.stringify(mistakes));
"""


def mistakes(*expressions):
    """Places where an expression is no LogQL, for each."""
    try:
        packages = node_modules(Path(__file__).parent / "typecheck")
    except Unavailable as why:
        pytest.skip(str(why))
    said = subprocess.run(
        ["node", "--input-type=module", "-e", PARSE], cwd=packages.parent, input=json.dumps(expressions),
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


def test_logql_parses():
    for (where, expression), places in zip(LOGQL, mistakes(*(e for _, e in LOGQL)), strict=True):
        assert not places, f"{where}: {expression} at {places}"


def test_the_parser_of_logql_sees_mistakes():
    assert all(
        mistakes(
            '{job="x"',
            '{job="x"} |= ',
            'sum by (level) (count_over_time({job="x"}))',
            '{job="x"} | level=~`a` or or b=`c`',
        )
    )


@each_logql
def test_log_keys_are_declared(expression):
    text = re.sub(r"`[^`]*`|\"[^\"]*\"", "''", expression)
    keys = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", text)) | {
        k for group in re.findall(r"by \(([^)]*)\)", text) for k in re.split(r",\s*", group)
    }
    assert keys
    assert keys <= field_names.KEYS.keys() | FOREIGN_KEYS


def test_keys_that_lines_are_told_with_are_declared():
    told = {key for _, expression in LOGQL for key in re.findall(r"{{(?:if|with)? ?\.(\w+)}}", expression)}
    assert told
    assert told <= field_names.KEYS.keys()


def test_traces_are_searched_by_a_declared_span():
    searched = {q.query["operation"] for q in questions() if q.source == "jaeger"}
    assert searched
    assert searched <= span_names.SPANS.keys()


def test_every_event_that_a_panel_or_a_runbook_names_is_declared():
    said = " ".join(page.read_text() for page in RUNBOOKS) + json.dumps([q.query for q in questions()])
    named = set(re.findall(r"`([a-z]+\.[a-z_]+)`", said))
    assert named <= declared.EVENTS.keys() | span_names.SPANS.keys()


def test_causes_that_a_panel_chooses_exist():
    from grafana.dashboards.logs import ABNORMAL
    from service.protocol.closing import CAUSES

    for cause in ABNORMAL.split("|"):
        assert any(re.fullmatch(cause, known) for known in CAUSES), cause


# PromQL finds what is declared: every query is asked of a scrape in which each declared series moves.


def moving_series():
    """One series for each declared name and the first values of its labels, over twenty minutes."""
    target = {"job": "heliograph", "instance": "node-1:9000"}
    for name, metric in foreign.FOREIGN.items():
        yield from foreign_series(name, metric)
    for metric in declared.METRICS.values():
        if metric.kind != "histogram":
            for labels in combinations(metric):
                yield {"series": selector(metric.name, target | labels), "values": "1+1x80"}
            continue
        labels = target | {label: values_of(values)[0] for label, values in metric.labels.items()}
        for n, bound in enumerate([*(f"{bound}" for bound in metric.buckets), "+Inf"], 1):
            yield {"series": selector(f"{metric.name}_bucket", labels | {"le": bound}), "values": f"0+{n}x80"}
        for part in ("_sum", "_count"):
            yield {"series": selector(metric.name + part, labels), "values": f"0+{len(metric.buckets) + 1}x80"}


def foreign_series(name, metric):
    """Each job's that has it, and each value of each label."""
    known = {label: values if isinstance(values, tuple) else (values,) for label, values in metric.labels.items()}
    numbers = range(max(map(len, known.values()), default=1))
    jobs = [each for each in (metric.job, metric.also) if each] or foreign.JOBS
    for job, number in itertools.product(jobs, numbers):
        chosen = {label: values[min(number, len(values) - 1)] for label, values in known.items()}
        labels = {"job": job, "instance": "node-1:9000"} | chosen
        yield {"series": selector(name, labels), "values": "1+1x80" if metric.kind == "counter" else "1x80"}


def selector(name, labels):
    return f"{name}{{{', '.join(f'{label}={json.dumps(value)}' for label, value in labels.items())}}}"


def combinations(metric):
    """Labels such that each value of each label occurs."""
    known = {label: values_of(values) for label, values in metric.labels.items()}
    for number in range(max(map(len, known.values()), default=1)):
        yield {label: values[min(number, len(values) - 1)] for label, values in known.items()}


def values_of(values):
    if isinstance(values, tuple):
        return values
    if values.what == "close_causes":
        return closing.CAUSES
    return ({"namespaces": "news"}.get(values.what, values.what),)


def test_every_query_finds_a_finite_series_when_everything_moves(tmp_path):
    checks = [
        {
            "expr": f"count(({filled}) > -Inf) > bool 0",
            "eval_time": "15m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for where, expression in PROMQL
        if where not in CONDITIONS  # they find nothing, rightly
        for filled in [expression.replace("[10s]", "[1m]")]
    ]
    assert len(checks) == sum(where not in CONDITIONS for where, _ in PROMQL)
    test = {"interval": "15s", "input_series": list(moving_series()), "promql_expr_test": checks}
    rules = [str(path) for path in sorted((ROOT / "alerts" / "rules").glob("*.yml"))]
    (tmp_path / "found.yml").write_text(
        yaml.safe_dump({"rule_files": rules, "evaluation_interval": "15s", "tests": [test]})
    )
    said = promtool("test", "rules", tmp_path / "found.yml")
    assert said.returncode == 0, said.stdout + said.stderr
