"""A position is looked at when its channel was silent for a while."""

import asyncio

import pytest

from service.broker.contract import BrokerUnavailable
from service.channels.hub import HubSettings
from service.protocol.messages import StreamPosition
from tests.service.channels.test_repair import Unreliable
from tests.service.channels.world import Member, World


def made(delay=40.0, lag=0.0):
    broker = Unreliable()
    world = World(HubSettings(position_check_delay=delay, position_max_time_lag=lag), broker=broker)
    broker.loop = broker.inner._timers = world.loop
    return world


@pytest.fixture
def world():
    return made()


def relying(world, channel="rec:a", name="m"):
    return world.join(channel, Member(name), positioned=True)


def test_a_silent_channel_is_asked_about_once_in_forty_seconds(world):
    relying(world)
    reads = world.broker.reads
    world.loop.run(400.0)
    assert 9 <= world.broker.reads - reads <= 10
    assert world.told == []


def test_a_channel_that_is_heard_is_not(world):
    relying(world)
    reads = world.broker.reads
    for n in range(40):
        world.publish("rec:a", n)
        world.broker.pass_on()
        world.loop.run(10.0)
    assert world.broker.reads == reads


def test_nor_is_one_on_whose_position_nobody_relies(world):
    world.join("rec:a")
    member = relying(world, "rec:b")
    world.hub.leave(member, "rec:b")
    reads = world.broker.reads
    world.loop.run(200.0)
    assert world.broker.reads == reads
    assert world.hub._checks._due == []


def test_zero_means_never():
    world = made(0.0)
    relying(world)
    reads = world.broker.reads
    world.loop.run(200.0)
    assert world.broker.reads == reads


def test_a_lost_publication_is_found_and_nobody_is_told(world):
    member = relying(world)
    world.publish("rec:a", 1, 2)
    world.broker.heard.clear()
    world.loop.run(45.0)
    assert member.data == [1, 2]
    assert world.told == []


def test_a_new_epoch_is_found_and_told():
    world = made(1.0)
    member = relying(world, "meta:a")
    world.publish("meta:a", 1)
    world.broker.pass_on()
    world.loop.run(3.0)
    assert world.told == [(member, "meta:a")]


@pytest.mark.parametrize("after", [0, 1, 2, 3])
def test_a_rewind_is_found_and_told(world, after):
    """Whether the stream is behind, level or ahead again: what stands at our top is another publication."""
    member = relying(world)
    world.publish("rec:a", 1, 2, 3)
    world.broker.pass_on()
    world.broker.rewind("rec:a", 2)
    world.publish("rec:a", *["other"] * after)
    world.broker.heard.clear()
    world.loop.run(45.0)
    assert world.told == [(member, "rec:a")]
    assert member.data == [1, 2, 3]
    assert world.recover("rec:a", 3, member.joined.epoch).joined.recovered is False


def test_a_broker_that_is_gone_is_asked_another_time():
    world = made(10.0)
    member = relying(world)
    world.broker.gone = True
    world.publish("rec:a", 1)
    world.broker.heard.clear()
    world.loop.run(25.0)
    assert world.told == []
    world.broker.gone = False
    world.loop.run(15.0)
    assert member.data == [1]


def test_what_expired_is_not_kept(world):
    relying(world, "rec:a")
    world.publish("rec:a", 1, 2, 3)
    world.broker.pass_on()
    world.loop.run(150.0)
    assert world.hub._shelf.tally.used == 0


def test_many_checks_are_spread_over_turns(world):
    for n in range(1000):
        relying(world, f"rec:{n}", str(n))
    reads = world.broker.reads
    world.loop.now += 40.0
    world.loop.turn()
    assert world.broker.reads == reads + 64
    world.loop.run(1.0)
    assert world.broker.reads == reads + 1000


class Slow(Unreliable):
    """History takes time."""

    def __init__(self):
        super().__init__()
        self.answers = []

    def history(self, *args):
        if not self.reads:
            return super().history(*args)
        answer = asyncio.get_running_loop().create_future()
        self.answers.append((answer, super().history(*args)))
        return answer


async def asked_while(change):
    """A check under way while something happens."""
    broker = Slow()
    world = World(HubSettings(), broker=broker)
    broker.loop = broker.inner._timers = world.loop
    world.hub._run = run
    member = relying(world)
    world.publish("rec:a", 1)
    world.broker.pass_on()
    world.loop.run(41.0)
    await asyncio.sleep(0)
    change(world, member)
    while broker.answers:
        answer, value = broker.answers.pop(0)
        answer.set_exception(value) if isinstance(value, Exception) else answer.set_result(value)
        for _ in range(4):
            await asyncio.sleep(0)
    world.loop.run(0.1)
    return world, member


def run(_name, soon, answered):
    task = asyncio.ensure_future(soon)
    task.add_done_callback(lambda done: answered(done.exception() or done.result()))
    return task


async def test_what_is_heard_meanwhile_is_no_difference():
    def publish(world, _member):
        world.publish("rec:a", 2)
        world.broker.pass_on()

    world, member = await asked_while(publish)
    assert (member.data, world.told) == ([1, 2], [])
    assert world.broker.reads == 2


async def test_a_channel_that_ended_meanwhile_is_left_alone():
    world, _ = await asked_while(lambda world, member: (world.hub.leave(member, "rec:a"), world.loop.run()))
    assert world.hub._channels == {}


async def test_one_that_lost_its_position_meanwhile_too():
    world, member = await asked_while(
        lambda world, _: world.hub.lose(world.hub._channels["rec:a"], StreamPosition(), 0)
    )
    assert world.told == [(member, "rec:a")]


async def test_an_answer_that_is_a_failure_is_none():
    world, member = await asked_while(
        lambda world, _: world.broker.answers.insert(0, (world.broker.answers.pop()[0], BrokerUnavailable("gone")))
    )
    assert (member.data, world.told) == ([1], [])


def test_what_was_too_long_on_its_way_loses_the_positions():
    world = made(lag=2.0)
    member, plain = relying(world), world.join("rec:a")
    for seconds, data in ((0.0, 1), (1.9, 2), (2.1, 3)):
        world.publish("rec:a", data)
        world.loop.run(seconds)
        world.broker.pass_on()
        world.loop.run()
    assert (member.data, plain.data) == ([1, 2], [1, 2, 3])
    assert world.told == [(member, "rec:a")]
    world.recover("rec:a", 2, member.joined.epoch, member)
    assert (member.joined.recovered, [p.offset for p in member.joined.publications]) == (True, [3])


def test_without_a_limit_it_may_take_any_time():
    world = made()
    member = relying(world)
    world.publish("rec:a", 1)
    world.loop.run(30.0)
    world.broker.pass_on()
    world.loop.run()
    assert (member.data, world.told) == ([1], [])
