"""What the server API may do to connections."""

import asyncio
import time

import pytest

from service.access.tokens import Granted
from service.connections.audience import Audience
from service.protocol import closing
from tests.service.connections.streaming import ON, sse


@pytest.fixture
async def audience(node):
    return Audience(node.station)


async def test_all_connections_of_a_user_are_closed_but_the_spared_one(node, audience):
    one, two, other = await node.greeted("ann"), await node.greeted("ann"), await node.greeted("bob")
    assert audience.disconnect("ann", closing.FORCE_DISCONNECT, whitelist=[two.client]) == 1
    assert (await one.closed())[0] == 3503
    assert (audience.clients, audience.users) == (2, 2)
    assert audience.disconnect("bob", closing.FORCE_DISCONNECT, client=other.client) == 1


async def test_a_client_of_somebody_else_is_left_alone(node, audience):
    one = await node.greeted("ann")
    assert audience.disconnect("bob", closing.FORCE_DISCONNECT, client=one.client) == 0
    assert audience.disconnect("ann", closing.FORCE_DISCONNECT, session="none") == 0


async def test_a_session_is_one_of_a_users_connections(make_node):
    """As the connect replies of streams tell it; a client id that is another's beside it chooses nobody."""
    node = await make_node(**ON)
    audience = Audience(node.station)
    bodies = [await sse(node), await sse(node)]
    told = [(await body.message())["connect"] for body in bodies]
    chosen, other = bodies
    session = told[0]["session"]
    assert session != told[1]["session"]
    assert audience.subscribe("ann", "news", Granted(), session=session) is True
    assert (await chosen.message())["push"]["subscribe"] == {}
    assert node.hub.channels() == {"news": 1}
    assert audience.refresh("ann", expire_at=int(time.time()) + 60, session=session) == 1
    assert (await chosen.message())["push"]["refresh"]["ttl"] in (59, 60)
    assert audience.unsubscribe("ann", "news", closing.UNSUBSCRIBED_BY_SERVER, session=session) == 1
    assert (await chosen.message())["push"]["unsubscribe"]["code"] == 2000
    assert audience.disconnect("ann", closing.FORCE_DISCONNECT, session=session, client=told[1]["client"]) == 0
    assert audience.disconnect("bob", closing.FORCE_DISCONNECT, session=session) == 0
    assert audience.disconnect("ann", closing.FORCE_DISCONNECT, session=session) == 1
    assert (await chosen.message())["push"]["disconnect"]["code"] == 3503
    assert audience.disconnect("ann", closing.SHUTDOWN) == 1
    assert (await other.message())["push"]["disconnect"]["code"] == 3001, "the other one heard nothing before"


async def test_unsubscribe_takes_out_and_tells(node, audience):
    peer = await node.greeted("ann")
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    await peer.replies()
    assert node.hub.totals()[1] == 1
    assert audience.unsubscribe("ann", "a", closing.UNSUBSCRIBED_BY_SERVER) == 1
    assert (await peer.replies())[0]["push"]["unsubscribe"]["code"] == 2000
    assert node.hub.totals()[1] == 0
    assert node.hub.channels() == {}


async def test_all_connections_of_a_user_are_subscribed(node, audience):
    one, two, other = await node.greeted("ann"), await node.greeted("ann"), await node.greeted("bob")
    assert audience.subscribe("ann", "news", Granted()) is True
    pushed = [{"push": {"channel": "news", "subscribe": {}}}]
    assert (await one.replies(), await two.replies()) == (pushed, pushed)
    assert node.hub.channels() == {"news": 2}
    assert audience.subscribe("bob", "news", Granted(), client=other.client) is True
    assert await other.replies() == pushed
    assert audience.subscribe("nobody", "news", Granted()) is True
    assert audience.subscribe("ann", "news", Granted(), session="none") is True
    assert node.hub.channels() == {"news": 3}


async def test_a_subscription_that_takes_time_is_awaited(node, audience, monkeypatch):
    """A broker that has to be asked; what is published once the backend knows reaches everybody."""
    one, two = await node.greeted("ann"), await node.greeted("ann")
    heard = asyncio.get_running_loop().create_future()

    really = node.broker._broker.subscribe

    async def hear(channel):
        await heard
        really(channel)

    monkeypatch.setattr(node.broker._broker, "subscribe", hear)
    soon = audience.subscribe("ann", "news", Granted())
    assert not soon.done()
    two_gone = node.station.registry.get(two.client)
    two_gone.close(closing.FORCE_DISCONNECT)
    await asyncio.sleep(0)
    heard.set_result(None)
    assert await asyncio.wait_for(soon, 3) is True
    node.hub.publish("news", b"1")
    said = await one.replies() + await one.replies()
    assert said == [{"push": {"channel": "news", "subscribe": {}}}, {"push": {"channel": "news", "pub": {"data": 1}}}]
    assert node.hub.channels() == {"news": 1}


async def test_what_does_not_work_is_told(node, audience):
    await node.greeted("ann")
    assert audience.subscribe("ann", "news", Granted(), expire_at=1) is False


async def test_refresh_reaches_all_connections_of_a_user(node, audience):
    one, other = await node.greeted("ann"), await node.greeted("bob")
    assert audience.refresh("ann", expire_at=int(node.station.wall()) + 60) == 1
    (said,) = await one.replies()
    assert said["push"]["refresh"]["expires"] is True
    assert audience.refresh("ann", expired=True, client="other") == 0
    assert audience.refresh("bob", expired=True, client=other.client) == 1
    assert await other.closed() == (3005, "connection expired")


async def test_a_user_with_many_connections_does_not_keep_the_loop(node, audience, monkeypatch):
    """All anonymous clients are one user."""
    monkeypatch.setattr("service.connections.audience.SLICE", 2)
    peers = [await node.greeted("ann") for _ in range(5)]
    turns = []

    async def others():
        while True:
            turns.append(node.hub.totals()[1])
            await asyncio.sleep(0)

    running = asyncio.ensure_future(others())
    assert await audience.subscribe("ann", "news", Granted()) is True
    running.cancel()
    assert {2, 4} <= set(turns)
    assert node.hub.totals() == (1, 5)
    assert await audience.unsubscribe("ann", "news", closing.UNSUBSCRIBED_BY_SERVER) == 5
    assert await audience.refresh("ann") == 5
    assert await audience.disconnect("ann", closing.FORCE_DISCONNECT) == 5
    for peer in peers:
        assert await peer.closed() == (3503, "force disconnect")


async def test_connections_that_go_away_meanwhile_are_no_failure(node, audience, monkeypatch):
    monkeypatch.setattr("service.connections.audience.SLICE", 1)
    for _ in range(3):
        await node.greeted("ann")
    soon = asyncio.ensure_future(audience.subscribe("ann", "news", Granted()))
    await asyncio.sleep(0)
    for connection in node.station.registry.of_user("ann"):
        connection.close(closing.FORCE_DISCONNECT)
    assert await soon is True
    assert node.hub.totals() == (0, 0)
