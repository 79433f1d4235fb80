"""Deltas for subscribers: what each gets can be applied to what it got before, whatever happens in the channel."""

import json
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from service.broker.stream import Entry
from service.channels import patches as room
from service.channels.delta import apply
from service.channels.namespaces import Namespace, Namespaces
from service.channels.patches import Patches, follows, formed
from service.protocol.messages import Publication
from tests.service.channels.world import Member, World

TEXT = "The quick brown fox jumps over the lazy dog, again and again and again."
NAMESPACES = Namespaces(
    Namespace(),
    [
        Namespace(name="d", history_size=10, history_ttl=60.0, delta_publish=True),
        Namespace(name="one", history_size=1, history_ttl=60.0, delta_publish=True),
        Namespace(name="asked", history_size=10, history_ttl=60.0),
        Namespace(name="none", delta_publish=True),
        Namespace(name="cache", history_size=5, history_ttl=60.0, delta_publish=True, force_recovery_mode="cache"),
    ],
)


class Reader(Member):
    """Takes deltas in JSON strings and applies them, as an SDK does: the base is the last publication it was given."""

    base = None

    def read(self, publications):
        """(document, whether it came as a delta) of each."""
        read = []
        for publication in publications:
            text = publication["data"].encode()
            if publication["delta"]:
                text = apply(self.base, text)
            self.base = text
            read.append((json.loads(text), publication["delta"]))
        return read

    def documents(self):
        found, self.got = self.read(self.got), []
        return found


class Deltas(World):
    def _encode(self, variant):
        def encode(channel, publications):
            self.encoded.append((variant, channel, len(publications)))
            return json.dumps([_told(each) for each in publications]).encode()

        return encode

    def reader(self, channel, **request):
        return self.join(channel, Reader(), delta="text", **request)

    def recover(self, channel, reader, offset, epoch):
        return super().recover(channel, offset, epoch, reader, delta="text")


def _told(each):
    return {"data": json.loads(bytes(each.data)), "offset": each.offset, "delta": each.delta, "epoch": each.epoch}


def document(number):
    return {"text": TEXT, "n": number}


@pytest.fixture
def world():
    return Deltas(namespaces=NAMESPACES)


def flags(reader):
    return [(data["n"], delta) for data, delta in reader.documents()]


def test_the_first_is_whole_then_come_deltas(world):
    world.publish("d:a", document(0))
    reader = world.reader("d:a")
    world.publish("d:a", document(1))
    world.loop.run()
    world.publish("d:a", document(2), document(3), document(4))
    world.loop.run()
    assert flags(reader) == [(1, False), (2, True), (3, True), (4, True)]


def test_others_get_documents_and_each_kind_is_encoded_once(world):
    readers = [world.reader("d:a") for _ in range(20)]
    plain = world.join("d:a")
    world.publish("d:a", document(1), document(2))
    world.loop.run()
    assert [each["data"] for each in plain.got] == [document(1), document(2)]
    assert [flags(reader) for reader in readers] == [[(1, False), (2, True)]] * 20
    assert len(world.encoded) == 4, "two batches for two kinds"


def test_who_comes_later_begins_with_a_whole_one(world):
    first = world.reader("d:a")
    world.publish("d:a", document(1))
    world.loop.run()
    second = world.reader("d:a")
    world.publish("d:a", document(2))
    world.loop.run()
    world.publish("d:a", document(3))
    world.loop.run()
    assert flags(first) == [(1, False), (2, True), (3, True)]
    assert flags(second) == [(2, False), (3, True)]


def test_after_a_publication_outside_history_comes_a_whole_one(world):
    reader = world.reader("d:a")
    world.publish("d:a", document(1), document(2))
    world.publish("d:a", document(3), skip_history=True)
    world.publish("d:a", document(4), document(5))
    world.loop.run()
    assert flags(reader) == [(1, False), (2, True), (3, False), (4, False), (5, True)]


def test_after_history_was_removed_or_has_expired_comes_a_whole_one(world):
    reader = world.reader("d:a")
    world.publish("d:a", document(1), document(2))
    world.loop.run()
    world.hub.remove_history("d:a")
    world.publish("d:a", document(3), document(4))
    world.loop.run()
    world.loop.run(61.0)
    world.publish("d:a", document(5), document(6))
    world.loop.run()
    assert [delta for _, delta in flags(reader)] == [False, True, False, True, False, True]


def test_a_history_of_one_is_enough(world):
    reader = world.reader("one:a")
    for number in range(4):
        world.publish("one:a", document(number))
        world.loop.run()
    assert [delta for _, delta in flags(reader)] == [False, True, True, True]


def test_without_history_all_are_whole(world):
    reader = world.reader("none:a")
    world.publish("none:a", document(1), document(2))
    world.loop.run()
    assert flags(reader) == [(1, False), (2, False)]


def test_the_publisher_may_ask(world):
    reader = world.reader("asked:a")
    for number, delta in enumerate([False, False, True, False, True]):
        world.publish("asked:a", document(number), delta=delta)
    world.loop.run()
    assert flags(reader) == [(0, False), (1, False), (2, True), (3, False), (4, True)]


def test_what_was_missed_is_one_whole_and_deltas_and_live_ones_go_on(world):
    reader = world.reader("d:a", recoverable=True)
    world.publish("d:a", document(1), document(2))
    world.loop.run()
    reader.documents()
    world.hub.leave(reader, "d:a")
    world.publish("d:a", document(3), document(4), document(5))
    world.recover("d:a", reader, 2, reader.joined.epoch)
    missed = [_told(each) for each in reader.joined.publications]
    assert [(data["n"], delta) for data, delta in reader.read(missed)] == [(3, False), (4, True), (5, True)]
    world.publish("d:a", document(6))
    world.loop.run()
    assert flags(reader) == [(6, True)]


def test_who_missed_nothing_may_have_nothing(world):
    """It was told the offset when it subscribed, and was never given that publication: no SDK could apply a delta."""
    world.publish("d:a", document(1), document(2))
    reader = world.reader("d:a", recoverable=True)
    world.hub.leave(reader, "d:a")
    world.recover("d:a", reader, 2, "")
    world.publish("d:a", document(3))
    world.loop.run()
    world.publish("d:a", document(4))
    world.loop.run()
    assert (reader.joined.recovered, flags(reader)) == (True, [(3, False), (4, True)])


def test_who_lost_its_position_begins_anew(world):
    world.publish("d:a", *[document(number) for number in range(30)])
    reader = Reader()
    world.recover("d:a", reader, 2, "")
    world.publish("d:a", document(31))
    world.loop.run()
    assert (reader.joined.recovered, flags(reader)) == (False, [(31, False)])


def test_the_newest_alone_is_whole_and_a_base(world):
    world.publish("cache:a", document(1), document(2))
    reader = Reader()
    world.recover("cache:a", reader, 0, "")
    assert reader.read([_told(each) for each in reader.joined.publications]) == [(document(2), False)]
    world.publish("cache:a", document(3))
    world.loop.run()
    assert flags(reader) == [(3, True)]


KINDS = ["say", "say", "say", "turn", "turn", "turn", "skip", "come", "come", "back", "leave", "remove", "later"]
ACTIONS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9)), min_size=20, max_size=60)


@settings(max_examples=150)
@given(ACTIONS, st.sampled_from(["d:a", "one:a", "cache:a"]))
def test_whatever_happens_every_delta_applies(actions, channel):
    """Each reader keeps its base over an absence, as SDKs do, and reads exactly what plain subscribers are given."""
    world = Deltas(namespaces=NAMESPACES)
    plain = world.join(channel)
    readers = [Reader(str(number)) for number in range(3)]
    inside, known = set(), {}
    random = Random(1)
    for action, number in actions:
        reader = readers[number % 3]
        if action in ("say", "skip"):
            world.publish(channel, {**document(random.randrange(99)), "x": "y" * number}, skip_history=action == "skip")
        elif action in ("come", "back") and reader not in inside:
            inside.add(reader)
            offset, epoch = known.get(reader, (0, ""))
            if action == "back" and reader in known:
                world.recover(channel, reader, offset, epoch)
            else:
                reader.base = None
                world.join(channel, reader, delta="text", recoverable=True)
            joined = reader.joined
            if not joined.recovered:
                reader.base = None
            reader.read([_told(each) for each in joined.publications])
            top = joined.publications[-1].offset if joined.publications else joined.offset
            known[reader] = top, joined.epoch
        elif action == "leave" and reader in inside:
            inside.discard(reader)
            world.hub.leave(reader, channel)
        elif action == "remove":
            world.hub.remove_history(channel)
        elif action in ("turn", "later"):
            world.loop.run(40.0 if action == "later" else 0.0)
        for one in readers:
            placed = [each["offset"] for each in one.got if each["offset"]]
            if placed:
                known[one] = max(placed), known[one][1]
            seen = [data for data, _ in one.documents()]
            assert not seen or [each["data"] for each in plain.got][-len(seen) :] == seen or one not in inside
    assert not world.loop.faults


def test_a_delta_is_made_once(monkeypatch):
    made = []
    monkeypatch.setattr(room, "create", lambda base, target, _: made.append((base, target)) or b"d")
    patches, entries = Patches(), _entries(4)
    patches.live(entries, None, "text", 60.0)
    patches.live(entries, None, "bytes", 60.0)
    patches.recovered(entries, [entry.publication for entry in entries], "text")
    assert len(made) == 3


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr(room, "KEPT", 10)
    patches = Patches()
    patches.live(_entries(40), None, "text", 60.0)
    assert len(patches._kept) == 10
    monkeypatch.setattr(room, "KEPT_BYTES", 1000)
    patches.live(_entries(40, 1000), None, "text", 60.0)
    assert patches._bytes <= 1000
    assert patches._bytes == sum(len(patch or b"") + room._AN_ENTRY for patch in patches._kept.values())


def test_what_was_not_looked_for_is_not_remembered_as_none(monkeypatch):
    monkeypatch.setattr(room, "Effort", lambda: type("Spent", (), {"left": 0})())
    patches = Patches()
    assert not any(each.delta for each in patches.live(_entries(3), None, "text", 60.0))
    assert not patches._kept


def test_forms():
    publication = Publication(Raw(b'{"a": "\n"}'), offset=1, epoch="e", tags={"t": "1"})
    text, whole = formed(publication, None, "text"), formed(publication, None, "bytes")
    assert (bytes(text.data), text.epoch, text.tags, text.delta) == (b'"{\\"a\\": \\"\\n\\"}"', "", {"t": "1"}, False)
    assert whole is publication
    assert (bytes(formed(publication, b"\xff", "bytes").data), publication.delta) == (b"\xff", False)
    assert not formed(publication, b"\xff", "text").delta, "a delta that is no text cannot stand in JSON"


def test_only_neighbours_follow():
    a, b, c = _entries(3)
    elsewhere = Entry(b.publication, 2, "other", 9, 0.0, 1)
    assert follows(a, b)
    assert not follows(a, c)
    assert not follows(a, elsewhere)
    assert not follows(Entry(a.publication, 0, "", 9, 0.0, 1), Entry(a.publication, 1, "", 8, 0.0, 1))


def _entries(count, first=1):
    return [
        Entry(Publication(Raw(json.dumps(document(n)).encode()), offset=n), n, "e", n, 0.0, 1, delta=True)
        for n in range(first, first + count)
    ]
