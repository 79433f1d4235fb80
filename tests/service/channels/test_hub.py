"""Who hears what: members, history rules, overload, views, and channels that are dropped."""

import asyncio
import gc
import weakref

import pytest

from observability import names
from service.broker.contract import BrokerUnavailable, Published
from service.broker.stream import Entry
from service.channels.hub import HubSettings, JoinRequest
from service.channels.shelf import ShelfSettings
from service.protocol.errors import INTERNAL, UNKNOWN_CHANNEL
from service.protocol.messages import Publication, StreamPosition
from tests.service.channels.world import Member, World, refused

# --------------------------------------------------------------------- members


def test_members_hear_their_channels(world):
    a, both = world.join("a"), world.join("a")
    world.join("b", both)
    world.publish("a", 1)
    world.publish("b", 2)
    world.publish("c", 3)
    world.loop.run()
    assert (a.data, both.data) == ([1], [1, 2])


def test_unknown_namespaces_are_refused(world):
    assert refused(world.join, "nope:a") is UNKNOWN_CHANNEL
    assert world.hub._channels == {}


def test_who_left_hears_nothing(world):
    member = world.join("a")
    other = world.join("a")
    world.hub.leave(member, "a")
    world.hub.leave(member, "a")
    world.hub.leave(member, "never")
    world.publish("a", 1)
    assert (member.data, other.data) == ([], [1])
    assert world.observer.of("left") == [(1,)]


def test_leaving_all(world):
    member = world.join("a")
    world.join("b", member)
    world.hub.leave_all(member, [("a", None), ("b", None), ("c", None)])
    assert world.hub.channels() == {}


def test_who_enters_twice_is_there_once(world):
    member = world.join("a")
    world.join("a", member)
    world.publish("a", 1)
    assert member.data == [1]
    assert world.hub.totals() == (1, 1)


def test_an_empty_channel_is_dropped_with_its_ring(world):
    member = world.join("rec:a", recoverable=True)
    world.publish("rec:a", 1, 2, 3)
    world.loop.run()
    assert world.hub._shelf.tally.used > 0
    world.hub.leave(member, "rec:a")
    assert "rec:a" in world.hub._channels, "not within the call"
    world.loop.run()
    assert world.hub._channels == {}
    assert world.hub._shelf.tally.used == 0
    assert world.broker._subscribed == set()


def test_one_that_fills_again_in_time_is_not(world):
    member = world.join("a")
    world.hub.leave(member, "a")
    world.join("a", member)
    world.loop.run()
    world.publish("a", 1)
    assert member.data == [1]


def test_a_mass_leave_is_spread(world):
    members = [world.join(f"c{n}") for n in range(1000)]
    for n, member in enumerate(members):
        world.hub.leave(member, f"c{n}")
    world.loop.turn()
    assert len(world.hub._channels) == 1000 - 256
    world.loop.run()
    assert world.hub._channels == {}


def test_a_channel_that_empties_under_a_batch_ends_well():
    world = World()
    members = [world.join("a", Member(str(n))) for n in range(600)]
    world.publish("a", 1)
    for member in members:
        world.hub.leave(member, "a")
    world.loop.run()
    assert world.hub._channels == {}
    assert sum(len(member.data) for member in members) == 256


def test_dead_members_are_not_kept_alive(world):
    gc.disable()
    try:
        members = [world.join("rec:a", Member(str(n)), recoverable=True) for n in range(20)]
        world.publish("rec:a", 1, 2, 3)
        new = world.recover("rec:a")
        watched = [weakref.ref(member) for member in [*members, new]]
        for member in [*members, new]:
            world.hub.leave(member, "rec:a")
        del member, members, new
        world.loop.run()
        assert [ref() for ref in watched if ref() is not None] == []
        channel = weakref.ref(world.hub)
        world.hub = None
        assert channel is not None
    finally:
        gc.enable()


# -------------------------------------------------------------------- overload


def small(**rings):
    return World(HubSettings(rings=ShelfSettings(**rings)))


def test_without_history_the_oldest_are_dropped_and_counted():
    world = small(pending_messages=100)
    members = [world.join("a") for _ in range(3)]
    world.publish("a", *range(1000))
    world.loop.run()
    got = members[0].data
    dropped = sum(count for _, _, count, _ in world.observer.of("dropped"))
    assert {cause for _, cause, _, _ in world.observer.of("dropped")} == {"fanout_overload"}
    assert got[-1] == 999
    assert got == sorted(got)
    assert dropped == 3 * (1000 - len(got))
    assert len(got) <= 102


def test_with_history_what_has_no_room_is_read_again():
    world = small(pending_messages=50)
    members = [world.join("long:a", positioned=True) for _ in range(2)]
    plain = world.join("long:a")
    world.publish("long:a", *range(1000))
    assert world.hub._channels["long:a"].ring.pending <= 50
    world.loop.run()
    for member in (*members, plain):
        assert member.data == list(range(1000))
    assert world.observer.of("dropped") == world.told == []


def test_when_history_has_it_no_more_it_is_told():
    world = small(pending_messages=50)
    relying, plain = world.join("rec:a", positioned=True), world.join("rec:a")
    world.publish("rec:a", *range(1000))
    world.loop.run(0.1)
    assert relying.data == list(range(51))
    assert world.told == [(relying, "rec:a")]
    assert plain.data[:51] == list(range(51))
    after = world.join("rec:a", relying, positioned=True)
    world.publish("rec:a", "new")
    assert after.data[-1] == "new"


def test_who_enters_an_overloaded_channel_stands_where_the_node_is():
    world = small(pending_messages=50)
    world.join("long:a", positioned=True)
    world.publish("long:a", *range(500))
    new = world.recover("long:a", 40)
    assert new.joined.offset == 40
    assert len(new.joined.publications) == 51 - 40
    world.loop.run()
    assert new.data == list(range(51, 500))


def test_memory_is_bounded_over_all_channels():
    world = small(total_bytes=100_000)
    for n in range(200):
        world.join(f"rec:{n}", recoverable=True)
    for n in range(2000):
        world.publish(f"rec:{n % 200}", "x" * 500)
        assert world.hub._shelf.tally.used <= 102_000
        world.loop.run(0.001)


def test_ten_seconds_of_a_flood_are_flat():
    """Five times more than the fan-out manages: bounded, in order, dropped ones counted."""
    world = World(cost=4e-6)
    members = [world.join("a", Member(str(n))) for n in range(1000)]
    published = 0
    while world.loop.now < 102.0:
        for _ in range(20):
            world.publish("a", published)
            published += 1
        world.loop.turn()
        world.loop.now += 0.0005
    assert world.hub._shelf.tally.used < 1030 * 600
    world.loop.run()
    got = members[7].data
    assert got == sorted(set(got))
    dropped = sum(count for _, _, count, _ in world.observer.of("dropped"))
    assert dropped == 1000 * published - sum(len(member.got) for member in members)
    assert dropped > 0


# ----------------------------------------------------------------------- views


def test_channels_by_pattern(world):
    world.join("rec:1a")
    world.join("rec:1a")
    world.join("rec:2a")
    world.join("b")
    assert world.hub.channels() == {"rec:1a": 2, "rec:2a": 1, "b": 1}
    assert world.hub.channels("rec:*a") == {"rec:1a": 2, "rec:2a": 1}
    assert world.hub.channels("rec:1a") == {"rec:1a": 2}
    assert refused(world.hub.channels, "[") is INTERNAL


def test_figures(world):
    member = world.join("rec:1", positioned=True)
    world.join("rec:2", member)
    world.join("b", member)
    figures = {(figure.name, figure.labels): figure.value for figure in world.hub.figures()}
    assert figures[names.CHANNELS.name, ("rec",)] == 2
    assert figures[names.SUBSCRIPTIONS.name, ("-",)] == 1
    assert figures[names.FANOUT_LAG.name, ()] == 0.0
    assert world.hub.totals() == (3, 3)
    world.hub.leave_all(member, [(name, None) for name in ("rec:1", "rec:2", "b")])
    assert world.hub.totals() == (0, 0)


def test_strangers_names_make_no_figures(world):
    before = len(list(world.hub.figures()))
    for n in range(1000):
        world.publish(f"rec:{n}", 1)
        world.hub.leave(world.join(f"x{n}"), f"x{n}")
    assert len(list(world.hub.figures())) == before


# ---------------------------------------------------- a broker whose answers take time


class Remote:
    """Answers when it is told to."""

    def __init__(self):
        self.calls = []
        self.on_publication = self.on_removed = None

    def start(self, on_publication, on_removed):
        self.on_publication, self.on_removed = on_publication, on_removed

    def __getattr__(self, operation):
        def call(*args):
            answer = asyncio.get_running_loop().create_future()
            self.calls.append((operation, args, answer))
            return answer

        return call

    def answer(self, operation, value=None, fault=None):
        for index, (called, _, answer) in enumerate(self.calls):
            if called == operation:
                del self.calls[index]
                answer.set_exception(fault) if fault else answer.set_result(value)
                return
        raise AssertionError(f"{operation} was not called")

    @property
    def asked(self):
        return [operation for operation, _, _ in self.calls]


@pytest.fixture
async def remote():
    tasks = set()

    def run(_name, awaitable, answered):
        async def carry():
            try:
                outcome = await awaitable
            except Exception as fault:
                outcome = fault
            answered(outcome)

        task = asyncio.ensure_future(carry())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    world = World(broker=Remote())
    world.hub._run = run
    yield world
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def turns(count=5):
    for _ in range(count):
        await asyncio.sleep(0)


def join(world, channel, member, **request):
    return asyncio.ensure_future(world.hub.join(member, channel, JoinRequest(**request)))


async def test_joiners_share_one_subscription(remote):
    tickets = [join(remote, "a", Member()) for _ in range(3)]
    await turns()
    assert remote.broker.asked == ["subscribe"]
    remote.broker.answer("subscribe")
    for ticket in tickets:
        (await ticket).enter()
    assert remote.hub.channels() == {"a": 3}


async def test_a_channel_that_cannot_be_heard_is_refused_to_all(remote):
    tickets = [join(remote, "a", Member()) for _ in range(2)]
    await turns()
    remote.broker.answer("subscribe", fault=BrokerUnavailable("gone"))
    for ticket in tickets:
        with pytest.raises(BrokerUnavailable):
            await ticket
    again = join(remote, "a", Member())
    await turns()
    assert remote.broker.asked == ["subscribe"]
    remote.broker.answer("subscribe")
    (await again).enter()


async def test_a_joiner_that_gives_up_harms_no_other(remote):
    first, second = join(remote, "a", Member()), join(remote, "a", Member())
    await turns()
    first.cancel()
    await turns()
    remote.broker.answer("subscribe")
    (await second).enter()
    assert remote.hub.channels() == {"a": 1}


async def test_an_empty_channel_is_unsubscribed(remote):
    ticket = join(remote, "a", Member())
    await turns()
    remote.broker.answer("subscribe")
    (await ticket).give_back()
    remote.loop.run()
    assert remote.broker.asked == ["unsubscribe"]
    remote.broker.answer("unsubscribe", fault=BrokerUnavailable("gone"))
    await turns()


def entry(offset, number=0):
    publication = Publication(data=b"%d" % offset, offset=offset)
    return Entry(publication, offset, "e", number or 100 + offset, 1_000_100.0, 10)


async def test_what_is_heard_before_history_is_read_is_merged(remote):
    from service.broker.contract import Excerpt

    member = Member()
    ticket = join(remote, "rec:a", member, recoverable=True, recover=True, since=StreamPosition(1, "e"))
    await turns()
    remote.broker.answer("subscribe")
    await turns()
    remote.broker.on_publication("rec:a", entry(3))
    remote.broker.on_publication("rec:a", entry(4))
    remote.broker.answer("history", Excerpt([entry(2), entry(3)], StreamPosition(3, "e")))
    ready = await ticket
    remote.broker.on_publication("rec:a", entry(5))
    joined = ready.enter()
    assert (joined.recovered, [p.offset for p in joined.publications]) == (True, [2, 3, 4, 5])
    remote.broker.on_publication("rec:a", entry(6))
    assert member.offsets == [6]


async def test_a_join_whose_history_cannot_be_read_fails(remote):
    ticket = join(remote, "rec:a", Member(), recoverable=True)
    await turns()
    remote.broker.answer("subscribe")
    await turns()
    remote.broker.answer("history", fault=BrokerUnavailable("gone"))
    with pytest.raises(BrokerUnavailable):
        await ticket
    del ticket
    gc.collect()
    remote.loop.run()
    assert remote.hub._channels == {}


async def test_publishing_takes_time(remote):
    answer = asyncio.ensure_future(remote.hub.publish("a", b"1"))
    await turns()
    remote.broker.answer("publish", Published())
    assert await answer == Published()
