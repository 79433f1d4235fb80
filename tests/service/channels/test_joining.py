"""Entering a channel: what the result says, as recorded from Centrifugo, and what it costs."""

import pytest

from service.channels.hub import HubSettings, JoinRequest
from service.channels.joining import Joined
from service.protocol.errors import UNRECOVERABLE_POSITION, ClientMistake
from service.protocol.messages import StreamPosition
from tests.service.channels.world import Member, World, plain


class Counting:
    """Counts the reads of a broker."""

    def __init__(self, world):
        self.count = 0
        inner = world.broker.history

        def history(*args):
            self.count += 1
            return inner(*args)

        world.broker.history = history


def told(member):
    joined = member.joined
    flags = "".join(
        letter if getattr(joined, name) else "-"
        for letter, name in (("c", "recoverable"), ("p", "positioned"), ("R", "recovered"), ("w", "was_recovering"))
    )
    return flags, joined.offset, [each["data"] for each in plain(joined.publications)]


def epoch(world, channel):
    return world.broker._streams[channel].epoch


def test_plain(world):
    member = world.join("a")
    assert member.joined == Joined()


def test_position_is_ignored_without_history(world):
    assert told(world.join("a", positioned=True, recoverable=True)) == ("----", 0, [])
    assert told(world.recover("a")) == ("---w", 0, [])


def test_positioned(world):
    world.publish("rec:a", 1, 2)
    member = world.join("rec:a", positioned=True)
    assert told(member) == ("-p--", 2, [])
    assert member.joined.epoch == epoch(world, "rec:a")


def test_a_new_stream_has_an_epoch(world):
    member = world.join("rec:a", recoverable=True)
    assert told(member) == ("cp--", 0, [])
    assert len(member.joined.epoch) == 8


def test_recover_in_a_channel_that_is_only_positioned(world):
    world.publish("rec:a", 1, 2)
    member = world.join("rec:a", positioned=True, recover=True, since=(1, epoch(world, "rec:a")))
    assert told(member) == ("-p-w", 2, [])


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ((1, "now"), ("cpRw", 1, [2, 3])),
        ((0, "now"), ("cpRw", 0, [1, 2, 3])),
        ((0, ""), ("cpRw", 0, [1, 2, 3])),
        ((1, ""), ("cpRw", 1, [2, 3])),
        ((3, "now"), ("cpRw", 3, [])),
        ((1, "then"), ("cp-w", 3, [])),
        ((3, "then"), ("cp-w", 3, [])),
        ((5, "now"), ("cp-w", 3, [])),
    ],
)
@pytest.mark.parametrize("others", [0, 1])
def test_recovery_from_history_and_from_the_ring(world, since, expected, others):
    for _ in range(others):
        world.recover("rec:a")
    world.publish("rec:a", 1, 2, 3)
    position = (since[0], epoch(world, "rec:a") if since[1] == "now" else since[1])
    assert told(world.recover("rec:a", *position)) == expected


def test_recovered_publications_are_those_of_history(world):
    world.publish("rec:a", 1, 2)
    publications = plain(world.recover("rec:a").joined.publications)
    assert [(p["offset"], p["epoch"]) for p in publications] == [(1, epoch(world, "rec:a")), (2, "")]


@pytest.mark.parametrize("others", [0, 1])
def test_a_gap_that_history_has_not(world, others):
    for _ in range(others):
        world.recover("rec:a")
    world.publish("rec:a", *range(1, 14))
    world.loop.run()
    assert told(world.recover("rec:a", 2)) == ("cp-w", 13, [])
    assert told(world.recover("rec:a", 3))[0] == "cpRw"


def test_more_than_the_limit_is_not_recovered():
    world = World(HubSettings(recovery_max_publication_limit=3))
    world.publish("rec:a", 1, 2, 3, 4)
    assert told(world.recover("rec:a", 0)) == ("cp-w", 4, [])
    assert told(world.recover("rec:a", 1)) == ("cpRw", 1, [2, 3, 4])


def test_no_limit():
    world = World(HubSettings(recovery_max_publication_limit=0))
    world.publish("long:a", *range(500))
    assert len(world.recover("long:a").joined.publications) == 500


@pytest.mark.parametrize("others", [0, 1])
def test_after_the_ttl_only_who_is_at_the_top_recovers(world, others):
    for _ in range(others):
        world.recover("short:a")
    world.publish("short:a", 1, 2)
    world.loop.run(1.5)
    assert told(world.recover("short:a", 1)) == ("cp-w", 2, [])
    assert told(world.recover("short:a", 2)) == ("cpRw", 2, [])


def test_a_stream_that_ended_has_another_epoch(world):
    world.publish("meta:a", 1, 2)
    before = epoch(world, "meta:a")
    world.loop.run(3.5)
    member = world.recover("meta:a", 2, before)
    assert told(member) == ("cp-w", 0, [])
    assert member.joined.epoch != before


def test_so_it_does_for_those_who_were_there(world):
    old = world.recover("meta:a")
    world.loop.now += 2.0
    new = world.recover("meta:a", 0, old.joined.epoch)
    assert told(new) == ("cp-w", 0, [])
    world.loop.turn()
    assert world.told == [(old, "meta:a")]


@pytest.mark.parametrize("others", [0, 1])
def test_after_history_was_removed(world, others):
    for _ in range(others):
        world.recover("rec:a")
    world.publish("rec:a", 1, 2, 3)
    world.loop.run()
    world.hub.remove_history("rec:a")
    world.publish("rec:a", 9)
    assert told(world.recover("rec:a", 2)) == ("cp-w", 4, [])
    assert told(world.recover("rec:a", 3)) == ("cpRw", 3, [9])


# ----------------------------------------------------------------------- strict


def test_strict_raises_instead(world):
    world.publish("rec:a", 1, 2)
    for since in ((1, "wrong"), (9, "")):
        with pytest.raises(ClientMistake) as caught:
            world.recover("rec:a", *since, strict=True)
        assert caught.value.error is UNRECOVERABLE_POSITION
    assert world.hub.channels() == {}
    assert told(world.recover("rec:a", 1, strict=True)) == ("cpRw", 1, [2])
    assert told(world.join("rec:a", recoverable=True, strict=True)) == ("cp--", 2, [])


def test_strict_is_nothing_to_the_cache(world):
    assert told(world.recover("cache:a", 1, "wrong", strict=True)) == ("cp-w", 0, [])


def test_strict_raises_at_the_last_moment_too(world):
    world.publish("rec:a", 1, 2)
    member = Member()
    ticket = world.hub.join(
        member, "rec:a", JoinRequest(recoverable=True, recover=True, since=StreamPosition(1, ""), strict=True)
    )
    world.hub.remove_history("rec:a")
    world.publish("rec:a", *range(20))
    with pytest.raises(ClientMistake):
        ticket.enter()
    assert world.hub.channels() == {}


# ------------------------------------------------------------------------ cache


@pytest.mark.parametrize("others", [0, 1])
@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ((0, ""), ("cpRw", 0, [3])),
        ((1, "now"), ("cpRw", 1, [3])),
        ((3, "now"), ("cpRw", 3, [])),
        ((3, "then"), ("cpRw", 3, [3])),
    ],
)
def test_the_cache_gives_the_newest(world, since, expected, others):
    for _ in range(others):
        world.join("cache:a", recoverable=True)
    world.publish("cache:a", 1, 2, 3)
    position = (since[0], epoch(world, "cache:a") if since[1] == "now" else since[1])
    assert told(world.recover("cache:a", *position)) == expected


def test_the_cache_is_not_given_unasked(world):
    world.publish("cache:a", 1, 2, 3)
    assert told(world.join("cache:a", recoverable=True)) == ("cp--", 3, [])


@pytest.mark.parametrize("others", [0, 1])
def test_an_empty_cache(world, others):
    for _ in range(others):
        world.join("cache:a", recoverable=True)
    assert told(world.recover("cache:a")) == ("cp-w", 0, [])
    world.publish("cache:a", 1, 2, 3)
    world.loop.run()
    world.hub.remove_history("cache:a")
    now = epoch(world, "cache:a")
    assert told(world.recover("cache:a", 1, now)) == ("cp-w", 3, [])
    assert told(world.recover("cache:a", 3, now)) == ("cpRw", 3, [])


@pytest.mark.parametrize("others", [0, 1])
def test_the_newest_unasked(world, others):
    for _ in range(others):
        world.join("auto:a", recoverable=True)
    assert told(world.join("auto:a", recoverable=True)) == ("cp-w", 0, [])
    world.publish("auto:a", 1, 2, 3)
    assert told(world.join("auto:a", recoverable=True)) == ("cpRw", 0, [3])
    assert told(world.join("auto:a", positioned=True)) == ("-p--", 3, [])


# ------------------------------------------------------------- the one step, and its price


def test_between_the_result_and_the_live_list_nothing_fits(world):
    world.publish("rec:a", 1)
    member = Member()
    ticket = world.hub.join(member, "rec:a", JoinRequest(recoverable=True, recover=True, since=StreamPosition(0, "")))
    world.publish("rec:a", 2)
    member.joined = ticket.enter()
    world.publish("rec:a", 3)
    world.loop.run()
    assert told(member) == ("cpRw", 0, [1, 2])
    assert member.data == [3]


def test_who_enters_while_others_are_served_misses_nothing(world):
    old = [world.join("rec:a", Member(str(n)), recoverable=True) for n in range(300)]
    world.publish("rec:a", 1, 2)
    new = world.recover("rec:a", 0)
    world.publish("rec:a", 3)
    world.loop.run()
    assert all(member.data == [1, 2, 3] for member in old)
    assert told(new)[2] == [1, 2]
    assert new.data == [3]


def test_a_storm_of_reconnects_reads_history_once(world):
    world.publish("rec:a", 1, 2, 3, 4, 5)
    reads = Counting(world)
    for _ in range(1000):
        assert told(world.recover("rec:a", 2))[2] == [3, 4, 5]
    assert reads.count == 1


def test_with_a_ring_that_covers_it_history_is_not_read(world):
    world.join("rec:a", recoverable=True)
    world.publish("rec:a", 1, 2, 3)
    reads = Counting(world)
    for since in (0, 1, 2, 3):
        world.recover("rec:a", since)
    world.recover("rec:a", 1, "then")
    world.join("rec:a", positioned=True)
    assert reads.count == 0


def test_without_a_position_nothing_is_read(world):
    reads = Counting(world)
    world.join("rec:a")
    world.join("a", recoverable=True)
    assert reads.count == 0


def test_a_ring_that_only_heard_knows_its_place(world):
    world.join("rec:a")
    world.publish("rec:a", 1, 2)
    reads = Counting(world)
    assert told(world.recover("rec:a", 1)) == ("cpRw", 1, [2])
    assert reads.count == 0


# ---------------------------------------------------------------------- tickets


def test_a_ticket_keeps_the_channel(world):
    ticket = world.hub.join(Member(), "rec:a", JoinRequest())
    world.loop.run()
    assert "rec:a" in world.hub._channels
    ticket.enter()
    assert world.hub.channels() == {"rec:a": 1}


def test_one_that_is_dropped_gives_its_place_back(world):
    ticket = world.hub.join(Member(), "rec:a", JoinRequest())
    del ticket
    world.loop.run()
    assert world.hub._channels == {}
    assert world.broker._subscribed == set()


def test_one_counts_once(world):
    ticket = world.hub.join(Member(), "rec:a", JoinRequest())
    ticket.enter()
    with pytest.raises(AssertionError):
        ticket.enter()


def test_joins_are_told(world):
    world.publish("rec:a", 1)
    world.join("a")
    world.recover("rec:a", 1)
    world.recover("rec:a", 7)
    assert world.observer.of("joined") == [("", "none"), ("rec", "recovered"), ("rec", "told")]


# ----------------------------------------------------------------- tags filters

ODD = {"key": "odd", "cmp": "eq", "val": "yes"}


def number(world, channel, *numbers):
    for each in numbers:
        world.publish(channel, each, tags={"odd": "yes" if each % 2 else "no"})


@pytest.mark.parametrize("others", [0, 1])
def test_what_was_missed_and_is_not_wanted_is_left_out(world, others):
    for _ in range(others):
        world.join("rec:a", recoverable=True)
    number(world, "rec:a", 1, 2, 3, 4)
    member = world.recover("rec:a", 1, filter=ODD)
    assert told(member) == ("cpRw", 1, [3])
    number(world, "rec:a", 5, 6)
    world.loop.run()
    assert member.data == [5]
    assert told(world.recover("rec:a", 5, filter=ODD)) == ("cpRw", 5, [])


@pytest.mark.parametrize("others", [0, 1])
def test_the_cache_gives_the_newest_that_is_wanted(world, others):
    for _ in range(others):
        world.join("cache:a", recoverable=True)
    number(world, "cache:a", 1, 2, 3, 4)
    assert told(world.recover("cache:a", filter=ODD)) == ("cpRw", 0, [3])
    assert told(world.recover("cache:a", filter={"key": "x", "cmp": "ex"})) == ("cp-w", 4, [])
