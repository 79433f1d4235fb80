"""The slab: 32 events a connection, sums, places that are used again, and nothing that grows by an event."""

import sys
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability import recorder_names as noted
from observability.flight_recorder import EVENTS, NOBODY, STEP, FlightRecorder, command


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(clock):
    found = FlightRecorder(clock, wall=lambda: 5.0)
    found.open(0)
    return found


def test_events_say_what_when_and_how_much(recorder, clock):
    recorder.note(0, noted.UPGRADED)
    clock.now += 0.012
    recorder.note(0, noted.CONNECTED, 12)
    clock.now += 1.5
    recorder.note(0, noted.COMMAND, command("subscribe", 103))
    assert [event.told() for event in recorder.events(0)] == [
        {"at": 0.0, "event": "upgraded"},
        {"at": 0.012, "event": "connected", "ms": 12},
        {"at": 1.512, "event": "command", "method": "subscribe", "code": 103},
    ]


def test_only_the_last_ones_are_kept(recorder):
    for number in range(100):
        recorder.note(0, noted.CUT, number)
    assert [event.argument for event in recorder.events(0)] == list(range(100 - EVENTS, 100))


def test_what_repeats_is_counted_and_pushes_nothing_out(recorder, clock):
    recorder.note(0, noted.UPGRADED)
    for _ in range(1000):
        clock.now += 0.01
        recorder.note(0, noted.COMMAND, command("publish", 103))
    recorder.note(0, noted.CUT, 5)
    told = [event.told() for event in recorder.events(0)]
    assert [event["event"] for event in told] == ["upgraded", "command", "repeated", "cut"]
    assert told[2] == {"at": pytest.approx(10.0, abs=0.002), "event": "repeated", "count": 999}


def test_what_repeats_at_the_rings_edge_is_counted_too(recorder):
    for number in range(EVENTS - 1):
        recorder.note(0, noted.CUT, number)
    for _ in range(10):
        recorder.note(0, noted.STALLED, 7)
    assert [event.argument for event in recorder.events(0)][-2:] == [7, 9]
    assert len(recorder.events(0)) == EVENTS


def test_a_place_begins_anew_with_its_next_owner(recorder, clock):
    recorder.note(0, noted.UPGRADED)
    recorder.ponged(0, 0.5)
    recorder.received(0, 10)
    recorder.waiting(0, 1, 2)
    clock.now += 60
    recorder.open(0)
    assert recorder.events(0) == []
    assert not any(recorder.sums(0))
    recorder.note(0, noted.UPGRADED)
    assert recorder.events(0)[0].at == 0.0


def test_places_do_not_touch_each_other(recorder):
    places = [0, 1, STEP - 1, STEP, 3 * STEP + 5]
    for place in places:
        recorder.open(place)
        for number in range(EVENTS):
            recorder.note(place, noted.CUT, place + number)
        recorder.received(place, place + 1)
    for place in places:
        assert [event.argument for event in recorder.events(place)] == list(range(place, place + EVENTS))
        assert recorder.sums(place).received_bytes == place + 1


def test_sums_are_kept_apart(recorder):
    recorder.pinged(0)
    recorder.pinged(0)
    recorder.ponged(0, 0.25)
    recorder.ponged(0, 0.125)
    recorder.received(0, 1 << 40)
    recorder.waiting(0, 100, 7)
    recorder.waiting(0, 50, 9)
    assert recorder.sums(0) == (2, 2, 0.125, 0.25, 1 << 40, 100, 9)


def test_nobodys_place_takes_everything_and_keeps_nothing(recorder):
    size = recorder.size
    recorder.open(NOBODY)
    recorder.note(NOBODY, noted.CUT, 1)
    recorder.pinged(NOBODY)
    recorder.ponged(NOBODY, 1.0)
    recorder.received(NOBODY, 1)
    recorder.waiting(NOBODY, 1, 1)
    assert recorder.events(NOBODY) == recorder.events(10**9) == recorder.events(0) == []
    assert not any(recorder.sums(NOBODY))
    assert recorder.size == size


def test_more_than_fits_is_shown_as_the_most(recorder):
    recorder.note(0, noted.CUT, 1 << 40)
    recorder.note(0, noted.STALLED, -5)
    assert [event.argument for event in recorder.events(0)] == [(1 << 24) - 1] * 2


def test_a_clock_that_went_round_is_understood(recorder, clock):
    """32 bits of milliseconds are 49 days."""
    recorder.note(0, noted.UPGRADED)
    for day in range(1, 4):
        clock.now = 1000.0 + day * 40 * 86400
        recorder.note(0, noted.CUT, day)
    clock.now += 3.0
    assert [event.at for event in recorder.events(0)] == [0.0, *(day * 40 * 86400.0 for day in (1, 2, 3))]


@given(st.lists(st.tuples(st.integers(1, 17), st.integers(0, 3)), max_size=120))
def test_whatever_is_noted_can_be_unfolded_again(notes):
    recorder = FlightRecorder(Clock())
    recorder.open(3)
    for kind, argument in notes:
        recorder.note(3, kind, argument)
    unfolded = []
    for event in recorder.events(3):
        if event.kind == noted.REPEATED:
            unfolded += unfolded[-1:] * event.argument
        else:
            unfolded.append((event.kind, event.argument))
    assert unfolded == notes[len(notes) - len(unfolded) :]
    assert len(recorder.events(3)) <= EVENTS


def test_an_event_allocates_nothing_that_stays(recorder):
    for number in range(200):
        recorder.note(0, noted.CUT, number)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(5000):
            recorder.note(0, noted.CUT, number & 0xFF)
            recorder.ponged(0, 0.001 * (number & 7))
            recorder.received(0, 100)
        assert tracemalloc.get_traced_memory()[0] - before < 1000
    finally:
        tracemalloc.stop()


def test_a_connection_costs_304_bytes(recorder):
    assert recorder.size == STEP * 304
    for place in range(10_000):
        recorder.open(place)
    assert recorder.size / 10_000 < 320
    assert sum(sys.getsizeof(step) for step in recorder._slab) - recorder.size < 10_000


def test_stories_of_the_ended_are_remembered_for_a_while(clock):
    recorder = FlightRecorder(clock, wall=lambda: 5.0, remembered=3)
    for number in range(5):
        recorder.remember({"connection_id": str(number)}, "ab" if number == 4 else "")
    assert [story["connection_id"] for story in recorder.ended] == ["2", "3", "4"]
    assert recorder.ended[-1] == {"ended": 5.0, "trace_id": "ab", "connection_id": "4"}
    silent = FlightRecorder(clock, remembered=0)
    silent.remember({"connection_id": "1"})
    assert not silent.ended


def test_an_answer_is_a_pong_and_what_was_received():
    both, apart = FlightRecorder(), FlightRecorder()
    for recorder in (both, apart):
        recorder.open(3)
        recorder.pinged(3)
    both.answered(3, 0.25, 8)
    apart.ponged(3, 0.25)
    apart.received(3, 8)
    both.answered(NOBODY, 0.25, 8)
    assert both.sums(3) == apart.sums(3)
