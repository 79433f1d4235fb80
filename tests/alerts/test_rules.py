"""Rules: they are tested both ways, the tests notice a broken rule, and every link leads somewhere."""

import copy
import itertools
import json
import re
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from alerts.lab import write_hastened
from alerts.objectives import BURNS, OBJECTIVES
from alerts.pager import watchdog
from tests.alerts.promtool import promtool

ROOT = Path(__file__).parents[2]
RULES, TESTS, RUNBOOKS = (ROOT / "alerts" / part for part in ("rules", "tests", "runbooks"))
BOARDS = ROOT / "grafana" / "generated"
SUBJECTS = sorted(path.stem for path in RULES.glob("*.yml"))


def rules_in(file):
    return [rule for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]


def rules_of(subject):
    return rules_in(RULES / f"{subject}.yml")


EVERY = [(subject, rule) for subject in SUBJECTS for rule in rules_of(subject)]
#: Fires always and is no alert: a heartbeat, which has no threshold, no wait and no instance.
WATCHDOG = "Watchdog"
ALERTS = [(subject, rule) for subject, rule in EVERY if rule.get("alert", WATCHDOG) != WATCHDOG]
RECORDS = [rule for _, rule in EVERY if "record" in rule]


SLO = {
    "requests": "requests",
    "messages": "delivery",
    "backlog": "backlog",
    "broker": "requests",  # what a slow broker harms, so that the page about it silences the ticket about its cause
    "process": "process",
    "connections": "connections",
    "heartbeats": "connections",
    "certificates": "connections",  # without one nobody connects
    "hooks": "requests",
    "memory": "process",
    "ledger": "ledger",
    **dict.fromkeys(("telemetry", "lines", "scrape", "collector", "stores", "alerting", "pager"), "telemetry"),
    "budget_handshakes": "connections",
    "budget_messages": "requests",
    "budget_deliveries": "delivery",
    "budget_ends": "connections",
    "budget_fanout": "delivery",
}
#: Alert → the metric that the panel behind its link shows.
SHOWN = {
    "HeliographErrorRate": "heliograph_errors_total",
    "HeliographDeliveryLatencyP99": "heliograph_message_delivery_seconds",
    "HeliographBacklog": "heliograph_backlog_messages",
    "HeliographBrokerSlow": "heliograph_broker_operation_seconds",
    "HeliographCpu": "process_cpu_seconds_total",
    "HeliographFiles": "process_open_fds",
    "HeliographDown": "instance:heliograph_scrapes_missed:ratio_avg1m",
    "HeliographRestarts": "instance:heliograph_restarts:changes8m",
    "HeliographGcPauses": "instance:heliograph_gc_pauses:increase5m",
    "HeliographHttp5xx": "instance:heliograph_http_faults:ratio_rate5m",
    "HeliographMessagesDropped": "instance:heliograph_messages_dropped:rate5m",
    "HeliographFanoutLag": "instance:heliograph_fanout_lag_seconds:avg1m",
    "HeliographOldestUnsent": "instance:heliograph_unsent_oldest_seconds:avg1m",
    "HeliographBacklogBytes": "instance:heliograph_backlog_memory:ratio_avg1m",
    "HeliographSlowReaders": "instance:heliograph_slow_connections:ratio_avg1m",
    "HeliographSlowReadersCut": "instance:heliograph_slow_cut_per_connection:ratio_rate5m",
    "HeliographReconnectStorm": "instance:heliograph_upgrades_accepted:rate2m",
    "HeliographConnectionsCollapsed": "instance:heliograph_connections_lost:ratio_max15m",
    "HeliographConnectionsNearLimit": "instance:heliograph_connections:ratio_avg1m",
    "HeliographConnectionsAhead": "instance:heliograph_connections_ahead:ratio_predict8m",
    "HeliographHeartbeatsMissed": "instance:heliograph_heartbeats_missed_per_connection:ratio_rate5m",
    "HeliographHeartbeatSlow": "instance:heliograph_heartbeat_rtt_seconds:p95_rate5m",
    "HeliographDrainStuck": "instance:heliograph_drain_overdue_seconds:min1m",
    "HeliographUnknownCause": "instance:heliograph_unknown_causes:increase5m",
    "HeliographLoopLag": "instance:heliograph_event_loop_lag_seconds:p99_rate1m",
    "HeliographLoopBlocked": "instance:heliograph_event_loop_lag_seconds:p99_rate1m",
    "HeliographLoopPauses": "instance:heliograph_event_loop_stalled:increase5m",
    "HeliographMemoryGrowth": "instance:heliograph_memory_growth:ratio_deriv30m",
    "HeliographCertificateExpiry": "instance:heliograph_certificate_days:min5m",
    "HeliographCertificateUrgent": "instance:heliograph_certificate_days:min5m",
    "HeliographCertificateRefused": "instance:heliograph_certificates_refused:increase5m",
    "HeliographHooksSlow": "instance:heliograph_hooks_slow:rate5m",
    "HeliographBreakerOpen": "instance:heliograph_breaker_open:ratio_avg1m",
    "HeliographBrokerFailing": "instance:heliograph_broker_failed:rate5m",
    "HeliographUnaccounted": "heliograph_messages_unaccounted",
    "HeliographSpansLost": "heliograph_spans_dropped_total",
    "HeliographTracesSilent": "heliograph_spans_exported_total",
    "HeliographExemplarsAbsent": "prometheus_tsdb_exemplar_exemplars_appended_total",
    "HeliographLogLinesDropped": "heliograph_logs_dropped_total",
    "HeliographLogDelay": "loki_distributor_lag_ms_total",
    "HeliographLogsStuck": "otelcol_exporter_queue_size",
    "HeliographLogsSilent": "loki_distributor_lines_received_total",
    "HeliographCardinality": "scrape_series_added",
    "HeliographScrapeFailures": "heliograph_scrape_failures_total",
    "HeliographScrapeSlow": "scrape_duration_seconds",
    "HeliographCollectorDown": "up",
    "HeliographLokiDown": "up",
    "HeliographJaegerDown": "up",
    "HeliographAlertmanagerDown": "up",
    "HeliographPagerDown": "up",
    "HeliographTargetDown": "up",
    "HeliographTargetGone": "up",
    "HeliographUnwatched": "up",
    "HeliographCollectorRefuses": "otelcol_receiver_refused_spans_total",
    "HeliographCollectorLoses": "otelcol_exporter_sent_spans_total",
    "HeliographCollectorQueue": "otelcol_exporter_queue_size",
    "HeliographLokiDiscards": "loki_distributor_lines_received_total",
    "HeliographRulesFail": "prometheus_rule_evaluation_failures_total",
    "HeliographNotificationsFail": "prometheus_notifications_errors_total",
    "HeliographAlertmanagerFails": "alertmanager_notifications_failed_total",
    "HeliographConfigNotLoaded": "alertmanager_notifications_total",
    "HeliographLettersWait": "pager_letters_waiting",
    "HeliographPagerRefuses": "pager_webhook_calls_total",
    "HeliographRotaWrong": "pager_rota_wrong",
    **{each.alert: each.ratio("1h") for each in OBJECTIVES},
}


def of(alerts):
    return pytest.mark.parametrize(("subject", "rule"), alerts, ids=[rule["alert"] for _, rule in alerts])


# What promtool says.


def test_promtool_finds_no_fault_in_the_rules():
    said = promtool("check", "rules", "--lint=all", *RULES.glob("*.yml"))
    assert said.returncode == 0, said.stdout + said.stderr


#: Three days of a budget, minute by minute, take promtool ten seconds; an hour of the others takes some.
LONG = {"alerting", "connections", "process", *(each for each in SUBJECTS if each.startswith("budget_"))}


@pytest.mark.parametrize(
    "subject",
    [pytest.param(each, marks=pytest.mark.slow if each in LONG else ()) for each in SUBJECTS],
)
def test_the_rules_fire_and_stay_silent_as_their_tests_say(subject):
    said = promtool("test", "rules", TESTS / f"{subject}_test.yml")
    assert said.returncode == 0, said.stdout + said.stderr


def test_the_rules_of_the_lab_are_rules_too(tmp_path):
    said = promtool("check", "rules", "--lint=all", *write_hastened(RULES, tmp_path))
    assert said.returncode == 0, said.stdout + said.stderr


# The tests are worth something: each way to break an alert is noticed.


CONNECTIVE = re.compile(r"\s(?:and|unless)\s")


def clauses(expression):
    """Where the clauses after the first one begin and end; none of ours has a connective inside parentheses."""
    starts = [found.start() for found in CONNECTIVE.finditer(expression)]
    return list(itertools.pairwise([*starts, len(expression)]))


def without_clause(number):
    """Without a guard: the clause for low traffic, for a restart, …"""

    def change(rule):
        places = clauses(rule["expr"])
        if number < len(places):
            start, end = places[number]
            rule["expr"] = rule["expr"][:start] + rule["expr"][end:]

    return change


def with_another_threshold(factor):
    def change(rule):
        limit = re.search(r"[<>] ([\d.]+)", rule["expr"])[1]
        changed = rf"\1 {float(limit) * factor or factor}"  # a limit that stands twice is one limit
        rule["expr"] = re.sub(rf"([<>]) {re.escape(limit)}(?![\d.])", changed, rule["expr"])

    return change


def with_another_wait(wait):
    def change(rule):
        rule["for"] = wait

    return change


def without_the_instance(rule):
    rule["expr"] = f"sum by (job) ({rule['expr']})"


BREAKAGES = {
    "no first guard": without_clause(0),
    "no second guard": without_clause(1),
    "no third guard": without_clause(2),
    "ten times the threshold": with_another_threshold(10),
    "a quarter of the threshold": with_another_threshold(0.25),
    "no waiting": with_another_wait("0s"),
    "waiting for an hour": with_another_wait("1h"),
    "no instance": without_the_instance,
}
#: What they record is 0, 1 or a whole number: a limit of an eighth, or a quarter, is the same as one of a half, or 0.
EQUIVALENT = {
    (alert, "a quarter of the threshold")
    for alert in (
        "HeliographUnknownCause",
        "HeliographCertificateRefused",
        "HeliographUnaccounted",
        "HeliographUnwatched",
    )
} | {("HeliographUnwatched", "ten times the threshold")}  # of no targets


#: Budgets have one mould, and one of them is broken for all: `test_objectives.py` says that they have the same form.
MOULDED = {f"budget_{each.name}" for each in OBJECTIVES} - {"budget_messages"}  # whose records are the quickest


def ways_to_break(subject):
    """(rule, breakage), each one that changes the rule."""
    if subject in MOULDED:
        return
    for rule in (rule for alerts_subject, rule in ALERTS if alerts_subject == subject):
        for breakage, change in BREAKAGES.items():
            changed = copy.deepcopy(rule)
            change(changed)
            if changed != rule and (rule["alert"], breakage) not in EQUIVALENT:
                yield rule, breakage


def test_each_alert_can_be_broken_in_many_ways():
    ways = [rule["alert"] for subject in SUBJECTS for rule, _ in ways_to_break(subject)]
    ways += [alert for alert, _ in EQUIVALENT]
    wanted = [
        alert
        for alert, expression in ((rule["alert"], rule["expr"]) for subject, rule in ALERTS if subject not in MOULDED)
        for _ in range(5 + len(clauses(expression)))  # one for each guard
    ]
    assert sorted(ways) == sorted(wanted)


#: Three days of a budget, and each rule broken in seven ways, take promtool twenty seconds: one window at a time.
PARTS = [(subject, "") for subject in SUBJECTS if not subject.startswith("budget_")]
PARTS += [(f"budget_{each.name}", burn.long) for each in OBJECTIVES for burn in BURNS]
PARTS = [(subject, window) for subject, window in PARTS if subject not in MOULDED]


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize(("subject", "window"), PARTS)
def test_a_broken_rule_is_noticed(subject, window, tmp_path):
    mine = [way for way in ways_to_break(subject) if window in ("", way[0]["labels"].get("window"))]
    ways = {f"way {n}": way for n, way in enumerate(mine)}
    assert ways
    tests = [break_one(subject, *way, name, tmp_path / name) for name, way in ways.items()]
    said = promtool("test", "rules", *tests)
    unnoticed = [(rule["alert"], breakage) for name, (rule, breakage) in ways.items() if f"{name}: " not in said.stderr]
    assert unnoticed == []


def break_one(subject, rule, breakage, name, folder):
    """Writes all rules, one of them broken, and its tests, whose names begin so; where these are."""
    shutil.copytree(RULES, folder / "rules")
    content = yaml.safe_load((RULES / f"{subject}.yml").read_text())
    (candidate,) = (each for group in content["groups"] for each in group["rules"] if each == rule)
    BREAKAGES[breakage](candidate)
    (folder / "rules" / f"{subject}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    (folder / "tests").mkdir()
    tests = folder / "tests" / "its.yml"
    tests.write_text(yaml.safe_dump(its_tests(subject, rule["alert"], name)))
    return tests


def its_tests(subject, alert, name):
    """The subject's tests that are about this alert: others could not notice, and take time."""
    content = yaml.safe_load((TESTS / f"{subject}_test.yml").read_text())
    mine = [
        test | {"name": f"{name}: {test.get('name', '')}"}
        for test in content["tests"]
        if alert in {check["alertname"] for check in test.get("alert_rule_test", [])}
    ]
    return content | {"tests": mine}


# The shape, in the words of mixtool's and pint's conventions.


def test_each_rule_file_has_its_tests_and_no_test_is_left_over():
    assert SUBJECTS == sorted(path.name.removesuffix("_test.yml") for path in TESTS.glob("*_test.yml"))


@of(ALERTS)
def test_an_alert_is_proven_to_fire_and_to_stay_silent(subject, rule):
    tests = yaml.safe_load((TESTS / f"{subject}_test.yml").read_text())["tests"]
    checks = [
        check for test in tests for check in test.get("alert_rule_test", []) if check["alertname"] == rule["alert"]
    ]
    assert any(check["exp_alerts"] for check in checks), "nothing shows that it fires"
    silent = [test for test in tests if all(not check["exp_alerts"] for check in test.get("alert_rule_test", []))]
    assert silent, "nothing shows that it stays silent"


@of(ALERTS)
def test_an_alert_says_what_it_is_and_where_to_go(subject, rule):
    assert re.fullmatch(r"Heliograph[A-Z][A-Za-z0-9]+", rule["alert"])
    assert len(rule["alert"]) <= 40
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["labels"]["service"] == "heliograph"
    assert rule["labels"]["signal"] in {"metrics", "logs", "meta"}
    assert rule["labels"]["slo"] == SLO[subject]
    assert rule["for"]
    said = rule["annotations"]
    assert set(said) == {"summary", "description", "runbook_url", "dashboard_url"}
    assert "{{" not in said["summary"], "a templated summary splits groups"
    assert said["summary"][0].isupper()
    assert said["summary"].endswith(".")
    assert "$value" in said["description"]
    assert "$labels.instance" in said["description"]


def test_names_are_used_once():
    windows = {(rule["alert"], rule["labels"].get("window")) for _, rule in ALERTS}
    assert len(windows) == len(ALERTS), "only a budget has several rules, one for each window"
    assert all(rule["alert"].endswith("Budget") for _, rule in ALERTS if "window" in rule["labels"])
    assert len({rule["record"] for rule in RECORDS}) == len(RECORDS)
    assert len({rule["expr"] for _, rule in EVERY}) == len(EVERY)


def test_groups_are_small_and_named_after_their_file():
    for subject in SUBJECTS:
        for group in yaml.safe_load((RULES / f"{subject}.yml").read_text())["groups"]:
            assert group["name"] == f"heliograph.{subject}"
            assert len(group["rules"]) <= 20


@pytest.mark.parametrize("rule", RECORDS, ids=[rule["record"] for rule in RECORDS])
def test_a_record_is_level_metric_operation(rule):
    level, metric, operation = rule["record"].split(":")
    assert level == "instance"
    assert metric.startswith("heliograph_")
    window = re.search(r"(\d+[smhd])$", operation)
    assert window or operation == "bool", "the operation names its window, or says that it is 0 or 1"
    widths = set(re.findall(r"\[(\w+)\]", rule["expr"]))
    assert widths <= {window[1]} if window else not widths and " > bool " in rule["expr"]


def test_what_is_recorded_is_used():
    text = "\n".join(rule["expr"] for _, rule in EVERY) + "".join(path.read_text() for path in BOARDS.glob("*.json"))
    unused = [rule["record"] for rule in RECORDS if not re.search(rf"{re.escape(rule['record'])}(?![\w:])", text)]
    assert not unused


# Every link leads somewhere.


@of(ALERTS)
def test_the_runbook_exists(subject, rule):
    assert rule["annotations"]["runbook_url"].endswith(f"/runbooks/{rule['alert']}")
    assert (RUNBOOKS / f"{rule['alert']}.md").exists()


@of(ALERTS)
def test_the_board_and_its_panel_exist(subject, rule):
    link = urlsplit(rule["annotations"]["dashboard_url"].replace("{{ $labels.instance }}", "node-1:9000"))
    _, uid, slug = link.path.removeprefix("/").split("/")
    board = json.loads((BOARDS / f"{slug}.json").read_text())
    assert board["uid"] == uid
    panel = next(panel for panel in board["panels"] if f"panel-{panel['id']}" == parse_qs(link.query)["viewPanel"][0])
    shown = " ".join(target["expr"] for target in panel["targets"])
    assert SHOWN[rule["alert"]] in shown


def test_no_runbook_is_left_without_its_alert():
    logs = {rule["alert"] for rule in rules_in(ROOT / "alerts" / "loki" / "logs.yml")}
    ours = {rule["alert"] for _, rule in ALERTS} | logs | {WATCHDOG, watchdog.NAME}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == ours
