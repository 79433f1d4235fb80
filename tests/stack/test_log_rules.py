"""Alerts about log lines, by the real ruler: the compose file's Loki, Alertmanager and pager with their own files.

One half minute of lines at a lab's pace (a minute is two seconds), written by instances that each do one thing.
"""

import json
import threading
import time
import urllib.request
from dataclasses import replace

import pytest
import yaml

from alerts.lab import PACE
from alerts.pager import watchdog
from deploy.native.compose import Published
from deploy.native.programs import find
from deploy.native.roots import ROOT
from deploy.native.stack import Stack
from faults.running import SPACES, until
from tests.alerts import nodes

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]
STARTED = {"loki": 3100, "alertmanager": 9093, "pager": 9099}
STEP = 0.2  # seconds between two batches of lines
FLOOD = 8.0  # seconds that the flood lasts
LASTS = 34.0
MINUTE = 60 / PACE


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    missing = [name for name in ("loki", "alertmanager") if find(name) is None]
    if missing:
        pytest.skip(f"the stack's programs are not built ({', '.join(missing)}): make programs")

    def started(service):
        if service.name not in STARTED:
            return None
        there = {each.inside for each in service.published}
        more = [Published("127.0.0.1", 0, port) for port in {STARTED[service.name]} - there]
        return replace(service, published=(*service.published, *more), after={})

    with Stack(tmp_path_factory.mktemp("logs"), lab=True, any_port=True, spaces=SPACES[""], change=started) as stack:
        if stack.spaces is None:
            pytest.skip("without namespaces the ports of the compose file may be taken")
        yield stack
        stack.check()


def ask(stack, service, path):
    with urllib.request.urlopen(f"http://{stack.address(service, STARTED[service])}{path}", timeout=10) as answer:
        return json.load(answer)


def write(stack, instance, lines):
    """Lines as the Collector brings them: (level, how many were left out before it)."""
    records = []
    for number, (level, left_out) in enumerate(lines):
        attributes = [{"key": "level", "value": {"stringValue": level}}]
        if left_out:
            attributes.append({"key": "suppressed", "value": {"intValue": str(left_out)}})
        stamp = str(time.time_ns() + number)
        records.append({"timeUnixNano": stamp, "attributes": attributes, "body": {"stringValue": f"{instance}"}})
    names = {"service.name": "heliograph", "service.instance.id": instance}
    resource = {"attributes": [{"key": key, "value": {"stringValue": value}} for key, value in names.items()]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    request = urllib.request.Request(
        f"http://{stack.address('loki', 3100)}/otlp/v1/logs",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status in {200, 204}


def page(stack, alert, subject):
    """An alert of Prometheus's rules about the node, as Prometheus sends it."""
    rules = yaml.safe_load((ROOT / "alerts" / "rules" / f"{subject}.yml").read_text())["groups"][0]["rules"]
    (rule,) = [each for each in rules if each.get("alert") == alert]
    labels = rule["labels"] | {"alertname": alert, "job": "heliograph", "instance": nodes.of_metrics()}
    request = urllib.request.Request(
        f"http://{stack.address('alertmanager', 9093)}/api/v2/alerts",
        json.dumps([{"labels": labels}]).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200


class Owed:
    """How many lines of an even rate are due at each step."""

    def __init__(self):
        self._rest = 0.0

    def due(self, a_second):
        self._rest += a_second * STEP
        count = int(self._rest)
        self._rest -= count
        return count


#: The node of the compose file, by the name that its lines have; it is down, says Prometheus, by the name that it has there.
NODE = nodes.COMPOSE["heliograph"]["environment"]["HELIOGRAPH_NODE_NAME"]

#: Instance → what it writes in a second, by the seconds since it began: level, lines, left out before each.
INSTANCES = {
    "flood": lambda t: ("error", 6.0 if t < FLOOD else 0.0, 0),  # 360 a minute
    NODE: lambda t: ("error", 6.0 if t < FLOOD else 0.0, 0),
    "quiet": lambda t: ("error", 1.0, 0),  # 60 a minute
    "thinned": lambda t: ("error", 1.0, 4),  # 60 written a minute, 300 meant
    "warnings": lambda t: ("warning", 20.0, 0),
    "steady": lambda t: ("error", 3.0 if t > 4 else 0.0, 0),  # a step, and no growth after it
    "growth": lambda t: ("error", 0.8 * 1.2 ** (t / MINUTE), 0),  # 20 % a minute
    "few": lambda t: ("error", 0.02 * 1.3 ** (t / MINUTE), 0),  # grows, and is next to nothing: 20 a minute at most
}


@pytest.fixture(scope="module")
def seen(stack):
    """(alert, instance) → seconds from the beginning until Alertmanager had it; when each was gone; the pager's cases."""
    until(lambda: ask(stack, "loki", "/prometheus/api/v1/rules")["data"]["groups"], patience=30)
    came, gone, cases = {}, {}, set()
    page(stack, "HeliographDown", "process")
    over = threading.Event()
    began = time.monotonic()

    def look():
        while not over.is_set():
            now = time.monotonic() - began
            alerts = ask(stack, "alertmanager", "/api/v2/alerts?active=true")
            active = {(each["labels"]["alertname"], each["labels"]["instance"]): each for each in alerts}
            for key, alert in active.items():
                came.setdefault(key, (now, alert))
            for key in came.keys() - active.keys():
                gone.setdefault(key, now)
            paged = ask(stack, "pager", "/inbox.json")
            cases.update(
                (case["route"], case["group_key"].split('alertname="')[-1].split('"')[0]) for case in paged["cases"]
            )
            over.wait(0.2)

    looking = threading.Thread(target=look)
    looking.start()
    owed = {name: Owed() for name in INSTANCES}
    try:
        while (now := time.monotonic() - began) < LASTS:
            for name, rate in INSTANCES.items():
                level, a_second, left_out = rate(now)
                if count := owed[name].due(a_second):
                    write(stack, name, [(level, left_out)] * count)
            time.sleep(max(0.0, STEP - (time.monotonic() - began - now)))
    finally:
        over.set()
        looking.join()
    return came, gone, cases


def test_the_ruler_has_read_the_rules(stack):
    given = yaml.safe_load((ROOT / "alerts" / "loki" / "logs.yml").read_text())["groups"][0]
    (group,) = ask(stack, "loki", "/prometheus/api/v1/rules")["data"]["groups"]
    assert group["name"] == given["name"]
    assert [rule["name"] for rule in group["rules"]] == [rule["alert"] for rule in given["rules"]]


def test_a_flood_of_error_lines_fires_at_once_and_ends_with_it(seen, told):
    came, gone, _ = seen
    when, alert = came["HeliographErrorLogs", "flood"]
    told(f"HeliographErrorLogs {when:.1f} s after the flood began, gone {gone['HeliographErrorLogs', 'flood']:.1f} s")
    assert when < FLOOD, "while it lasts"
    assert FLOOD < gone["HeliographErrorLogs", "flood"] < FLOOD + 15
    assert alert["labels"]["severity"] == "critical"
    assert "error lines were written by flood" in alert["annotations"]["description"]


def test_lines_that_were_left_out_count(seen):
    came, _, _ = seen
    assert ("HeliographErrorLogs", "thinned") in came
    assert ("HeliographErrorLogs", "quiet") not in came, "the same number of lines, and none was left out"


def test_other_levels_do_not_count(seen):
    came, _, _ = seen
    assert not [name for name, instance in came if instance == "warnings"]


def test_growth_fires_after_its_wait_and_a_step_is_none(seen, told):
    came, _, _ = seen
    when, alert = came["HeliographErrorLogGrowth", "growth"]
    told(f"HeliographErrorLogGrowth {when:.1f} s after the growth began")
    assert when >= 7 * MINUTE, "it waits for seven minutes"
    assert {instance for name, instance in came if name == "HeliographErrorLogGrowth"} == {"growth"}
    assert "%" in alert["annotations"]["description"]


def test_each_goes_its_route_to_the_pager(seen):
    """And the pager tells by itself that Prometheus, which is not started here, is silent."""
    _, _, cases = seen
    assert cases == {("logs", "HeliographErrorLogs"), ("critical", watchdog.NAME), ("critical", "HeliographDown")}


def test_a_page_about_the_same_instance_silences_the_ticket(seen):
    """What grows by a fifth each minute is a flood before it has grown for seven; nobody is told twice."""
    came, _, _ = seen
    assert came["HeliographErrorLogs", "growth"][0] < came["HeliographErrorLogGrowth", "growth"][0]
    assert came["HeliographErrorLogGrowth", "growth"][1]["status"]["inhibitedBy"]


def test_a_page_of_prometheus_silences_what_loki_says_of_the_same_node(seen):
    came, _, _ = seen
    assert came["HeliographErrorLogs", NODE][1]["status"]["inhibitedBy"]
    assert not came["HeliographErrorLogs", "flood"][1]["status"]["inhibitedBy"]
