"""What is heard is expected of everybody who is in, once, and what happens to it on its way to the ring is counted."""

from service.channels.hub import HubSettings
from service.channels.shelf import ShelfSettings
from tests.service.channels.world import Member, World


def book(world, namespace=""):
    return world.hub.ledger.books[namespace]


def test_a_publication_is_expected_of_everybody_who_is_in():
    world = World()
    for _ in range(3):
        world.join("a")
    world.publish("a", 1, 2)
    world.publish("nobody", 3)
    assert book(world).expected == 6
    world.loop.run()
    assert (book(world).written, book(world).queued) == (6, 0)


def test_what_is_pending_is_queued():
    world = World()
    world.join("a")
    world.publish("a", 1, 2, 3)
    assert (book(world).written, book(world).queued, book(world).unaccounted) == (1, 2, 0)


def test_what_is_heard_twice_is_expected_twice_and_sent_once():
    world = World()
    member = world.join("rec:a", positioned=True)
    world.publish("rec:a", 1)
    (entry,) = world.hub.look("rec:a").ring.entries
    world.hub.deliver("rec:a", entry)
    world.loop.run()
    kept = book(world, "rec")
    assert (kept.expected, kept.written, kept.ends["repeated"], member.data) == (2, 1, 1, [1])


def test_what_has_no_room_is_counted_for_those_who_were_to_get_it():
    """Whoever came later was to get less of it."""
    world = World(HubSettings(rings=ShelfSettings(pending_messages=16)))
    early = world.join("a", Member("early"))
    world.publish("a", 0)
    world.publish("a", *range(1, 9))
    late = world.join("a", Member("late"))
    world.publish("a", *range(9, 30))
    world.loop.run()
    lost = book(world).ends["fanout_overload"]
    assert lost > 10
    assert book(world).expected == 30 + 21 == len(early.got) + len(late.got) + lost
    assert sum(count for _, _, count, _ in world.observer.of("dropped")) == lost


def test_who_leaves_takes_along_what_it_was_to_get():
    world = World()
    stays, leaves, ends = (world.join("a", Member(name)) for name in ("stays", "leaves", "ends"))
    world.publish("a", 0)
    world.publish("a", 1, 2, 3)
    world.hub.leave(leaves, "a")
    world.hub.leave_all(ends, [("a", None)], "slow_bytes")
    world.loop.run()
    assert (book(world).ends["unsubscribed"], book(world).ends["slow_bytes"]) == (3, 3)
    assert (stays.data, leaves.data) == ([0, 1, 2, 3], [0])


def test_who_loses_its_position_is_told_of_what_was_pending():
    world = World()
    world.join("rec:a", positioned=True)
    world.join("rec:a")
    world.publish("rec:a", 0)
    world.publish("rec:a", 1, 2)
    channel = world.hub.look("rec:a")
    world.hub.lose(channel, channel.ring.position, channel.ring.top_id)
    world.loop.run()
    kept = book(world, "rec")
    assert (kept.expected, kept.written, kept.ends["told"]) == (6, 4, 2)
