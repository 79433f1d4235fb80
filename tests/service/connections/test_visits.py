"""Visits: the usual heartbeat goes the short way, and everything else the long one, with the same result."""

import asyncio

import pytest

from service.connections import outgoing
from service.connections.session import Session

IDLE = {"ping_interval": "25s", "pong_timeout": "8s"}


@pytest.fixture
async def quiet(make_node, monkeypatch):
    """A node whose watch rests, a client that is in, and every look back at the long way."""
    node = await make_node(client=IDLE)
    node.rounds.stop()
    peer = await node.greeted()
    connection = node.station.registry.get(peer.client)
    connection.look()  # at the connect reply
    connection.kernel_bytes = 0
    ticks = []
    tick = Session.tick
    monkeypatch.setattr(Session, "tick", lambda self, now, stall=0.0: ticks.append(now) or tick(self, now, stall))
    return node, peer, connection, ticks


async def test_a_ping_that_is_due_and_its_pong_are_all_that_happens(quiet):
    node, peer, connection, ticks = quiet
    due = connection.session.heartbeat.deadline()
    node.station.now = lambda: due
    connection.visit(due, 0.0)
    assert ticks == [], "the short way"
    assert await peer.replies() == [{}]
    assert connection.session.heartbeat.open == 1
    assert connection.session.next_deadline() == due + 8.0
    sent, received = connection.sent, connection.received
    peer.text({})
    async with asyncio.timeout(5):
        while connection.session.heartbeat.open:
            await asyncio.sleep(0.01)
    sums = node.telemetry.connections.recorder.sums(connection.number)
    assert (sums.pings, sums.pongs) == (1, 1)
    assert sums.received_bytes > 0
    assert (connection.sent, connection.received) == (sent, received + 1)
    assert connection.session.next_deadline() == due + 25.0
    assert connection.wheel_tick * 0.05 == pytest.approx(due + 25.0, abs=0.3)


@pytest.mark.parametrize("what", ["stall", "something was sent", "the kernel holds bytes", "not due", "a ping is open"])
async def test_anything_else_goes_the_long_way(quiet, what):
    _, _, connection, ticks = quiet
    due, stall = connection.session.heartbeat.deadline(), 0.0
    if what == "stall":
        stall = 0.5
    elif what == "something was sent":
        connection.sent += 1
    elif what == "the kernel holds bytes":
        connection.kernel_bytes = 10
    elif what == "not due":
        due -= 1.0
    else:
        connection.visit(due, 0.0)
        ticks.clear()
        due = connection.session.next_deadline() - 1.0
    connection.visit(due, stall)
    assert ticks == [due]


async def test_an_end_of_the_token_is_no_plain_ping(quiet):
    _, peer, connection, ticks = quiet
    connection.session.deadline = connection.session.heartbeat.deadline() - 1.0
    connection.visit(connection.session.heartbeat.deadline(), 0.0)
    assert len(ticks) == 1
    assert (await peer.closed())[0] == 3005


async def test_a_ping_that_the_kernel_does_not_take_is_kept(quiet, monkeypatch):
    _, peer, connection, ticks = quiet
    monkeypatch.setattr(outgoing, "write_some", lambda _fd, _data: 0)
    connection.visit(connection.session.heartbeat.deadline(), 0.0)
    assert ticks == []
    assert await peer.replies() == [{}], "by way of the transport"
