"""Reports of the lab's client: the clocks first, then messages, then how the connection ended."""

import json

import pytest

from service.lab.reporting import Reporting
from service.lab.subscriber import Received, Subscriber


class Socket:
    def __init__(self):
        self.sent = []

    async def send_str(self, text):
        self.sent.append(json.loads(text))


class World:
    def __init__(self):
        self.wall = 1000.0
        self.subscriber = Subscriber("ws://nowhere", "", ["a"], lambda _: None)
        self.subscriber.socket = self.socket = Socket()
        self.reporting = Reporting(self.subscriber, 10.0, wall=lambda: self.wall)

    async def hear(self, offset=7):
        before = len(self.socket.sent)
        await self.reporting.heard(Received("a", None, offset, {}))
        return [command["rpc"]["data"] for command in self.socket.sent[before:]]

    def answer(self, time, **changes):
        self.subscriber.answered({"id": self.socket.sent[-1]["id"], "rpc": {"data": {"time": time}}, **changes})


@pytest.fixture
def world():
    return World()


async def test_the_clocks_are_compared_before_anything_is_measured(world):
    assert await world.hear() == [{}]
    world.wall += 0.01
    world.answer(1_003_005.0)
    world.wall += 1.0
    (report,) = await world.hear()
    assert report["clock"] == pytest.approx(3000.0)
    assert report["error"] == pytest.approx(5.1)
    assert report["received"] == [{"channel": "a", "offset": 7, "at": world.wall * 1000}]
    assert world.socket.sent[-1]["rpc"]["method"] == "heliograph.report"


async def test_then_once_in_a_while(world):
    await world.hear()
    world.answer(1.0)
    assert await world.hear() == [], "not yet"
    world.wall += 1.0
    assert len(await world.hear()) == 1
    world.wall += 9.0
    assert await world.hear() == []
    world.wall += 1.1
    assert len(await world.hear()) == 1


async def test_a_message_without_a_place_cannot_be_told_of(world):
    await world.hear()
    world.answer(1.0)
    world.wall += 1.0
    assert await world.hear(0) == [{}]


async def test_the_end_of_the_last_connection_is_told_on_the_next(world):
    await world.hear()
    world.subscriber.socket = world.socket = Socket()
    (report,) = await world.hear()
    assert report["ended"]["code"] == 1


async def test_answers_to_others_are_none_of_its_business(world):
    await world.hear()
    world.answer(1.0, id=5)
    world.subscriber.answered({"id": world.socket.sent[-1]["id"], "error": {"code": 111}})
    assert world.reporting._clock is None


async def test_a_socket_that_is_gone_is_no_trouble(world):
    async def gone(_):
        raise ConnectionResetError

    world.socket.send_str = gone
    assert await world.hear() == []
    world.subscriber.socket = None
    assert await world.hear() == []
