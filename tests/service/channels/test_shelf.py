"""Rings within bounds, one and all."""

from service.broker.contract import PublishOptions
from service.broker.stream import Entry
from service.channels.channel import Batch, Channel
from service.channels.namespaces import Namespace
from service.channels.shelf import Shelf, ShelfSettings
from service.protocol.messages import Publication


def channel(shelf, name="c"):
    return Channel(name, Namespace(), PublishOptions(), shelf.tally)


def fill(shelf, into, count, size=10):
    for _ in range(count):
        shelf.put(into, Entry(Publication(), 0, "", len(into.ring.entries), 0.0, size))


def test_pending_messages_are_bounded():
    shelf = Shelf(ShelfSettings(pending_messages=3))
    one = channel(shelf)
    fill(shelf, one, 2)
    assert shelf.has_room(one)
    fill(shelf, one, 1)
    assert not shelf.has_room(one)
    one.ring.advance(1)
    assert shelf.has_room(one), "what is sent does not count"


def test_bytes_of_one_ring_are_bounded():
    shelf = Shelf(ShelfSettings(ring_bytes=50))
    one = channel(shelf)
    fill(shelf, one, 6)
    assert not shelf.has_room(one)
    one.ring.advance(4)
    assert shelf.has_room(one), "what is sent gives way first"
    assert len(one.ring.entries) == 2


def test_bytes_of_all_rings_are_bounded():
    shelf = Shelf(ShelfSettings(total_bytes=100))
    rings = [channel(shelf, str(n)) for n in range(5)]
    for each in rings:
        fill(shelf, each, 2)
        each.ring.advance(2)
    fill(shelf, rings[4], 1)
    assert shelf.has_room(rings[4])
    assert shelf.tally.used <= 90
    assert [len(each.ring.entries) for each in rings] == [0, 2, 2, 2, 3], "the ones filled first give way first"


def test_when_nothing_gives_way_there_is_no_room():
    shelf = Shelf(ShelfSettings(total_bytes=100))
    one, other = channel(shelf), channel(shelf)
    fill(shelf, one, 11)
    assert not shelf.has_room(one)
    assert shelf.has_room(other), "one entry has room in every ring"


def test_the_oldest_that_nobody_was_given_make_room():
    shelf = Shelf(ShelfSettings())
    one = channel(shelf)
    fill(shelf, one, 24)
    one.ring.advance(4)
    assert shelf.make_room(one) == 2
    assert [entry.id for entry in one.ring.entries] == list(range(6, 24))
    one.batch = Batch(one.ring.take(3, 999), one.ring.sent + 3, [])
    assert shelf.make_room(one) == 2, "what is on its way is not lost"
    assert [entry.id for entry in one.ring.entries] == list(range(11, 24))


def test_a_dropped_channel_gives_its_bytes_back():
    shelf = Shelf(ShelfSettings())
    one = channel(shelf)
    fill(shelf, one, 3)
    shelf.remove(one)
    assert shelf.tally.used == 0
    assert not shelf._full
