"""What the server API may do to connections."""

import pytest

from service.connections.audience import Audience
from service.protocol import closing


@pytest.fixture
async def audience(node):
    return Audience(node.station.registry)


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


async def test_unsubscribe_takes_out_and_tells(node, audience):
    peer = await node.greeted("ann")
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    await peer.replies()
    assert audience.subscriptions == 1
    assert audience.unsubscribe("ann", "a", closing.UNSUBSCRIBED_BY_SERVER) == 1
    assert (await peer.replies())[0]["push"]["unsubscribe"]["code"] == 2000
    assert audience.subscriptions == 0
    assert node.hub.channels() == {}
