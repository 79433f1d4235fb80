"""The lab changes time and nothing else."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from alerts.lab import hastened, seconds, write_hastened
from alerts.objectives import OBJECTIVES
from tests.alerts.promtool import promtool

RULES = Path(__file__).parents[2] / "alerts" / "rules"


def one_rule(**fields):
    return {"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "x", **fields}]}]}


def quick(**fields):
    return hastened(one_rule(**fields), pace=30, shortest_window=4)["groups"][0]["rules"][0]


@pytest.mark.parametrize(
    ("given_expression", "expected"),
    [
        ("rate(x[5m])", "rate(x[10s])"),
        ("rate(x[1m])", "rate(x[4s])"),
        ("rate(x[1h30m] offset 1h)", "rate(x[180s] offset 120s)"),
        ("x offset -5m", "x offset -10s"),
        ("max_over_time(rate(x[5m])[1h:1m])", "max_over_time(rate(x[10s])[120s:2s])"),
        ("max_over_time(x[1h:])", "max_over_time(x[120s:])"),
        ("x{path=\"[5m]\", note='offset 5m'}", "x{path=\"[5m]\", note='offset 5m'}"),
        ('x{q="a\\"[5m]"} > 5', 'x{q="a\\"[5m]"} > 5'),
        ("instance:x:rate5m > 300", "instance:x:rate5m > 300"),
        ("rate(x[2m15s])", "rate(x[4500ms])"),
        ("predict_linear(x[10m], 600) > 600", "predict_linear(x[20s], 20) > 600"),
        (
            "(x unless x offset 5m unless on (a) (b > 0)) / 300 or rate(x[5m])",
            "(x unless x offset 10s unless on (a) (b > 0)) / 10 or rate(x[10s])",
        ),
        ("a / 300 or rate(x[5m])", "a / 300 or rate(x[10s])"),
        ("s > time() - 300", "s > time() - 10"),
        ('predict_linear(a:b:c{d="("}[8m],  90 )', 'predict_linear(a:b:c{d="("}[16s],  3 )'),
    ],
)
def test_windows_and_offsets_are_divided_and_text_is_not(given_expression, expected):
    assert quick(expr=given_expression)["expr"] == expected


def test_for_and_keep_firing_for_and_the_group_interval_are_divided():
    rules = one_rule(**{"for": "5m", "keep_firing_for": "1m"})
    rules["groups"][0]["interval"] = "30s"
    group = hastened(rules, pace=30)["groups"][0]
    assert (group["rules"][0]["for"], group["rules"][0]["keep_firing_for"], group["interval"]) == ("10s", "2s", "1s")


def test_the_argument_is_left_alone():
    rules = one_rule(expr="rate(x[5m])", **{"for": "5m"})
    hastened(rules)
    assert rules == one_rule(expr="rate(x[5m])", **{"for": "5m"})


@pytest.mark.parametrize("wrong", ["", "5", "5 minutes", "m", "-5m", "5m "])
def test_what_is_no_duration_is_refused_with_a_hint(wrong):
    with pytest.raises(ValueError, match="write it like 90s, 5m or 1h30m"):
        seconds(wrong)


@given(st.integers(1, 100000), st.sampled_from(["s", "m", "h"]), st.sampled_from([1.0, 2.0, 30.0, 300.0]))
def test_a_duration_keeps_its_proportion(number, unit, pace):
    shorter = quick_seconds(f"{number}{unit}", pace)
    assert shorter == pytest.approx(seconds(f"{number}{unit}") / pace, abs=0.001)


def quick_seconds(duration, pace):
    return seconds(hastened(one_rule(**{"for": duration}), pace)["groups"][0]["rules"][0]["for"])


def test_the_lab_s_files_differ_from_production_in_times_alone(tmp_path):
    for written in write_hastened(RULES, tmp_path):
        lab, production = yaml.safe_load(written.read_text()), yaml.safe_load((RULES / written.name).read_text())
        assert without_times(lab) == without_times(production), written.name
        assert lab != production
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in RULES.glob("*.yml")}


#: Seconds that are written as a bare number.
NUMBERS = r"(?<=\)\) / )\d+|(?<=time\(\) - )\d+"


def without_times(rules):
    return [
        {
            **rule,
            "expr": re.sub(rf"(?<=\[)[^\]]*\](, \d+\))?| offset \w+|{NUMBERS}", "", rule["expr"]),
            "for": "",
            "keep_firing_for": "",
        }
        for group in rules["groups"]
        for rule in group["rules"]
    ]


def recorded(rules):
    return {rule["record"]: rule["expr"] for rule in rules if "record" in rule}


def longest_window(expression, records):
    """The longest range that an expression looks through, those behind recorded names included, in seconds."""
    own = [seconds(window) for window in re.findall(r"\[(\w+)\]", expression)]
    behind = [longest_window(records[name], records) for name in set(re.findall(r"[\w:]+", expression)) & set(records)]
    return max([*own, *behind], default=0)


def test_a_lab_alert_needs_less_than_twenty_seconds_from_fault_to_firing(tmp_path):
    """The inbox has 60 s; scrape, evaluation, grouping and delivery take some of them."""
    files = [yaml.safe_load(written.read_text()) for written in write_hastened(RULES, tmp_path)]
    rules = [rule for content in files for group in content["groups"] for rule in group["rules"]]
    records = recorded(rules)
    # all but the watchdog
    needed: dict[str, float] = {}
    for rule in (rule for rule in rules if "alert" in rule and "for" in rule):
        wait = longest_window(rule["expr"], records) + seconds(rule["for"])
        needed[rule["alert"]] = max(wait, needed.get(rule["alert"], 0))
    assert len(needed) >= 6
    assert {alert for alert, wait in needed.items() if wait > 20} == LOOK_BACK.keys()


#: Look far back to know what is usual, which delays nothing: the next test holds them to the same time.
LOOK_BACK = {
    "HeliographReconnectStorm": "connections",
    "HeliographConnectionsCollapsed": "connections",
    **{each.alert: f"budget_{each.name}" for each in OBJECTIVES},
    "HeliographTargetGone": "",  # never in a lab, whose targets stand in a file
    "HeliographMemoryGrowth": "",  # never in a lab: it leaves out the first hour of a process, and a lab has no hour
}
NODE = 'job="heliograph", instance="node-1:9000"'
FAULTS = {  # one scrape a second; the fault begins after 150 s
    "HeliographReconnectStorm": {
        f'heliograph_upgrades_total{{{NODE}, result="accepted"}}': "0+1x150 150+50x60",
    },
    "HeliographConnectionsCollapsed": {
        f'heliograph_connections{{{NODE}, transport="websocket", protocol="json"}}': "400x150 50x60",
        f"process_start_time_seconds{{{NODE}}}": "1000x210",
    },
    "HeliographHandshakeBudget": {
        f'heliograph_upgrades_total{{{NODE}, result="accepted"}}': "0+5x210",
        f'heliograph_greetings_total{{{NODE}, result="failed"}}': "0x150 0+1x60",
    },
    "HeliographMessageBudget": {
        f'heliograph_requests_total{{{NODE}, kind="api"}}': "0+5x210",
        f'heliograph_errors_total{{{NODE}, kind="api"}}': "0x150 0+1x60",
    },
    "HeliographDeliveryBudget": {
        f"heliograph_message_delivery_seconds_count{{{NODE}}}": "0+5x210",
        f'heliograph_message_delivery_seconds_bucket{{{NODE}, le="0.25"}}': "0+5x150 750x60",
    },
    "HeliographStabilityBudget": {
        f'heliograph_connections_closed_total{{{NODE}, code="1000", cause="client_closed"}}': "0+5x150 750x60",
        f'heliograph_connections_closed_total{{{NODE}, code="3004", cause="internal_error"}}': "0x150 0+5x60",
    },
    "HeliographFreshnessBudget": {f"heliograph_fanout_lag_seconds{{{NODE}}}": "0x150 2x60"},
}


def test_each_that_looks_far_back_has_its_fault():
    assert FAULTS.keys() == {alert for alert, subject in LOOK_BACK.items() if subject}


@pytest.mark.slow
@pytest.mark.parametrize("alert", FAULTS)
def test_what_looks_far_back_fires_as_soon_all_the_same(alert, tmp_path):
    """A budget's hour has to fill up to its limit first: 17 s of a total outage, where 14.4 times 1 % is the limit."""
    wait = 30 if alert.endswith("Budget") else 20
    subjects = ("backlog.yml", f"{LOOK_BACK[alert]}.yml")
    written = [path for path in write_hastened(RULES, tmp_path) if path.name in subjects]
    fault = 150
    series = [{"series": name, "values": values} for name, values in FAULTS[alert].items()]
    firing = f'max(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)'
    checks = [
        {"expr": firing, "eval_time": f"{moment}s", "exp_samples": [{"labels": "{}", "value": value}]}
        for moment, value in ((fault, 0), (fault + wait, 1))
    ]
    tests = {
        "rule_files": [str(path) for path in written],
        "evaluation_interval": "1s",
        "tests": [{"interval": "1s", "input_series": series, "promql_expr_test": checks}],
    }
    (tmp_path / "lab_test.yaml").write_text(yaml.safe_dump(tests))
    said = promtool("test", "rules", tmp_path / "lab_test.yaml")
    assert said.returncode == 0, said.stdout + said.stderr


def test_windows_behind_recorded_names_count():
    records = {"a:b:c": "rate(x[5m])", "a:b:d": "a:b:c / rate(y[1m])"}
    assert longest_window("a:b:d > 1 and z > 2", records) == 300
    assert longest_window("z > 2", records) == 0


def test_an_absence_is_told_after_prometheus_has_heard_of_its_targets():
    rules = {"groups": [{"name": "a", "rules": [{"alert": "A", "expr": 'absent(up{job="a"})', "for": "2m"}]}]}
    assert hastened(rules)["groups"][0]["rules"][0]["for"] == "8s"
    rules["groups"][0]["rules"][0]["for"] = "10m"
    assert hastened(rules)["groups"][0]["rules"][0]["for"] == "20s"
