"""Spans: their ids and times, and the post that carries them."""

import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability import names, span_names
from observability.field_names import ATTRIBUTES
from observability.tracing import (
    Attributes,
    ExportSettings,
    Link,
    Parent,
    Post,
    Span,
    Tracer,
    format_traceparent,
    parse_traceparent,
    trace_id_of,
)
from tests.observability.shown import MemoryPost

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def span(number=1, error=""):
    attributes: Attributes = {"messaging.destination.name": "chat:1", "heliograph.receivers": 3}
    parent = Parent(5, 6, sampled=True)
    return Span(span_names.FANOUT_SPAN, Link(5, number), parent, 1_000, 2_000, attributes, [Link(7, 8)], error)


def wait_until(done, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds} seconds in vain"
        time.sleep(0.005)


class ScriptedCarrier:
    """Answers as told; keeps the batches."""

    def __init__(self, answer: Any = None, gate: threading.Event | None = None) -> None:
        self.batches: list[Any] = []
        self.tries = 0
        self.answer = answer  # an exception, how many are taken, or None for all
        self.gate = gate
        self.closed = threading.Event()

    def send(self, spans, /):
        self.tries += 1
        if self.gate is not None:
            self.gate.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        self.batches.append(spans)
        return len(spans) if self.answer is None else self.answer

    def close(self):
        self.closed.set()


def scripted(carrier, lost=lambda _why, _count: None, **settings):
    chosen: dict[str, Any] = {"delay": 0.01, **settings}
    return Post(ExportSettings("http://nowhere", **chosen), lambda _settings: carrier, lost=lost)


# ---------------------------------------------------------------- traceparent


def test_a_traceparent_is_read_and_written():
    parent = parse_traceparent(GOOD)
    assert parent == Parent(0x0AF7651916CD43DD8448EB211C80319C, 0xB7AD6B7169203331, sampled=True)
    assert format_traceparent(Link(*parent[:2])) == GOOD
    unsampled = parse_traceparent(GOOD[:-1] + "0")
    assert unsampled is not None
    assert not unsampled.sampled


def test_a_later_version_may_say_more():
    assert parse_traceparent("01" + GOOD[2:] + "-more") is not None


@pytest.mark.parametrize(
    "text",
    [
        None, "", "00", GOOD.upper(), GOOD + "-more", "ff" + GOOD[2:], GOOD + "\n", " " + GOOD, GOOD[:-3],
        "00-" + "0" * 32 + "-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        GOOD.replace("b7ad", "b7aг"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
    ],
)  # fmt: skip
def test_what_the_standard_does_not_allow_is_no_traceparent(text):
    assert parse_traceparent(text) is None


@given(st.text(max_size=80))
def test_no_text_is_too_strange(text):
    parse_traceparent(text)


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1))
def test_every_link_survives_the_way_through_a_header(trace_id, span_id):
    assert parse_traceparent(format_traceparent(Link(trace_id, span_id))) == (trace_id, span_id, True)


def test_all_nodes_draw_the_same_trace_id_from_a_publication():
    assert trace_id_of(-5) == trace_id_of(-5) != trace_id_of(5)
    assert trace_id_of(2**63 - 1).bit_length() <= 128


# --------------------------------------------------------------------- tracer


def test_a_span_ends_now_and_began_before():
    kept = MemoryPost()
    tracer = Tracer(kept, wall=lambda: 5_000_000_000, strict=True)
    link = tracer.begin()
    tracer.ended(span_names.PUBLISH_SPAN, link, 1.5, {}, error="timeout")
    (ended,) = kept.spans
    assert (ended.start, ended.end) == (3_500_000_000, 5_000_000_000)
    assert ended.attributes == {"error.type": "timeout"}


def test_a_span_says_that_the_loop_stood_still_meanwhile():
    kept = MemoryPost()
    tracer = Tracer(kept, wall=lambda: 5_000_000_000)
    tracer.ended(span_names.PUBLISH_SPAN, tracer.begin(), 1.0, {})
    tracer.stall_within = lambda seconds: (0.75, 0.5, "service/x.py:7 f") if seconds >= 0.25 else None
    tracer.ended(span_names.PUBLISH_SPAN, tracer.begin(), 0.1, {})
    tracer.ended(span_names.PUBLISH_SPAN, tracer.begin(), 1.0, {})
    assert [len(span.events) for span in kept.spans] == [0, 0, 1]
    (event,) = kept.spans[2].events
    assert (event.name, event.at) == ("loop.stalled", 4_250_000_000)
    assert event.attributes == {"heliograph.stall.seconds": 0.5, "code.location": "service/x.py:7 f"}
    assert set(event.attributes) <= set(ATTRIBUTES)


def test_a_child_stays_in_its_trace():
    tracer = Tracer(MemoryPost())
    parent = Parent(77, 88, sampled=True)
    assert tracer.begin(parent).trace_id == 77
    assert tracer.begin(parent).span_id != 88
    assert tracer.begin().trace_id not in (0, 77)


def test_undeclared_spans_and_attributes_are_errors_in_tests():
    tracer = Tracer(MemoryPost(), strict=True)
    with pytest.raises(AssertionError, match="not declared"):
        tracer.ended(span_names.PUBLISH_SPAN, Link(1, 1), 0, {"stranger": 1})
    with pytest.raises(AssertionError, match="not declared"):
        tracer.ended(span_names.SpanName("stranger", "server", ""), Link(1, 1), 0, {})


# ----------------------------------------------------------------------- post


@pytest.mark.shows("heliograph_spans_exported_total", "heliograph_spans_dropped_total")
def test_what_left_and_what_was_lost_is_counted(telemetry):
    telemetry.post.exported = 5
    telemetry.post.lost = {"queue_full": 2}
    assert telemetry.value(names.SPANS_EXPORTED) == 5
    assert telemetry.value(names.SPANS_DROPPED, "queue_full") == 2


def test_a_full_queue_loses_and_counts_and_says_so():
    carrier = ScriptedCarrier()
    box = scripted(carrier, queue=3)
    for number in range(1, 6):
        box.put(span(number))
    assert box.full
    assert box.lost["queue_full"] == 2
    box.start()
    wait_until(lambda: box.exported == 3)
    assert not box.full
    box.begin_stop()
    wait_until(lambda: box.stopped)


def test_batches_are_bounded_and_sent_before_the_delay():
    carrier = ScriptedCarrier()
    box = scripted(carrier, batch=10, delay=60)
    box.start()
    for number in range(1, 26):
        box.put(span(number))
    wait_until(lambda: carrier.batches)
    box.begin_stop()
    wait_until(lambda: box.stopped)
    assert max(len(batch) for batch in carrier.batches) <= 10
    assert sum(len(batch) for batch in carrier.batches) == box.exported == 25


def test_a_batch_is_tried_twice_and_then_lost_with_the_reason():
    carrier = ScriptedCarrier(ConnectionRefusedError(111, "Connection refused"))
    reasons: list[tuple[str, int]] = []
    box = scripted(carrier, lambda why, count: reasons.append((why, count)))
    box.start()
    box.put(span())
    wait_until(lambda: box.lost["export_failed"] == 1)
    assert carrier.tries == 2
    assert reasons == [("ConnectionRefusedError: [Errno 111] Connection refused", 1)]
    carrier.answer = None
    box.put(span())
    wait_until(lambda: box.exported == 1)
    box.begin_stop()
    wait_until(lambda: box.stopped)


def test_a_collector_that_is_restarted_meanwhile_loses_nothing():
    class Restarted(ScriptedCarrier):
        def send(self, spans, /):
            self.answer = ConnectionRefusedError() if self.tries == 0 else None
            return super().send(spans)

    box = scripted(Restarted())
    box.start()
    box.put(span())
    wait_until(lambda: box.exported == 1)
    assert box.lost["export_failed"] == 0
    box.begin_stop()
    wait_until(lambda: box.stopped)


def test_what_a_collector_took_only_a_part_of_is_lost_in_part():
    box = scripted(ScriptedCarrier(1))
    for number in range(1, 4):
        box.put(span(number))
    box.start()
    wait_until(lambda: box.lost["export_failed"] == 2)
    assert box.exported == 1
    box.begin_stop()
    wait_until(lambda: box.stopped)


def test_what_waits_at_the_deadline_is_lost_and_counted():
    gate = threading.Event()
    carrier = ScriptedCarrier(gate=gate)
    box = scripted(carrier, batch=1)
    box.start()
    for number in range(1, 6):
        box.put(span(number))
    wait_until(lambda: len(box._waiting) == 4)
    box.begin_stop()
    assert not box.stopped
    box.abandon()
    assert box.lost["stopped"] == 4
    assert carrier.closed.wait(5)
    gate.set()
    wait_until(lambda: box.stopped)
