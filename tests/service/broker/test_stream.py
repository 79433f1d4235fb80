"""Streams and rings against a model."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from service.broker.stream import Entry, Ring, Stream, Tally, new_epoch
from service.protocol.messages import Publication, StreamPosition


def entry(offset, size=10, time=0.0, number=0):
    return Entry(Publication(offset=offset), offset, "epoch", number or offset + 1000, time, size)


def filled(top, count=None, tally=None):
    stream = Stream(tally or Tally(), "epoch", top - (top if count is None else count))
    for offset in range(stream.top + 1, top + 1):
        stream.append(entry(offset))
    return stream


def offsets(entries):
    return [each.offset for each in entries]


def test_an_epoch_is_eight_letters():
    assert len(new_epoch()) == 8
    assert new_epoch().isalpha()
    assert new_epoch(Random(1).choice) == new_epoch(Random(1).choice)
    assert new_epoch() != new_epoch()


def test_forwards():
    stream = filled(5)
    assert offsets(stream.since(0)) == [1, 2, 3, 4, 5]
    assert offsets(stream.since(3)) == [4, 5]
    assert offsets(stream.since(0, 2)) == [1, 2]
    assert stream.since(5) == stream.since(9) == []


def test_backwards():
    stream = filled(5)
    assert offsets(stream.before(6)) == [5, 4, 3, 2, 1]
    assert offsets(stream.before(4, 2)) == [3, 2]
    assert stream.before(1) == []
    assert stream.before(9) == [], "beyond the top there is nothing to begin with"


def test_since_an_offset_that_is_gone_begins_at_the_oldest():
    assert offsets(filled(5, count=2).since(1)) == [4, 5]


def test_size_and_bytes_bound_it():
    stream = filled(10)
    assert stream.bound(4, 1000) == 6
    assert offsets(stream.entries) == [7, 8, 9, 10]
    assert stream.bound(4, 25) == 2
    assert offsets(stream.entries) == [9, 10]
    assert stream.bound(4, 1) == 1, "the newest stays, whatever its size"
    assert (stream.top, stream.floor, stream.size, stream.tally.used) == (10, 9, 10, 10)


def test_a_stream_takes_nothing_out_of_place():
    with pytest.raises(AssertionError):
        filled(3).append(entry(5))


def test_streams_share_a_tally():
    tally = Tally()
    first, second = filled(3, tally=tally), filled(2, tally=tally)
    assert tally.used == 50
    first.drop(3)
    second.drop(1)
    assert tally.used == 10


def ring(top=0, **kwargs):
    made = Ring(Tally())
    made.adopt(StreamPosition(0, "epoch"), 0, 0.0)
    for offset in range(1, top + 1):
        made.append(entry(offset, **kwargs))
    return made


def test_a_ring_takes_by_count_and_by_bytes():
    made = ring(10)
    assert offsets(made.take(3, 1000)) == [1, 2, 3]
    assert offsets(made.take(16, 25)) == [1, 2]
    assert offsets(made.take(16, 1)) == [1], "one is always taken"
    made.advance(4)
    assert offsets(made.take(2, 1000)) == [5, 6]
    assert made.pending == 6


def test_trimming_spares_what_is_pending():
    made = ring(10)
    made.advance(6)
    made.trim(2)
    assert offsets(made.entries) == [5, 6, 7, 8, 9, 10]
    made.trim(0)
    assert offsets(made.entries) == [7, 8, 9, 10]
    assert (made.floor, made.pending) == (6, 4)


def test_dropped_pending_entries_count_as_sent():
    made = ring(10)
    made.drop(4)
    assert (made.sent, made.pending, made.floor) == (4, 6, 4)


def test_what_was_sent_expires():
    made = ring(5, time=10.0)
    made.advance(3)
    made.expire(69.9, 60.0)
    assert made.floor == 0
    made.expire(70.0, 60.0)
    assert (made.floor, made.pending) == (3, 2)


def test_another_position_takes_pending_entries_their_place():
    made = ring(5)
    made.advance(2)
    made.restart(StreamPosition(1, "other"), 5)
    assert [(e.offset, e.publication.offset) for e in made.take(9, 999)] == [(0, 3), (0, 4), (0, 5)]
    made.append(Entry(Publication(), 2, "other", 7, 0.0, 1))
    assert (made.top, made.top_id, made.since(1)[0].id, made.find(2).id) == (2, 7, 7, 7)
    assert made.find(4) is None


def test_what_was_read_can_be_put_below():
    made = Ring(Tally())
    made.adopt(StreamPosition(10, "epoch"), 1010, 0.0)
    made.prepend([entry(o) for o in range(4, 11)], keep=5)
    assert offsets(made.since(0)) == [6, 7, 8, 9, 10]
    assert (made.floor, made.pending, made.sent, made.top_id, made.tally.used) == (5, 0, 0, 1010, 50)
    made.append(entry(11))
    assert offsets(made.take(5, 999)) == [11]
    made.prepend([entry(3)], keep=50)
    assert made.floor == 5, "a hole below the floor is refused"
    made.prepend([entry(2), entry(5)], keep=50)
    assert made.floor == 5, "so is one within"


class RingModel(RuleBasedStateMachine):
    """A ring against plain lists."""

    def __init__(self):
        super().__init__()
        self.tally = Tally()
        self.ring = Ring(self.tally)
        self.ring.adopt(StreamPosition(0, "epoch"), 0, 0.0)
        self.everything = []  # (number, entry), as it was appended
        self.oldest = 0  # number of the oldest that is kept
        self.sent = 0
        self.top = 0

    @rule(placed=st.booleans(), size=st.integers(1, 50))
    def append(self, placed, size):
        self.top += placed
        made = entry(self.top if placed else 0, size, number=len(self.everything) + 1)
        self.everything.append(made)
        self.ring.append(made)

    @rule(count=st.integers(1, 5))
    def send(self, count):
        taken = self.ring.take(count, 1000)
        assert taken == self.everything[self.sent : self.sent + count]
        self.sent += len(taken)
        self.ring.advance(self.sent)

    @rule(keep=st.integers(0, 4))
    def trim(self, keep):
        self.oldest = max(self.oldest, self.sent - keep)
        self.ring.trim(keep)

    @precondition(lambda self: self.oldest < len(self.everything))
    @rule(count=st.integers(1, 3))
    def drop(self, count):
        self.oldest = min(self.oldest + count, len(self.everything))
        self.sent = max(self.sent, self.oldest)
        self.ring.drop(count)

    @rule(offset=st.integers(0, 30), limit=st.integers(-1, 4))
    def look(self, offset, limit):
        kept = [e for e in self.everything[self.oldest :] if e.offset]
        after = [e for e in kept if e.offset > offset]
        assert self.ring.since(offset, limit) == (after if limit < 0 else after[:limit])
        assert self.ring.find(offset) == next((e for e in kept if e.offset == offset), None)
        before = [e for e in reversed(kept) if e.offset < offset]
        present = any(e.offset == offset - 1 for e in kept)
        assert self.ring.before(offset, limit) == ((before if limit < 0 else before[:limit]) if present else [])

    @invariant()
    def agree(self):
        kept = self.everything[self.oldest :]
        assert self.ring.entries == kept
        assert self.ring.pending == len(self.everything) - self.sent
        assert self.ring.size == self.tally.used == sum(e.size for e in kept)
        assert self.ring.top == self.top
        assert self.ring.unplaced == sum(not e.offset for e in kept)
        gone = [e.offset for e in self.everything[: self.oldest] if e.offset]
        assert self.ring.floor == max(gone, default=0)


RingModel.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestRingModel = RingModel.TestCase


@given(top=st.integers(1, 30), count=st.integers(1, 40), size=st.integers(1, 400))
def test_bounds_hold(top, count, size):
    stream = filled(top)
    stream.bound(count, size)
    assert len(stream.entries) <= count
    assert stream.size <= size or len(stream.entries) == 1
    assert stream.entries[-1].offset == top
    assert stream.floor == top - len(stream.entries)
