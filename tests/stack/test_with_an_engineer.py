"""Three pages, from the inbox to the cause, by the clicks that docs/on-call.md writes down and in their order.

Runs last, on the stack of the others, and waits until nothing of theirs fires but budgets, which remember for hours.
"""

import asyncio
import re
from pathlib import Path

import pytest

from faults import crowds
from faults.catalogue import BY_NAME
from faults.running import until
from tests.stack.running import LEFT, firing
from tests.stack.walking import Walk, events, tags

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]
PAGE = (Path(__file__).parents[2] / "docs" / "on-call.md").read_text()
PROMISED = 120.0  # seconds from the page in the inbox to its cause


@pytest.fixture(scope="module")
def busy(running):
    running.load(on=True)
    until(lambda: firing(running), lambda left: left <= LEFT, patience=60.0)
    return running


def written(heading):
    """The clicks of the page's walk."""
    section = re.split(r"^## ", PAGE.split(f"\n## {heading}\n")[1], maxsplit=1, flags=re.MULTILINE)[0]
    return [re.sub(r"[*`]", "", click) for click in re.findall(r"^\d\. (\*\*.+?\*\*)", section, re.MULTILINE)]


def arrived(walk, told, heading):
    """The walk was the page's, and short."""
    told(f"{heading}: {len(walk.clicks)} clicks, {walk.took:.1f} s from the page in the inbox to the cause")
    assert walk.clicks == written(heading)
    assert walk.took < PROMISED


async def test_publishes_that_fail(busy, told):
    """Whoever publishes meanwhile is hit: the load's backend, and a client for certain."""
    async with BY_NAME["error-burst"].breaks(busy), crowds.talker(busy, 4.0):
        await asyncio.to_thread(why_publishes_fail, busy, told)


def why_publishes_fail(busy, told):
    walk = Walk(busy, "HeliographErrorRate")
    assert "requests on heliograph-1 ended in an error of ours" in walk.says
    title, kinds = walk.board(lambda found: len([each for each in found if each.value > 0.01]) >= 3)
    assert title == "Errors by kind"
    assert {"publish", "api", "command"} == {each.labels["kind"] for each in kinds if each.value > 0.01}
    assert "the broker refuses or is slow" in walk.runbook()
    rates = walk.query(2)
    bad = [each for each in rates if each.value > 0 and each.labels["result"] == "failed"]
    assert {each.labels["operation"] for each in bad} == {"publish"}, rates
    lines = walk.query(3, lambda found: {"broker.failed", "message.failed"} <= {each["event"] for each in found})
    assert "BrokerUnavailable: a fault of the lab" in {each.get("reason") for each in lines}
    trace = walk.trace(next(each for each in lines if each["event"] == "message.failed"))
    assert tags(trace["broker.publish"])["otel.status_description"] == "BrokerUnavailable: a fault of the lab"
    (line,) = [each for each in walk.lines_of_span(trace["message.publish"]) if each["event"] == "message.failed"]
    assert line["channel"] == tags(trace["message.publish"])["messaging.destination.name"]
    arrived(walk, told, "Publishes fail")


async def test_readers_that_stop(busy, told):
    """Larger messages than in the lab's fault of that name, so that the page comes sooner."""
    async with crowds.behind(busy, "stopped", readers=15, lag=10**9, size=16 * 1024, a_second=4.0):
        await asyncio.to_thread(why_readers_lag, busy, told)


def why_readers_lag(busy, told):
    walk = Walk(busy, "HeliographBacklog")
    assert "messages per connection wait to be sent on heliograph-1" in walk.says
    title, (messages, connections, *_) = walk.board(lambda found: found[0].value > 1.5 * found[1].value)
    assert title == "Backlog against connections"
    assert messages.value > 1.5 * connections.value
    assert "harms nobody else" in walk.runbook()
    (share,) = walk.query(1, lambda found: found[0].value > 0.1)
    assert 0.1 < share.value < 0.5, "some, not all"
    lines = walk.panel("backlog", "Slow readers, in words")
    stalled = next(each for each in lines if each["event"] == "connection.stalled")
    walk.lines_of_connection(stalled)
    connect = walk.trace(stalled)["websocket.connect"]
    assert tags(connect)["enduser.id"].startswith("stopped-")
    told_by_node = walk.why(stalled["connection_id"])
    (first, *_) = told_by_node["causes"]
    assert first["cause"] in {"alive_slow_client", "slow_client"}
    assert any("it does not read" in each for each in first["evidence"]), first
    arrived(walk, told, "Readers do not take what is sent")


async def test_a_loop_that_stands_still(busy, told):
    """Somebody talks all the time, so that messages are under way whenever it stands still."""
    async with BY_NAME["blocked-loop"].breaks(busy), crowds.talker(busy, 40.0):
        await asyncio.to_thread(why_it_stands_still, busy, told)


def why_it_stands_still(busy, told):
    walk = Walk(busy, "HeliographLoopBlocked")
    assert "ticks of the event loop of heliograph-1 is late by" in walk.says
    title, (lag,) = walk.board(lambda found: found[0].value > 1.0)
    assert title == "Event loop lag against a second"
    assert "file and line" in walk.runbook()
    lines = walk.query(3)
    assert all("trouble.py" in each["where"] for each in lines), lag
    late = walk.diamond("overview", "Delivery latency, percentiles", "loop.stalled", above=1.0)
    (stall, *_) = [each for each in events(late) if each["event"] == "loop.stalled"]
    assert late["duration"] > 1e6, "it waited for the loop"
    assert "stand_still" in " ".join(map(str, stall.values()))
    assert {each["trace_id"] for each in walk.lines_of_span(late)} == {late["traceID"]}
    arrived(walk, told, "The event loop stands still")
