"""Who is told what: every alert of the rules reaches the pager, pages soon and again, and a page silences its ticket."""

import json
import re
import subprocess
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from alerts.pager.settings import INBOX, load
from deploy.native.compose import seconds
from deploy.native.programs import find
from tests.alerts import nodes

ROOT = Path(__file__).parents[2]
FILE = ROOT / "alerts" / "alertmanager.yml"
CONFIG = yaml.safe_load(FILE.read_text())
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
ALERTS = [
    rule | {"source": folder}
    for folder in ("rules", "loki")
    for path in sorted((ROOT / "alerts" / folder).glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if rule.get("alert", "Watchdog") != "Watchdog"  # which has a way of its own
]


def amtool(*arguments):
    program = find("amtool")
    if program is None:
        pytest.skip("no amtool here: make programs")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=20)


def test_alertmanager_understands_it():
    said = amtool("check-config", FILE)
    assert said.returncode == 0, said.stdout + said.stderr


def receivers(**labels):
    """Where Alertmanager's own program sends an alert."""
    told = [f"{key}={value}" for key, value in labels.items()]
    said = amtool("config", "routes", "test", f"--config.file={FILE}", *told)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout.strip().split(",")


def wanted(labels):
    """The routes of an alert, by what its labels say: what may wait for people is in the inbox at once."""
    if labels["severity"] != "critical":
        return ["inbox", labels["severity"]]
    if labels["signal"] == "logs":
        return ["logs"]
    return ["latency"] if labels["slo"] == "delivery" else ["critical"]


@pytest.mark.parametrize("rule", ALERTS, ids=[rule["alert"] for rule in ALERTS])
@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_each_alert_goes_its_route_at_each_severity(rule, severity):
    labels = {"alertname": rule["alert"], **rule["labels"], "severity": severity}
    assert receivers(**labels) == wanted(labels)


def test_a_flood_of_error_lines_goes_its_own_way():
    assert receivers(alertname="Any", severity="critical", signal="logs", slo="requests") == ["logs"]


def test_the_watchdog_comes_by_its_own_door_often_enough_for_the_pager():
    labels = {"service": "heliograph", "severity": "none", "slo": "telemetry", "signal": "meta"}
    assert receivers(alertname="Watchdog", **labels) == ["watchdog"]
    route = CONFIG["route"]["routes"][0]
    patience = load(ROOT / "alerts" / "pager.yml").watchdog.after
    slowest = seconds(route["repeat_interval"]) + seconds(route["group_interval"])
    assert 3 * slowest <= patience, "two may be lost without anybody being woken"


def test_what_nobody_thought_of_reaches_the_pager_too():
    assert receivers(alertname="Unheard", severity="odd") == ["warning"]


def test_the_pager_is_where_the_compose_file_has_it_and_knows_every_route():
    command = COMPOSE["pager"]["command"]
    port = command[command.index("--port") + 1]
    routes = load(ROOT / "alerts" / "pager.example.yml").routes
    for each in CONFIG["receivers"]:
        (webhook,) = each["webhook_configs"]
        if each["name"] == "watchdog":
            assert (webhook["url"], webhook["send_resolved"]) == (f"http://pager:{port}/watchdog", False)
            continue
        assert webhook["url"] == f"http://pager:{port}/alerts/{each['name']}"
        assert webhook["send_resolved"] is True
        assert (each["name"] in routes) == (each["name"] != INBOX), "the example has steps for all others"
    assert set(routes) == {each["name"] for each in CONFIG["receivers"]} - {"watchdog", INBOX}


def test_error_lines_go_to_wecom_and_sms_at_once_and_late_messages_by_mail_and_within_five_minutes_by_phone():
    """Half a minute is left for a provider that says no at first. Delivered live: tests/alerts/delivery."""
    example = load(ROOT / "alerts" / "pager.example.yml")
    kinds = yaml.safe_load((ROOT / "alerts" / "pager.example.yml").read_text())["channels"]
    first, *_ = example.routes["logs"]
    assert first.after == 0
    assert {kinds[name]["type"] for name in first.channels} == {"wecom_robot", "wecom_app", "sms"}
    mail, call = example.routes["latency"]
    assert (mail.after, [kinds[name]["type"] for name in mail.channels]) == (0, ["mail"])
    assert [kinds[name]["type"] for name in call.channels] == ["phone"]
    assert seconds(by_receiver("critical")["group_wait"]) + call.after + 30 <= 300


def test_a_page_is_sooner_and_more_often_than_a_ticket():
    route = CONFIG["route"]
    critical, inbox, warning, info = (by_receiver(name) for name in ("critical", "inbox", "warning", "info"))
    assert critical["matchers"] == ['severity = "critical"']
    for wait in ("group_wait", "group_interval", "repeat_interval"):
        assert seconds(critical[wait]) < seconds(route[wait]) < seconds(info[wait])
        assert not {wait} & (inbox.keys() | warning.keys()), "as the root has it"
    for each in (route, critical, info):
        assert seconds(each["repeat_interval"]) % seconds(each["group_interval"]) == 0, "else it is late by a part"


def by_receiver(name):
    return next(each for each in CONFIG["route"]["routes"] if each["receiver"] == name)


def test_a_page_and_the_inbox_are_never_muted_by_the_clock_and_what_may_wait_is_both_ways():
    critical = by_receiver("critical")
    for each in (CONFIG["route"], critical, *critical["routes"], by_receiver("inbox"), by_receiver("watchdog")):
        assert not {"active_time_intervals", "mute_time_intervals"} & each.keys()
    for name in ("warning", "info"):
        assert by_receiver(name)["active_time_intervals"] == ["working hours"]
        assert by_receiver(name)["mute_time_intervals"] == ["holidays"]
    muted = [rule for rule in ALERTS if rule["labels"]["severity"] in ("warning", "info")]
    assert len(muted) > 40, "the hours are about alerts that there are"


def test_a_night_is_longer_than_what_alertmanager_does_not_repeat():
    """It forgets no notification before its repeat_interval; what ended and began anew by night would wait for that."""
    (interval,) = CONFIG["time_intervals"][0]["time_intervals"]
    (day,) = interval["times"]
    begin, end = (int(day[name].split(":")[0]) for name in ("start_time", "end_time"))
    assert seconds(CONFIG["route"]["repeat_interval"]) <= (24 - (end - begin)) * 3600


def test_hours_and_holidays_are_those_of_a_real_place_that_is_the_rota_s():
    rota = yaml.safe_load((ROOT / "alerts" / "rota.example.yml").read_text())["time_zone"]
    assert [each["name"] for each in CONFIG["time_intervals"]] == ["working hours", "holidays"]
    for named in CONFIG["time_intervals"]:
        for interval in named["time_intervals"]:
            assert interval["location"] == rota
    assert ZoneInfo(rota).utcoffset(datetime(2026, 1, 5)).total_seconds() == 8 * 3600


def holds(matcher, labels):
    """Whether one of our matchers holds; they are simple ones, and Alertmanager's own program has read them."""
    name, sign, value = re.fullmatch(r'(\w+) (=~|!~|!=|=) "([^"]*)"', matcher).groups()
    found = labels.get(name, "")
    same = re.fullmatch(value, found) is not None if "~" in sign else found == value
    return same is not sign.startswith("!")


#: What Prometheus and Loki call one node: by the files that decide it, see ``test_nodes``.
NAMES = {"rules": nodes.of_metrics(), "loki": nodes.COMPOSE["heliograph"]["environment"]["HELIOGRAPH_NODE_NAME"]}


def silenced(alert, by, instances=()):
    """Whether one alert of the rules, while it fires about the node of the compose file, silences another one."""
    instances = instances or (NAMES[one(by)["source"]], NAMES[one(alert)["source"]])
    theirs, its = (
        rule["labels"] | {"alertname": rule["alert"], "instance": instance}
        for rule, instance in zip((one(by), one(alert)), instances, strict=True)
    )
    return any(
        all(holds(matcher, theirs) for matcher in rule["source_matchers"])
        and all(holds(matcher, its) for matcher in rule["target_matchers"])
        and all(theirs[label] == its[label] for label in rule["equal"])
        for rule in CONFIG["inhibit_rules"]
    )


def one(alert):
    return next(rule for rule in ALERTS if rule["alert"] == alert)


@pytest.mark.parametrize(
    ("alert", "by"),
    [
        ("HeliographBrokerSlow", "HeliographErrorRate"),
        ("HeliographHooksSlow", "HeliographBreakerOpen"),
        ("HeliographFanoutLag", "HeliographDeliveryLatencyP99"),
        ("HeliographSlowReaders", "HeliographBacklog"),
        ("HeliographLoopLag", "HeliographLoopBlocked"),
        ("HeliographConnectionsAhead", "HeliographReconnectStorm"),
        ("HeliographCertificateExpiry", "HeliographCertificateUrgent"),
        ("HeliographConnectionsCollapsed", "HeliographDown"),
        ("HeliographErrorRate", "HeliographDown"),
        ("HeliographErrorLogGrowth", "HeliographErrorLogs"),
        ("HeliographErrorLogGrowth", "HeliographErrorRate"),
        ("HeliographErrorLogs", "HeliographDown"),
        ("HeliographBrokerSlow", "HeliographErrorLogs"),
        ("HeliographMessageBudget", "HeliographErrorRate"),
        ("HeliographDeliveryBudget", "HeliographDeliveryLatencyP99"),
        ("HeliographHandshakeBudget", "HeliographReconnectStorm"),
    ],
)
def test_what_follows_from_an_alert_is_silent_while_it_fires_on_that_instance_alone(alert, by):
    assert silenced(alert, by)
    assert not silenced(alert, by, ("node-1", "node-2"))


@pytest.mark.parametrize("alert", [rule["alert"] for rule in ALERTS])
def test_no_ticket_silences_a_page_and_no_page_another_one(alert):
    """But for a process that is gone, and the budget that a fault burns, whose page is the fault's."""
    if one(alert)["labels"]["severity"] == "critical" and not alert.endswith("Budget"):
        for other in ALERTS:
            assert not silenced(alert, other["alert"]) or other["alert"] == "HeliographDown"


def test_a_budget_silences_nothing_but_tickets():
    budgets = [rule["alert"] for rule in ALERTS if rule["alert"].endswith("Budget")]
    pages = {rule["alert"] for rule in ALERTS if rule["labels"]["severity"] == "critical"}
    assert budgets
    assert not [(page, budget) for page in pages for budget in budgets if silenced(page, budget)]


def test_no_alert_can_silence_itself():
    """An inhibition whose both sides match one alert would do nothing, or everything."""
    for rule in CONFIG["inhibit_rules"]:
        assert not set(rule["source_matchers"]) & set(rule["target_matchers"])
        for alert in ALERTS:
            assert set(rule["equal"]) - {"instance"} <= alert["labels"].keys(), json.dumps(alert["labels"])
