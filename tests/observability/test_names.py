"""Names are declared once, follow the conventions, and everything that is written anywhere uses them."""

import re
from pathlib import Path

import pytest

from observability import names, span_names
from observability.field_names import ATTRIBUTES
from observability.names import Handed
from service.config import known_options
from service.protocol import closing, errors
from service.settings.option import walk

ROOT = Path(__file__).parents[2]
WRITTEN = [
    file
    for place in ("alerts", "grafana", "deploy", "docs", "observability", "service", "README.md", "docker-compose.yml")
    for file in ([ROOT / place] if (ROOT / place).is_file() else (ROOT / place).rglob("*"))
    if file.suffix in {".py", ".yml", ".yaml", ".json", ".md", ".html", ".js", ".tmpl"}
]
#: Parts of names and other words with our prefix that are no metrics.
NO_METRICS = {"heliograph_client", "heliograph_", "heliograph_service", "heliograph_telemetry"}


@pytest.mark.parametrize("metric", names.METRICS.values(), ids=lambda metric: metric.name)
def test_a_metric_follows_the_conventions(metric):
    assert re.fullmatch(r"(heliograph|process)_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.help.endswith(".")
    assert not set(metric.labels) & {"user", "channel", "connection", "connection_id", "client", "le", "quantile"}
    assert all(isinstance(values, Handed) or values for values in metric.labels.values())
    if metric.unit:
        assert metric.unit in metric.name


def test_the_objective_and_the_alerts_limits_are_bounds_of_the_delivery():
    assert {0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0} <= set(names.DELIVERY_SECONDS.buckets)


def test_what_leads_to_the_namespace_at_fault_says_it():
    for metric in (names.PUBLICATIONS, names.DELIVERED, names.LATE, names.DROPPED, names.SUBSCRIPTIONS):
        assert metric.labels["namespace"] is names.NAMESPACES


def test_our_faults_are_the_protocols_own():
    assert names.SERVER_FAULTS == {errors.INTERNAL.code, closing.INTERNAL_ERROR.code}


def test_every_metric_that_is_written_anywhere_is_declared():
    """Dashboards, rules, runbooks, documents, code; names that rules record themselves are theirs."""
    recorded = {
        part
        for file in (ROOT / "alerts" / "rules").rglob("*.yml")
        for name in re.findall(r"record:\s*([\w:]+)", file.read_text())
        for part in name.split(":")
    }
    known = recorded | NO_METRICS | set(names.METRICS)
    for metric in names.METRICS.values():
        known |= {metric.name.removesuffix("_total")}
        if metric.kind == "histogram":
            known |= {metric.name + suffix for suffix in ("_bucket", "_sum", "_count")}
    strangers = {
        (str(file.relative_to(ROOT)), name)
        for file in WRITTEN
        for name in re.findall(r"\bheliograph_[a-z_]+", file.read_text(errors="ignore"))
        if name not in known
    }
    assert not strangers


def test_every_span_and_log_event_that_is_written_anywhere_is_declared():
    """What looks like one: in backticks in prose, in quotes in queries, after the same first word as a declared one."""
    known = {
        *span_names.SPANS,
        *names.EVENTS,
        *ATTRIBUTES,
        "service.name",
        "service.version",  # these of a resource
        *(path for path, _ in walk(known_options())),  # pages name settings, too
    }
    firsts = "|".join(sorted({name.partition(".")[0] for name in (*span_names.SPANS, *names.EVENTS)}))
    files = "py|json|html|js|md|y?aml|yml|toml|txt|service"
    name = re.compile(rf"[`\"'\\]((?:{firsts})\.(?!(?:{files})\b)[a-z_]+)[`\"'\\]")
    prose = [file for file in WRITTEN if file.suffix != ".py" and file.name != "configuration.md"]  # which is generated
    seen = {(file.name, found) for file in prose for found in name.findall(file.read_text())}
    assert len({found for _, found in seen}) > 20
    assert not {(file, found) for file, found in seen if found not in known}
