"""The one story of a connection's end: its sums, its record when nobody wanted it, and what TCP said."""

import asyncio

import pytest

from service.protocol import closing, framing
from service.protocol.closing import ABNORMAL, CAUSES, EXPECTED


async def until(done):
    async with asyncio.timeout(5):
        while not done():
            await asyncio.sleep(0.01)


def test_each_cause_is_expected_or_abnormal():
    assert set(EXPECTED) <= set(CAUSES)
    assert ABNORMAL == set(CAUSES) - set(EXPECTED)
    assert {"unknown", "no_pong", "slow_bytes", "network_lost", "internal_error"} <= ABNORMAL


async def test_the_story_has_its_sums(node):
    peer = await node.peer()
    connect = {"token": peer_token("ann"), "name": "js", "version": "5.7"}
    peer.text({"id": 1, "connect": connect})
    await peer.replies()
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    await peer.replies()
    peer.writer.write(framing.client_frame(framing.CLOSE, (1000).to_bytes(2), b"mask"))
    await peer.closed()
    ended = node.telemetry.connections.recorder.ended
    await until(lambda: ended)
    (story,) = ended
    assert (story["cause"], story["client"], story["subscriptions"]) == ("client_closed", "js 5.7", 1)
    assert story["received_bytes"] > 100
    assert "events" not in story


async def test_an_end_that_nobody_wanted_comes_with_its_events(node):
    peer = await node.greeted()
    peer.text({"id": 2, "subscribe": {"channel": "a"}}, {"id": 3, "history": {"channel": "a"}})
    await peer.replies()
    peer.writer.write(framing.client_frame(framing.TEXT, b"no json", b"mask"))
    assert (await peer.closed())[0] == 3501
    peer.writer.transport.abort()
    ended = node.telemetry.connections.recorder.ended
    await until(lambda: ended)
    (story,) = ended
    kinds = [event["event"] for event in story["events"]]
    assert kinds == ["upgraded", "connected", "command", "command", "close_sent"]
    assert story["events"][-2] == {**story["events"][-2], "method": "history", "code": 108}
    assert story["verdict"] == "nobody"
    assert story["network"]["rtt"] > 0


async def test_a_place_is_free_when_its_connection_has_ended(node):
    first = await node.greeted()
    connection = node.station.registry.get(first.client)
    assert connection.number == 0
    first.writer.transport.abort()
    await until(lambda: not node.station.registry.sockets)
    assert connection.number == -1
    second = await node.greeted()
    assert node.station.registry.get(second.client).number == 0
    events = node.telemetry.connections.recorder.events(0)
    assert [event.told()["event"] for event in events][:2] == ["upgraded", "connected"]


@pytest.mark.parametrize("close_with", [closing.SHUTDOWN, closing.NO_PONG])
async def test_a_second_close_changes_nothing(node, close_with):
    peer = await node.greeted()
    connection = node.station.registry.get(peer.client)
    connection.close(close_with)
    connection.close(closing.INTERNAL_ERROR)
    assert (await peer.closed())[0] == close_with.code
    peer.writer.transport.abort()
    ended = node.telemetry.connections.recorder.ended
    await until(lambda: ended)
    assert ended[0]["cause"] == close_with.cause


def peer_token(user):
    import time

    import jwt

    from tests.service.connections.conftest import SECRET

    return jwt.encode({"sub": user, "exp": int(time.time()) + 600}, SECRET, algorithm="HS256")
