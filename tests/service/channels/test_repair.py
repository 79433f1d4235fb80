"""What the medium loses, repeats or takes back: filled without a word, or told."""

from random import Random

import pytest

from service.broker.contract import BrokerUnavailable
from service.broker.memory_broker import MemoryBroker
from service.channels.hub import HubSettings
from service.channels.repair import TRIES
from service.channels.shelf import ShelfSettings
from service.protocol.messages import StreamPosition
from tests.service.channels.world import Loop, Member, World


class Unreliable:
    """The memory broker with a medium that the test holds in its hands."""

    def __init__(self):
        self.loop = Loop()
        self.inner = MemoryBroker(self.loop, now=lambda: self.loop.wall(), random=Random(5))
        self.heard = []  # what was published and not yet delivered
        self.reads = 0
        self.gone = False

    def start(self, on_publication, on_removed):
        self.on_publication = on_publication
        self.inner.start(lambda channel, entry: self.heard.append((channel, entry)), on_removed)

    def history(self, *args):
        self.reads += 1
        if self.gone:
            raise BrokerUnavailable("gone")
        return self.inner.history(*args)

    def __getattr__(self, operation):
        return getattr(self.inner, operation)

    def pass_on(self, *indexes):
        """Deliver these of what was published, in this order; without indexes, all."""
        chosen = [self.heard[index] for index in indexes] if indexes else list(self.heard)
        self.heard.clear()
        for channel, entry in chosen:
            self.on_publication(channel, entry)
        return [entry for _, entry in chosen]

    def rewind(self, channel, count):
        """A failover: the newest ``count`` publications were never replicated."""
        stream = self.inner._streams[channel]
        stream.top -= count
        del stream.entries[-count:]
        stream.top_id = stream.entries[-1].id


@pytest.fixture
def world():
    broker = Unreliable()
    made = World(broker=broker)
    broker.loop = broker.inner._timers = made.loop
    return made


def settle(world):
    world.loop.run(0.01)


def prepared(world, count=3):
    """Two that rely on the position and one that does not, after ``count`` publications."""
    members = [world.join("rec:a", Member(name), positioned=name != "c") for name in "abc"]
    if count:
        world.publish("rec:a", *range(1, count + 1))
        world.broker.pass_on()
    settle(world)
    return members


def everybody_has(members, *payloads):
    assert [member.data for member in members] == [list(payloads)] * len(members)


def test_a_hole_is_filled_with_one_read_and_nobody_is_told(world):
    members = prepared(world)
    world.publish("rec:a", 4, 5, 6)
    reads = world.broker.reads
    world.broker.pass_on(2)
    settle(world)
    everybody_has(members, 1, 2, 3, 4, 5, 6)
    assert world.broker.reads == reads + 1
    assert world.told == []


def test_ten_thousand_members_one_read(world):
    members = [world.join("rec:a", Member(str(n)), positioned=True) for n in range(10_000)]
    world.publish("rec:a", 1, 2)
    reads = world.broker.reads
    world.broker.pass_on(1)
    world.loop.run(1.0)
    assert world.broker.reads == reads + 1
    assert world.told == []
    assert all(member.data == [1, 2] for member in members)


def test_what_arrives_late_after_all_is_not_sent_twice(world):
    members = prepared(world)
    world.publish("rec:a", 4, 5)
    world.broker.pass_on(1, 0)
    settle(world)
    everybody_has(members, 1, 2, 3, 4, 5)


def test_repeated_publications_are_sent_once(world):
    members = prepared(world)
    world.publish("rec:a", 4)
    reads = world.broker.reads
    world.broker.pass_on(0, 0, 0)
    settle(world)
    everybody_has(members, 1, 2, 3, 4)
    assert world.broker.reads == reads, "the ring knows them"


def test_an_old_one_that_the_ring_has_not_any_more_costs_one_read(world):
    members = prepared(world)
    world.publish("rec:a", 4)
    (old,) = world.broker.pass_on()
    world.publish("rec:a", *range(5, 20))
    world.broker.pass_on()
    settle(world)
    reads = world.broker.reads
    world.broker.on_publication("rec:a", old)
    settle(world)
    assert world.broker.reads == reads + 1
    assert world.told == []
    everybody_has(members, *range(1, 20))


def test_a_hole_that_history_has_not_is_told(world):
    a, b, c = prepared(world)
    world.publish("rec:a", *range(4, 30))
    world.broker.pass_on(-1)
    settle(world)
    assert world.told == [(a, "rec:a"), (b, "rec:a")]
    assert a.data == b.data == [1, 2, 3]
    assert c.data == [1, 2, 3, 29], "who does not rely on it goes on"
    assert world.observer.of("gap") == [("rec", "rec:a"), ("rec", "rec:a")]
    assert world.recover("rec:a", 3, a.joined.epoch).joined.recovered is False


def test_a_new_epoch_is_told(world):
    a, b, c = prepared(world)
    world.broker.inner._end("rec:a")
    world.publish("rec:a", "new")
    world.broker.pass_on()
    settle(world)
    assert [member for member, _ in world.told] == [a, b]
    assert c.data == [1, 2, 3, "new"]
    again = world.recover("rec:a", 3, a.joined.epoch)
    assert (again.joined.recovered, again.joined.offset, again.joined.epoch != a.joined.epoch) == (False, 1, True)


def test_a_rewind_is_told_when_the_same_offset_comes_again(world):
    a, b, c = prepared(world)
    world.broker.rewind("rec:a", 2)
    world.publish("rec:a", "2'")
    world.broker.pass_on()
    settle(world)
    assert [member for member, _ in world.told] == [a, b]
    assert c.data == [1, 2, 3, "2'"]
    again = world.recover("rec:a", 3, a.joined.epoch)
    assert again.joined.recovered is False, "the offset is the same again one day, the epoch is not"


def test_a_rewind_that_was_overtaken_is_told(world):
    """Top 3, taken back to 1, published to 4 unheard: the next one fits by its offset, not by what is below it."""
    a, b, _ = prepared(world)
    world.broker.rewind("rec:a", 2)
    world.publish("rec:a", "2'", "3'", "4'", "5'")
    world.broker.pass_on(3)
    settle(world)
    assert [member for member, _ in world.told] == [a, b]
    assert a.data == [1, 2, 3]
    assert world.recover("rec:a", 3, a.joined.epoch).joined.recovered is False


def test_after_a_rewind_the_old_epochs_stragglers_change_nothing(world):
    a, _, c = prepared(world)
    world.broker.rewind("rec:a", 2)
    world.publish("rec:a", "2'", "3'")
    first, straggler = world.broker.heard
    world.broker.pass_on(0)
    settle(world)
    fresh = world.join("rec:a", Member("fresh"), positioned=True)
    epoch = fresh.joined.epoch
    world.broker.on_publication(*straggler)
    settle(world)
    world.publish("rec:a", "4'")
    world.broker.pass_on()
    settle(world)
    assert fresh.joined.offset == 3
    assert (fresh.data, len(world.told)) == (["3'", "4'"], 2) or fresh.data == ["4'"]
    assert world.recover("rec:a", 4, epoch).joined.recovered
    assert c.data[-1] == "4'"
    assert first[1].epoch != epoch != a.joined.epoch


def test_while_the_broker_is_asked_order_is_kept(world):
    members = prepared(world)
    world.broker.gone = True
    world.publish("rec:a", 4, 5, 6)
    world.publish("rec:a", "skipped", skip_history=True)
    world.broker.pass_on(1, 2, 3)
    world.loop.run(0.15)
    everybody_has(members, 1, 2, 3)
    world.broker.gone = False
    world.publish("rec:a", 7)
    world.broker.pass_on()
    world.loop.run(1.0)
    everybody_has(members, 1, 2, 3, 4, 5, 6, "skipped", 7)
    assert world.told == []


def test_patience_has_an_end(world):
    a, b, c = prepared(world)
    world.broker.gone = True
    world.publish("rec:a", 4, 5)
    reads = world.broker.reads
    world.broker.pass_on(1)
    world.loop.run(60.0)
    assert world.broker.reads == reads + TRIES
    assert [member for member, _ in world.told] == [a, b]
    assert c.data == [1, 2, 3, 5]
    world.broker.gone = False
    world.publish("rec:a", 6)
    world.broker.pass_on()
    settle(world)
    assert c.data == [1, 2, 3, 5, 6]
    assert world.recover("rec:a", 5).joined.recovered


def test_what_is_heard_but_not_in_history_is_waited_for(world):
    members = prepared(world)
    world.publish("rec:a", 4, 5)
    stream = world.broker.inner._streams["rec:a"]
    late, stream.entries, stream.top = stream.entries, stream.entries[:3], 3
    late_id, stream.top_id = stream.top_id, stream.entries[-1].id
    world.broker.pass_on(1)
    settle(world)
    everybody_has(members, 1, 2, 3)
    stream.entries, stream.top, stream.top_id = late, 5, late_id
    world.loop.run(1.0)
    everybody_has(members, 1, 2, 3, 4, 5)


def test_much_that_is_heard_meanwhile_is_read_again(world):
    members = [world.join("long:a", Member(name), positioned=True) for name in "ab"]
    world.publish("long:a", 0)
    world.broker.pass_on()
    world.broker.gone = True
    world.publish("long:a", *range(1, 1001))
    world.broker.pass_on(*range(1, 1000))
    world.broker.gone = False
    world.loop.run(2.0)
    everybody_has(members, *range(1001))
    assert world.told == []


def test_a_hole_wider_than_one_read(world):
    members = [world.join("long:a", Member(name), positioned=True) for name in "ab"]
    world.publish("long:a", *range(1000))
    world.broker.pass_on(-1)
    world.loop.run(1.0)
    everybody_has(members, *range(1000))


def test_a_channel_that_is_dropped_while_the_broker_is_asked(world):
    members = prepared(world)
    world.broker.gone = True
    world.publish("rec:a", 4, 5)
    world.broker.pass_on(1)
    for member in members:
        world.hub.leave(member, "rec:a")
    world.broker.gone = False
    world.loop.run(10.0)
    assert world.hub._channels == {}
    assert world.told == []


def test_who_enters_meanwhile_goes_on_from_where_the_node_is(world):
    prepared(world)
    world.broker.gone = True
    world.publish("rec:a", 4, 5)
    world.broker.pass_on(1)
    new = world.join("rec:a", Member("new"), positioned=True)
    assert new.joined.offset == 3
    world.broker.gone = False
    world.loop.run(1.0)
    assert new.data == [4, 5]


def test_who_comes_from_a_node_that_is_ahead_gets_nothing_twice(world):
    """Its position is beyond what this node heard: the hole is read along with its history."""
    members = prepared(world)
    world.publish("rec:a", 4, 5)
    epoch = members[0].joined.epoch
    ahead = world.recover("rec:a", 5, epoch, Member("ahead"))
    assert (ahead.joined.recovered, ahead.joined.offset) == (True, 5)
    world.broker.pass_on()
    world.publish("rec:a", 6)
    world.broker.pass_on()
    settle(world)
    assert ahead.data == [6]
    everybody_has(members, 1, 2, 3, 4, 5, 6)


def test_a_join_that_finds_another_stream_shows_the_rewind(world):
    a, b, _ = prepared(world)
    world.broker.rewind("rec:a", 2)
    new = world.recover("rec:a", 7, a.joined.epoch, Member("new"))
    assert new.joined.recovered is False
    settle(world)
    assert [member for member, _ in world.told] == [a, b]
    assert new.joined.epoch not in ("", a.joined.epoch)


def test_a_mass_of_members_is_told_at_a_pace(world):
    members = [world.join("rec:a", Member(str(n)), positioned=True) for n in range(2000)]
    world.broker.inner._end("rec:a")
    world.publish("rec:a", 1)
    world.broker.pass_on()
    world.loop.run(1.0)
    assert 450 <= len(world.told) <= 550
    world.hub.leave(members[-1], "rec:a")
    world.loop.run(10.0)
    assert len(world.told) == 1999
    assert all(member.data == [] for member in members)


def test_epochs_that_are_given_up_unknown_are_learnt_again(world):
    world.join("rec:a", positioned=True)
    world.hub.lose(world.hub._channels["rec:a"], StreamPosition(), 0)
    assert world.hub._channels["rec:a"].ring.epoch == ""
    new = world.join("rec:a", positioned=True)
    assert len(new.joined.epoch) == 8


def test_a_ring_with_room_for_little_repairs_in_parts():
    broker = Unreliable()
    world = World(HubSettings(rings=ShelfSettings(pending_messages=20)), broker=broker)
    broker.loop = broker.inner._timers = world.loop
    members = [world.join("long:a", Member(name), positioned=True) for name in "ab"]
    world.publish("long:a", *range(300))
    world.broker.pass_on(-1)
    world.loop.run(1.0)
    everybody_has(members, *range(300))
