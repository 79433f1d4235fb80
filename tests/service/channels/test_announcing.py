"""Joins and leaves go to those who listen: together, paced, in order, and nothing of them is left behind."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from observability.observers.presence import SilentPresenceObserver
from service.broker.contract import Announcement, PublishOptions
from service.broker.stream import Tally
from service.channels.announcing import Announcing, AnnouncingSettings, Crowd
from service.channels.channel import Channel
from service.channels.namespaces import Namespace
from service.protocol.messages import ClientInfo
from tests.service.channels.world import Loop, Member


class Observer(SilentPresenceObserver):
    def __init__(self):
        self.counted = 0

    def told(self, count):
        self.counted += count


class Square:
    """An ``Announcing`` on virtual time. ``cost`` is how many seconds it takes to write to one member."""

    def __init__(self, cost=0.0, **settings):
        self.loop, self.observer, self.cost = Loop(), Observer(), cost
        self.encoded, self.spent = [], []
        self.taken = lambda _member: True
        self.on_write = lambda _member: None
        self.announcing = Announcing(
            {"json": self.encode, "other": self.encode},
            self.send_many,
            self.observer,
            self.loop,
            clock=self.loop.time,
            settings=AnnouncingSettings(**settings),
        )

    def encode(self, channel, announcements):
        self.encoded.append((channel, len(announcements)))
        return json.dumps([("-" if each.left else "+") + each.info.client for each in announcements]).encode()

    def send_many(self, members, data, flight):
        assert flight.messages == len(json.loads(data))
        for member in members:
            self.loop.now += self.cost
            self.on_write(member)
            member.got += json.loads(data)
            member.writes += 1
        self.spent.append((self.loop.now, self.cost * len(members)))
        return sum(self.taken(member) for member in members)

    def channel(self, *members, name="jl:a"):
        made = Channel(name, Namespace(name="jl"), PublishOptions(), Tally())
        for member in members:
            made.members[member] = None
            self.announcing.listen(made, member)
        return made

    def put(self, channel, *said):
        self.announcing.put(channel, [told(each) for each in said])


def told(said):
    """``+a`` came, ``-a`` went."""
    return Announcement(ClientInfo(user="u", client=said[1:]), left=said[0] == "-")


def leave(channel, member):
    channel.positioned = 0
    del channel.members[member]
    channel.crowd.discard(member)


def test_everybody_who_listens_is_told_and_nobody_else():
    square, ann, bob, deaf = Square(), Member("ann"), Member("bob", "other"), Member("deaf")
    channel = square.channel(ann, bob)
    channel.members[deaf] = None
    square.put(channel, "+x", "-y")
    assert ann.got == [], "never from within: replies come first"
    square.loop.run()
    assert ann.got == bob.got == ["+x", "-y"]
    assert deaf.got == []
    assert square.observer.counted == 4


def test_a_channel_without_listeners_costs_nothing():
    square = Square()
    channel = square.channel()
    square.put(channel, "+x")
    assert (channel.crowd, square.loop.soon, square.announcing.waiting()) == (None, [], 0)


def test_what_comes_meanwhile_is_told_together():
    square, member = Square(cost=0.01), Member()
    channel = square.channel(member)
    square.put(channel, "+1")
    square.loop.turn()
    for number in range(2, 102):
        square.put(channel, f"+{number}")
    square.loop.run(10.0)
    assert member.got == [f"+{number}" for number in range(1, 102)]
    assert member.writes == 2


def test_who_came_and_went_meanwhile_is_not_told_at_all():
    crowd = Crowd()
    crowd.members[Member()] = None
    for said in ("+a", "+b", "-a", "-c", "+c", "-c", "-d", "+d"):
        crowd.put(told(said))
    batch = crowd.next_batch(100, 10_000)
    assert [("-" if each.left else "+") + each.info.client for each in batch.announcements] == ["+b", "-c", "-d", "+d"]


@given(st.lists(st.sampled_from("abcde"), max_size=60), st.integers(1, 4))
def test_whatever_is_left_out_a_listener_ends_up_knowing_who_is_there(order, pace):
    """Clients come and go in turn; some of it is told, now and then."""
    crowd, here, known = Crowd(), set(), set()
    crowd.members[Member()] = None
    for step, client in enumerate(order):
        crowd.put(Announcement(ClientInfo(user="", client=client), left=client in here))
        here ^= {client}
        assert len(crowd.pending) <= 2 * len(here | known)
        if not step % pace:
            listen(crowd, known)
    while crowd.pending:
        listen(crowd, known)
    assert known == here


def listen(crowd, known):
    batch = crowd.next_batch(2, 10_000)
    for each in batch.announcements if batch is not None else ():
        assert each.left == (each.info.client in known), "a join of one who is known, or a leave of one who is not"
        known ^= {each.info.client}


@pytest.mark.slow
def test_a_storm_takes_a_fifth_of_the_loop_and_less_than_two_milliseconds_a_turn():
    """10,000 leaves to 2,000 listeners, at 2 microseconds a write."""
    members = [Member() for _ in range(2000)]
    square = Square(cost=0.000_002)
    channel = square.channel(*members)
    began = square.loop.now
    square.put(channel, *(f"-{number}" for number in range(10_000)))
    turns = []
    while square.loop.later or square.loop.soon:
        before = square.loop.now
        square.loop.turn()
        turns.append(square.loop.now - before)
        if not square.loop.soon and square.loop.later:
            square.loop.now = max(square.loop.now, square.loop.later[0][0])
    assert max(turns) < 0.002
    busy, whole = sum(turns), square.loop.now - began
    assert busy / whole < 0.21
    assert members[0].got == members[-1].got == [f"-{number}" for number in range(10_000)]
    assert members[0].writes <= 10_000 / 150, "packed: hundreds in a write"


def test_the_share_holds_over_pauses_too():
    square = Square(cost=0.01, share=0.5)
    channel = square.channel(Member())
    for _ in range(5):
        square.put(channel, "+x", "-y")
        square.loop.turn()
        square.put(channel, "-x")
    square.loop.run(1.0)
    times = [time for time, _ in square.spent]
    assert all(later - sooner >= 0.0199 for sooner, later in zip(times, times[1:], strict=False))


def test_bytes_are_bounded_too():
    square, member = Square(batch_bytes=2000), Member()
    channel = square.channel(member)
    large = [
        Announcement(ClientInfo(user="u", client=str(n), conn_info=Raw(b'"' + b"x" * 5000 + b'"'))) for n in range(3)
    ]
    square.announcing.put(channel, large)
    square.loop.run(1.0)
    assert [count for _, count in square.encoded] == [1, 1, 1]


def test_who_leaves_is_not_told_what_is_on_its_way():
    square = Square(slice_members=1, cost=0.01)
    members = [Member(str(n)) for n in range(3)]
    channel = square.channel(*members)
    square.on_write = lambda member: leave(channel, members[2]) if member is members[0] else None
    square.put(channel, "+x")
    square.loop.run(1.0)
    assert [member.got for member in members] == [["+x"], ["+x"], []]


def test_who_leaves_before_is_not_told_and_leaving_twice_is_nothing():
    square, member = Square(), Member()
    channel = square.channel(member)
    square.put(channel, "+x")
    leave(channel, member)
    channel.crowd.discard(member)
    square.loop.run(1.0)
    assert member.got == []
    assert channel.crowd.pending == {}, "and nothing waits for somebody who never comes"


def test_channels_have_their_turns():
    square = Square(cost=0.002)
    one, other = Member(), Member()
    first, second = square.channel(one), square.channel(other, name="jl:b")
    square.put(first, *(f"-{n}" for n in range(1000)))
    square.put(second, "+x")
    square.loop.run(0.025)
    assert other.got == ["+x"]
    assert len(one.got) < 1000
    assert square.announcing.waiting() > 0
    square.loop.run(1.0)
    assert len(one.got) == 1000
    assert square.announcing.waiting() == 0


def test_a_fault_in_one_channel_is_told_and_the_others_go_on():
    square, member = Square(), Member()
    broken, sound = square.channel(Member(variant="nobody")), square.channel(member, name="jl:b")
    square.put(broken, "+x")
    square.put(sound, "+x")
    square.loop.run(1.0)
    assert member.got == ["+x"]
    assert [context["message"] for context in square.loop.faults] == ["announcements to jl:a"]
    assert square.announcing.waiting() == 0


def test_what_the_kernel_did_not_take_counts_when_it_does():
    square, quick, slow = Square(), Member(), Member()
    channel = square.channel(quick, slow)
    flights = []
    square.taken = lambda member: member is quick
    send = square.send_many
    square.announcing._send_many = lambda members, data, flight: flights.append(flight) or send(members, data, flight)
    square.put(channel, "+x", "+y")
    square.loop.run()
    assert square.observer.counted == 2
    flights[0].delivered(object(), 1, 12.0)
    assert square.observer.counted == 4


@pytest.mark.parametrize("count", [0, 1])
def test_listening_is_a_slot_that_is_empty_until_used(count):
    channel = Square().channel(*[Member()] * count)
    assert (channel.crowd is None) == (not count)
