"""The Python helper by itself: what it tells, when, and when it falls silent. The SDKs are in tests/sdk."""

import asyncio
from types import SimpleNamespace

import centrifuge
import pytest
from centrifuge.exceptions import ReplyError

from tests.sdk.clients import heliograph_client

Heliograph, MESSAGES = heliograph_client.Heliograph, heliograph_client.MESSAGES


class Client:
    """The parts of the SDK that the helper uses."""

    def __init__(self):
        self.events = centrifuge.ClientEventHandler()
        self.state = centrifuge.ClientState.CONNECTED
        self.called = []
        self.error = None
        self.disconnects = 0

    async def rpc(self, method, data):
        self.called.append((method, data))
        if self.error is not None:
            raise self.error
        return SimpleNamespace(data={"time": 0})

    async def disconnect(self):
        self.disconnects += 1


class Subscription:
    def __init__(self, channel="a"):
        self.channel = channel
        self.events = centrifuge.SubscriptionEventHandler()
        self.state = centrifuge.SubscriptionState.SUBSCRIBED


def message(offset, channel="a", **tags):
    return SimpleNamespace(channel=channel, pub=SimpleNamespace(offset=offset, data=offset, tags=tags))


def subscribed(offset, epoch="e", *, recovered=False):
    return SimpleNamespace(stream_position=SimpleNamespace(offset=offset, epoch=epoch), recovered=recovered)


@pytest.fixture
async def world():
    client = Client()
    made = SimpleNamespace(client=client, helper=Heliograph(client), sub=Subscription(), got=[], fails=set())

    async def handle(publication):
        if publication.offset in made.fails:
            made.fails.discard(publication.offset)
            raise ValueError
        made.got.append(publication.offset)

    made.helper.confirm(made.sub, handle)
    made.place = made.helper._places[made.sub]
    made.helper._reported = heliograph_client._milliseconds()
    yield made
    await made.helper.close()


async def give(world, *offsets):
    for offset in offsets:
        await world.sub.events.on_publication(message(offset))


async def receipt(world):
    world.client.called.clear()
    await world.helper._confirm("a", world.place)
    return [data["offset"] for _, data in world.client.called]


async def test_what_was_handled_is_confirmed_once(world):
    await world.sub.events.on_subscribed(subscribed(3))
    assert await receipt(world) == [3], "from the first second on it takes part"
    await give(world, 4, 5)
    assert (await receipt(world), await receipt(world)) == ([5], [])


async def test_what_failed_holds_the_receipt_until_it_comes_again(world):
    await world.sub.events.on_subscribed(subscribed(0))
    world.fails = {2}
    await give(world, 1, 2, 3)
    assert await receipt(world) == [1]
    await world.sub.events.on_subscribed(subscribed(1, recovered=True))
    await give(world, 2, 3)
    assert (world.got, await receipt(world)) == ([1, 3, 2], [3])


async def test_a_new_stream_begins_anew(world):
    await world.sub.events.on_subscribed(subscribed(9))
    await give(world, 10)
    await world.sub.events.on_subscribed(subscribed(0, "f"))
    await give(world, 1)
    assert (world.got, await receipt(world)) == ([10, 1], [1])


async def test_a_receipt_that_fails_is_sent_once_more(world):
    await world.sub.events.on_subscribed(subscribed(1))
    world.client.error = ReplyError(111, "too many requests", True)
    assert (await receipt(world), await receipt(world)) == ([1], [1])


async def test_where_nobody_takes_receipts_they_are_not_sent_again(world):
    await world.sub.events.on_subscribed(subscribed(1))
    world.client.error = ReplyError(108, "not available", False)
    assert (await receipt(world), await receipt(world)) == ([1], [])


async def test_outside_history_nothing_is_confirmed(world):
    await world.sub.events.on_subscribed(subscribed(0))
    await give(world, 0, 0)
    assert (world.got, await receipt(world)) == ([0, 0], [0])


async def test_a_report_tells_the_newest_of_some_channels(world):
    for number in range(MESSAGES + 5):
        world.helper._came(f"c{number}", message(1).pub)
        world.helper._came(f"c{number}", message(2).pub)
    await world.helper.report()
    (_, data), *_ = world.client.called
    assert [each["channel"] for each in data["received"]] == [f"c{n}" for n in range(5, MESSAGES + 5)]
    assert {each["offset"] for each in data["received"]} == {2}
    assert "clock" not in data, "not compared yet"
    await world.helper.report()
    assert world.client.called[-1][1]["received"] == []
    assert world.client.called[-1][1]["clock"] < 0, "the server says 1970"


async def test_the_first_end_is_told_once(world):
    await world.client.events.on_connecting(SimpleNamespace(code=0, reason="connect called"))
    await world.client.events.on_connecting(SimpleNamespace(code=1, reason="transport closed" * 50))
    await world.client.events.on_connecting(SimpleNamespace(code=2, reason="no ping"))
    await world.helper.report()
    await world.helper.report()
    first, second = [data for _, data in world.client.called]
    assert (first["ended"]["code"], len(first["ended"]["reason"])) == (1, 256)
    assert "ended" not in second


async def test_at_another_server_it_falls_silent(world):
    world.client.error = ReplyError(108, "not available", False)
    await world.helper.report()
    await world.helper.report()
    assert len(world.client.called) == 1


async def test_it_gives_up_after_so_many_attempts_in_a_row():
    client, gave_up = Client(), []
    helper = Heliograph(client, attempts=3, on_give_up=gave_up.append)
    client.state = centrifuge.ClientState.CONNECTING
    await client.events.on_error(None)
    await client.events.on_error(None)
    await client.events.on_connected(None)
    for _ in range(3):
        await client.events.on_error(None)
    await asyncio.gather(*helper._tasks)
    assert (gave_up, client.disconnects) == ([3], 1)
    client.state = centrifuge.ClientState.CONNECTED
    await client.events.on_error(None)
    await helper.close()
    assert client.disconnects == 1
