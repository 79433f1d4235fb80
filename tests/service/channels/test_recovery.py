"""All of what was missed or nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from service.broker.stream import Entry
from service.channels.recovery import awaited, merge, missed, newest, shown
from service.protocol.messages import Publication, StreamPosition

TOP = StreamPosition(5, "now")


def entry(offset, time=0.0, number=0, **fields):
    traceparent = fields.pop("traceparent", "")
    return Entry(Publication(offset=offset, **fields), offset, "now", number or offset, time, 1, traceparent)


def entries(*offsets):
    return [entry(offset) for offset in offsets]


def offsets(found):
    return None if found is None else [each.offset for each in found]


def at(offset, epoch="now"):
    return StreamPosition(offset, epoch)


def test_everything_that_was_missed():
    assert offsets(missed(at(2), TOP, entries(1, 2, 3, 4, 5), 300)) == [3, 4, 5]
    assert offsets(missed(at(5), TOP, [], 300)) == []
    assert offsets(missed(at(3, ""), TOP, entries(4, 5), 300)) == [4, 5], "no epoch fits every epoch"
    assert offsets(missed(at(0, ""), at(0), [], 300)) == []


def test_no_part_of_it():
    assert missed(at(2), TOP, entries(4, 5), 300) is None
    assert missed(at(2), TOP, entries(3, 5), 300) is None
    assert missed(at(2), TOP, entries(3, 4), 300) is None
    assert missed(at(2), TOP, entries(3, 4, 5), 2) is None
    assert missed(at(6), TOP, entries(4, 5), 300) is None
    assert missed(at(5, "then"), TOP, [], 300) is None


def test_a_limit_of_nothing_is_no_limit():
    assert offsets(missed(at(0), TOP, entries(1, 2, 3, 4, 5), 0)) == [1, 2, 3, 4, 5]


@given(since=st.integers(0, 12), known=st.sets(st.integers(1, 10)), top=st.integers(0, 10), limit=st.integers(0, 10))
def test_what_is_recovered_has_no_hole(since, known, top, limit):
    found = missed(at(since), at(top), entries(*sorted(known)), limit)
    whole = list(range(since + 1, top + 1))
    possible = since <= top and set(whole) <= known and not 0 < limit < len(whole)
    assert offsets(found) == (whole if possible else None)


def test_the_newest_unless_it_is_there():
    assert offsets(newest(at(2), TOP, entry(5), entry(5))) == [5]
    assert offsets(newest(at(5), TOP, entry(5), entry(5))) == []
    assert offsets(newest(at(5, "then"), TOP, entry(5), entry(5))) == [5]
    assert offsets(newest(at(0, ""), TOP, entry(5), entry(5))) == [5]


def test_an_empty_cache_recovers_only_who_is_at_its_top():
    assert newest(at(5), TOP, None, None) == []
    assert newest(at(5, ""), TOP, None, None) is None
    assert newest(at(4), TOP, None, None) is None
    assert newest(at(0, ""), at(0), None, None) is None
    assert newest(at(0), at(0), None, None) is None
    assert newest(at(4), TOP, entry(4), entry(4)) is None, "that is not the newest"


def test_history_and_ring_are_one_run():
    read, heard = entries(1, 2, 3), [entry(3, number=33), *entries(4, 5, 6)]
    merged = merge(read, heard, 5)
    assert offsets(merged) == [1, 2, 3, 4, 5]
    assert merged[2].id == 33, "what was heard counts"
    assert merge([], [entry(0)], 5) == []


def test_old_publications_lose_their_trace():
    tags = {"traceparent": "00-a-b-01", "t": "1"}
    fresh, old = (entry(1, time, tags=dict(tags), traceparent="00-a-b-01") for time in (950.0, 900.0))
    alone = entry(2, 900.0, tags={"traceparent": "x"}, traceparent="x")
    bare, own = entry(3, 900.0, traceparent="x"), entry(4, 900.0, tags=dict(tags))
    told = [publication.tags for publication in shown([fresh, old, alone, bare, own], 1000.0)]
    assert told == [tags, {"t": "1"}, UNSET, UNSET, tags]
    assert old.publication.tags == tags, "the stream keeps it"


def test_the_cache_gives_the_newest_that_is_wanted():
    assert offsets(newest(at(2), TOP, entry(5), entry(3))) == [3]
    assert offsets(newest(at(5), TOP, entry(5), entry(3))) == []
    assert newest(at(2), TOP, entry(5), None) is None
    assert newest(at(5), TOP, entry(5), None) == []


@pytest.mark.parametrize(
    ("since", "top", "cached", "count"),
    [
        ((3, "e"), (7, "e"), False, 4),
        ((3, ""), (7, "e"), False, 4),
        ((3, "d"), (7, "e"), False, 0),  # of another stream: nobody knows
        ((9, "e"), (7, "e"), False, 0),
        ((3, "e"), (7, "e"), True, 1),
        ((7, "e"), (7, "e"), True, 0),
        ((7, "d"), (7, "e"), True, 1),
        ((0, ""), (0, "e"), True, 0),
    ],
)
def test_what_somebody_lacks_by_the_numbers(since, top, cached, count):
    assert awaited(StreamPosition(*since), StreamPosition(*top), cached=cached) == count
