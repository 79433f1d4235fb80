"""A counter whose series begins with a burst is seen: ``rate()`` and ``increase()`` alone would take it for its zero.

A counter of an alert is there from the start, at zero, or its rule has the one form that counts what it began with.
"""

import re
from math import prod
from pathlib import Path

import pytest
import yaml

from observability import names
from observability.metrics import PRESET
from observability.names import Handed
from tests.alerts.promtool import promtool
from tests.foreign import FOREIGN

RULES = Path(__file__).parents[2] / "alerts" / "rules"
EVERY = [
    rule
    for file in sorted(RULES.glob("*.yml"))
    for group in yaml.safe_load(file.read_text())["groups"]
    for rule in group["rules"]
]
RECORDS = {rule["record"]: rule["expr"] for rule in EVERY if "record" in rule}
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}

#: The form; ``increase`` needs no seconds.
BEGUN = re.compile(
    r"\((?P<x>[^()]+?) unless (?P=x) offset 5m unless on \(job, instance\) \(up unless up offset 5m == 1"
    r" unless on \(job, instance\) process_start_time_seconds > time\(\) - 300\)\)"
    r"(?: or increase| / 300 or rate)\((?P=x)\[5m\]\)"
)
GROWN = re.compile(r"\b(rate|increase)\((\w+)")

#: Counters outside the form that can begin with their first event, and why no alert misses anything.
OTHERWISE = {
    "loki_distributor_lag_ms_total": "a mean of each minute that must last for two",
    "loki_request_duration_seconds_count": "a mean of each minute that must last for two",
}


def plain(expression):
    return " ".join(expression.split())


def declared(counter):
    return names.METRICS.get(counter) or names.METRICS.get(re.sub(r"_(bucket|count|sum)$", "", counter))


def from_the_start(counter):
    """Whether every series of a counter is in the first scrape, however many namespaces there are."""
    if counter in FOREIGN:
        return not FOREIGN[counter].trouble  # `tests/stack` looks whether it is there without any
    values = declared(counter).labels.values()
    return not any(isinstance(each, Handed) for each in values) and prod(map(len, values)) <= PRESET


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.get("record") or rule["alert"])
def test_a_counter_of_a_rule_is_there_from_the_start_or_counted_from_zero(rule):
    rest = BEGUN.sub("begun", plain(rule["expr"]))
    assert "offset 5m" not in rest or rule.get("record") in OTHER_OFFSETS, "nearly the form"
    for _, counter in GROWN.findall(rest):
        assert counter in OTHERWISE or from_the_start(counter), counter


#: Look back for another reason.
OTHER_OFFSETS = {"instance:heliograph_upgrades_accepted:rate1h"}


def test_what_stands_otherwise_is_used_and_not_there_from_the_start():
    used = {counter for rule in EVERY for _, counter in GROWN.findall(BEGUN.sub("", plain(rule["expr"])))}
    assert used >= OTHERWISE.keys()


def counted_from_zero(expression):
    """Whether an expression, or a record that it uses, has the form."""
    behind = [RECORDS[name] for name in set(re.findall(r"[\w:]+", expression)) & RECORDS.keys()]
    return bool(BEGUN.search(plain(expression))) or any(map(counted_from_zero, behind))


NODE = 'job="heliograph", instance="node-1"'
COLLECTOR = 'job="collector", instance="collector:8888"'
LOKI = 'job="loki", instance="loki:3100"'
#: Alert → the series that begin with a burst, and what is there before.
BURSTS = {
    "HeliographMessagesDropped": {f'heliograph_messages_dropped_total{{{NODE}, namespace="n41", cause="fanout_overload"}}': 50000},
    "HeliographHttp5xx": {f'heliograph_refusals_total{{{NODE}, cause="connection_limit", answer="503"}}': 20000},
    "HeliographHandshakeBudget": {f'heliograph_refusals_total{{{NODE}, cause="connection_limit", answer="3013"}}': 20000},
    "HeliographSlowReadersCut": {f'heliograph_connections_closed_total{{{NODE}, code="3508", cause="memory_pressure", initiator="server"}}': 5000},
    "HeliographStabilityBudget": {f'heliograph_connections_closed_total{{{NODE}, code="3508", cause="memory_pressure", initiator="server"}}': 5000},
    "HeliographUnknownCause": {f'heliograph_messages_dropped_total{{{NODE}, namespace="n41", cause="unknown"}}': 1},
    "HeliographHooksSlow": {
        f'heliograph_outside_call_seconds_count{{{NODE}, dependency="backend", kind="rpc"}}': 300,
        f'heliograph_outside_call_seconds_bucket{{{NODE}, dependency="backend", kind="rpc", le="0.5"}}': 20,
    },
    "HeliographBreakerOpen": {f'heliograph_outside_calls_total{{{NODE}, dependency="backend", kind="rpc", result="breaker_open"}}': 40},
    "HeliographCollectorRefuses": {f'otelcol_receiver_refused_log_records_total{{{COLLECTOR}, receiver="file_log"}}': 500},
    "HeliographCollectorLoses": {f'otelcol_exporter_enqueue_failed_spans_total{{{COLLECTOR}, exporter="otlp_grpc/jaeger"}}': 500},
    "HeliographLokiDiscards": {f'loki_discarded_samples_total{{{LOKI}, reason="rate_limited"}}': 500},
}  # fmt: skip
#: Depend on such a counter, but speak of what goes on for longer than any burst.
LASTING = {"HeliographLogsSilent"}
STEPS = 28  # of 15 s, until the burst: after seven minutes
LASTS = 60
ALWAYS = STEPS + LASTS
BEFORE = {
    f'heliograph_connections{{{NODE}, transport="websocket", protocol="json"}}': f"1000x{ALWAYS}",
    f'heliograph_upgrades_total{{{NODE}, result="accepted"}}': f"0+10x{ALWAYS}",
    f'heliograph_greetings_total{{{NODE}, result="failed"}}': f"0x{ALWAYS}",
    f'heliograph_outside_breaker{{{NODE}, dependency="backend", kind="rpc", state="closed"}}': f"1x{STEPS - 1} 0x{LASTS}",
    f"process_start_time_seconds{{{NODE}}}": f"-9000x{ALWAYS}",
}
UP = tuple(f"up{{{each}}}" for each in (NODE, COLLECTOR, LOKI))
ALWAYS_UP = dict.fromkeys(UP, f"1x{ALWAYS}")


def test_each_alert_about_such_a_counter_has_its_burst():
    assert {alert for alert, rule in ALERTS.items() if counted_from_zero(rule["expr"])} == BURSTS.keys() | LASTING
    assert all(ALERTS[alert]["for"] == "5m" for alert in LASTING)


def fires(tmp_path, before, burst=f"_x{STEPS - 1} {{0}}x{LASTS}"):
    """What of all these fires at any time, by promtool; the bursts come together."""
    begun = {series: burst.format(value) for bursts in BURSTS.values() for series, value in bursts.items()}
    expression = 'max_over_time(count(ALERTS{{alertname="{}", alertstate="firing"}})[1h:15s])'
    world = {
        "interval": "15s",
        "input_series": [{"series": series, "values": values} for series, values in (before | begun).items()],
        "promql_expr_test": [
            {"expr": expression.format(alert), "eval_time": f"{ALWAYS * 15}s", "exp_samples": []} for alert in BURSTS
        ],
    }
    content = {"rule_files": [f"{RULES}/*.yml"], "evaluation_interval": "15s", "tests": [world]}
    (tmp_path / "bursts.yml").write_text(yaml.safe_dump(content))
    said = promtool("test", "rules", tmp_path / "bursts.yml")
    found = {alert for alert in BURSTS if re.search(rf"{alert}\b", said.stderr)}
    assert bool(found) is bool(said.returncode), said.stderr
    return found


def test_a_series_that_begins_with_a_burst_fires(tmp_path):
    assert fires(tmp_path, BEFORE | ALWAYS_UP) == BURSTS.keys()


def test_it_fires_too_where_nothing_is_known_of_the_scrapes(tmp_path):
    assert fires(tmp_path, BEFORE) == BURSTS.keys()


def test_a_process_that_is_new_itself_began_at_zero(tmp_path):
    """Its first scrape finds what its first seconds brought."""
    born = {
        f"process_start_time_seconds{{{each}}}": f"_x{STEPS - 1} {STEPS * 15 - 20}x{LASTS}"
        for each in (NODE, COLLECTOR, LOKI)
    }
    assert fires(tmp_path, BEFORE | dict.fromkeys(UP, f"_x{STEPS - 1} 1x{LASTS}") | born) == BURSTS.keys()


#: Whether Prometheus reached the programs, and what it saw of their counters, which had grown long before.
GAPS = {
    "nobody could reach it": (f"1x9 0x{STEPS - 11} 1x{LASTS}", f"{{0}}x9 stale _x{STEPS - 12} {{0}}x{LASTS}"),
    "a scrape failed": (f"1x{STEPS - 2} 0 1x{LASTS}", f"{{0}}x{STEPS - 2} stale {{0}}x{LASTS}"),
    "Prometheus was away": (f"1x4 _x{STEPS + 16} 1x{LASTS - 22}", f"{{0}}x4 _x{STEPS + 16} {{0}}x{LASTS - 22}"),
    "its target is new": (f"_x{STEPS - 1} 1x{LASTS}", f"_x{STEPS - 1} {{0}}x{LASTS}"),
}


@pytest.mark.parametrize("gap", GAPS)
def test_what_was_counted_before_anybody_looked_is_no_burst(tmp_path, gap):
    up, counters = GAPS[gap]
    assert fires(tmp_path, BEFORE | dict.fromkeys(UP, up), counters) == set()
