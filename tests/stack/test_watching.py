"""The telemetry's watch on itself, on the running stack: each program that is taken away is told, and so is silence."""

import re
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from alerts.pager import watchdog
from faults.running import until
from tests.foreign import FOREIGN
from tests.stack.running import LEFT, firing

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]
RUNBOOKS = sorted((Path(__file__).parents[2] / "alerts" / "runbooks").glob("*.md"))
PROMISED = 60.0  # seconds from a fault to the inbox


@pytest.fixture(scope="module")
def busy(running):
    """The load is at work, and nothing fires but what earlier tests left."""
    running.load(on=True)
    until(lambda: firing(running), lambda left: left <= LEFT, patience=PROMISED)
    return running


# ----------------------------------------------------------- what rules and runbooks ask for


def test_the_programs_have_the_metrics_that_rules_may_use(busy):
    """Those that come into being by a trouble, or by being asked for, are not there yet."""

    def missing():
        there = busy.get("prometheus", f"/api/v1/label/__name__/values?{urlencode({'start': busy.began})}")["data"]
        return {name for name, metric in FOREIGN.items() if not metric.trouble} - set(there)

    assert until(missing, lambda left: not left) == set()


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_the_queries_of_a_runbook_can_be_asked(busy, page):
    text = page.read_text()
    for query in re.findall(r"```promql\n(.*?)```", text, re.DOTALL):
        assert busy.get("prometheus", f"/api/v1/query?{urlencode({'query': query})}")["status"] == "success"
    now = time.time()
    for query in re.findall(r"```logql\n(.*?)```", text, re.DOTALL):
        asked = {"query": query, "start": int((now - 60) * 1e9), "end": int(now * 1e9), "step": 5}
        assert busy.get("loki", f"/loki/api/v1/query_range?{urlencode(asked)}")["status"] == "success"


# --------------------------------------------------------------------- what is taken away


def watch(busy, told, alert, since):
    until(busy.inbox, lambda inbox: alert in inbox["firing"], patience=PROMISED)
    told(f"{alert} in the inbox {time.monotonic() - since:.1f} s after its fault")


def watch_end(busy, alert):
    until(busy.inbox, lambda inbox: alert in inbox["resolved"] and alert not in inbox["firing"], patience=PROMISED)


@pytest.mark.parametrize(
    ("program", "alert"),
    [
        ("collector", "HeliographCollectorDown"),
        ("loki", "HeliographLokiDown"),
        ("jaeger", "HeliographJaegerDown"),
    ],
)
def test_a_program_that_is_down_is_told_and_nobody_is_harmed(busy, told, program, alert):
    since = time.monotonic()
    received = busy.figure("heliograph_messages_delivered_total")
    busy.stack.stop_service(program)
    watch(busy, told, alert, since)
    assert busy.figure("heliograph_messages_delivered_total") > received, "messages go on"
    assert busy.value("sum(rate(heliograph_errors_total[10s]))") == 0
    busy.stack.start_service(program)
    watch_end(busy, alert)


def test_a_prometheus_that_is_silent_is_told_by_the_pager_itself(busy, told):
    """No rule can say so: the watchdog has not come."""
    since = time.monotonic()
    busy.stack.stop_service("prometheus")
    watch(busy, told, watchdog.NAME, since)
    (entry,) = (one for one in busy.get("pager", "/inbox.json")["firing"] if one["name"] == watchdog.NAME)
    assert "<h2>Mitigation</h2>" in busy.text("pager", f"/runbooks/{watchdog.NAME}")
    assert entry["links"]["Runbook"].endswith(f"/runbooks/{watchdog.NAME}")
    busy.stack.start_service("prometheus")
    watch_end(busy, watchdog.NAME)
    assert until(lambda: "were heard 0 s ago" in busy.text("pager", "/"))
