"""Spans on their way out, and Collectors that are absent, slow or lying."""

import contextlib
import socket
import threading
import time
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from observability import names
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
    return Span(names.FANOUT_SPAN, Link(5, number), parent, 1_000, 2_000, attributes, [Link(7, 8)], error)


def wait_until(done, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds} seconds in vain"
        time.sleep(0.005)


def post(endpoint, **settings):
    return Post(ExportSettings(endpoint, service_version="1.2.3", instance="me", **{"delay": 0.05, **settings}))


class Answer:
    """What an exporter answers."""

    def __init__(self, name):
        self.name = name


class ScriptedExporter:
    """Answers as told; keeps the batches."""

    def __init__(self, answer="SUCCESS", gate=None):
        self.batches = []
        self.answer = answer
        self.gate = gate
        self.closed = threading.Event()

    def export(self, spans, /):
        if self.gate is not None:
            self.gate.wait(20)
        if isinstance(self.answer, Exception):
            raise self.answer
        self.batches.append(spans)
        return Answer(self.answer)

    def shutdown(self):
        self.closed.set()


def scripted(exporter, **settings):
    return Post(ExportSettings("http://nowhere", **{"delay": 0.01, **settings}), lambda _settings: exporter)


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
    tracer.ended(names.PUBLISH_SPAN, link, 1.5, {}, error="timeout")
    (ended,) = kept.spans
    assert (ended.start, ended.end) == (3_500_000_000, 5_000_000_000)
    assert ended.attributes == {"error.type": "timeout"}


def test_a_child_stays_in_its_trace():
    tracer = Tracer(MemoryPost())
    parent = Parent(77, 88, sampled=True)
    assert tracer.begin(parent).trace_id == 77
    assert tracer.begin(parent).span_id != 88
    assert tracer.begin().trace_id not in (0, 77)


def test_undeclared_spans_and_attributes_are_errors_in_tests():
    tracer = Tracer(MemoryPost(), strict=True)
    with pytest.raises(AssertionError, match="not declared"):
        tracer.ended(names.PUBLISH_SPAN, Link(1, 1), 0, {"stranger": 1})
    with pytest.raises(AssertionError, match="not declared"):
        tracer.ended(names.SpanName("stranger", "server", ""), Link(1, 1), 0, {})


# ----------------------------------------------------------------------- post


@pytest.mark.shows("heliograph_spans_exported_total", "heliograph_spans_dropped_total")
def test_what_left_and_what_was_lost_is_counted(telemetry):
    telemetry.post.exported = 5
    telemetry.post.lost = {"queue_full": 2}
    assert telemetry.value(names.SPANS_EXPORTED) == 5
    assert telemetry.value(names.SPANS_DROPPED, "queue_full") == 2


def test_a_full_queue_loses_and_counts_and_says_so():
    exporter = ScriptedExporter()
    box = scripted(exporter, queue=3)
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
    exporter = ScriptedExporter()
    box = scripted(exporter, batch=10, delay=60)
    box.start()
    for number in range(1, 26):
        box.put(span(number))
    wait_until(lambda: exporter.batches)
    box.begin_stop()
    wait_until(lambda: box.stopped)
    assert max(len(batch) for batch in exporter.batches) <= 10
    assert sum(len(batch) for batch in exporter.batches) == box.exported == 25


@pytest.mark.parametrize("answer", ["FAILURE", RuntimeError("a bug in the exporter")])
def test_a_refused_batch_is_lost_and_the_next_one_tried(answer):
    exporter = ScriptedExporter(answer)
    box = scripted(exporter)
    box.start()
    box.put(span())
    wait_until(lambda: box.lost["export_failed"] == 1)
    exporter.answer = "SUCCESS"
    box.put(span())
    wait_until(lambda: box.exported == 1)
    box.begin_stop()
    wait_until(lambda: box.stopped)


def test_what_waits_at_the_deadline_is_lost_and_counted():
    exporter = ScriptedExporter(gate=threading.Event())
    box = scripted(exporter, batch=1)
    box.start()
    for number in range(1, 6):
        box.put(span(number))
    wait_until(lambda: len(box._waiting) == 4)
    box.begin_stop()
    assert not box.stopped
    box.abandon()
    assert box.lost["stopped"] == 4
    assert exporter.closed.wait(5)
    exporter.gate.set()
    wait_until(lambda: box.stopped)


# ----------------------------------------------------- Collectors of all kinds


class Collector(BaseHTTPRequestHandler):
    """Takes spans, or does as its server's ``behave`` says."""

    server: Any

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.took.append((self.path, body))
        self.server.behave(self)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def collector(behave):
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    server.daemon_threads = True
    server.behave, server.took = behave, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server.took
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def say(status, body=b"", **headers):
    def behave(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def test_a_collector_gets_all_that_a_span_has():
    with collector(say(200)) as (endpoint, took):
        box = post(endpoint)
        box.start()
        box.put(span(error="timeout"))
        wait_until(lambda: box.exported == 1)
        box.begin_stop()
        wait_until(lambda: box.stopped)
    path, body = took[0]
    (group,) = trace_service_pb2.ExportTraceServiceRequest.FromString(body).resource_spans
    resource = {a.key: a.value.string_value for a in group.resource.attributes}
    assert path == "/v1/traces"
    assert (resource["service.name"], resource["service.version"], resource["service.instance.id"]) == (
        "heliograph", "1.2.3", "me",
    )  # fmt: skip
    (sent,) = group.scope_spans[0].spans
    assert (sent.name, sent.kind) == ("message.fanout", 4)  # producer
    assert int.from_bytes(sent.trace_id, "big") == 5
    assert int.from_bytes(sent.span_id, "big") == 1
    assert int.from_bytes(sent.parent_span_id, "big") == 6
    assert (sent.start_time_unix_nano, sent.end_time_unix_nano) == (1_000, 2_000)
    assert int.from_bytes(sent.links[0].trace_id, "big") == 7
    assert (sent.status.code, sent.status.message) == (2, "timeout")
    assert {a.key for a in sent.attributes} == {"messaging.destination.name", "heliograph.receivers"}


def test_a_grpc_collector_gets_them_too():
    took = []

    class Service(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request, context):
            took.append(request)
            return trace_service_pb2.ExportTraceServiceResponse()

    import grpc  # type: ignore[import-untyped]

    server = grpc.server(futures.ThreadPoolExecutor(1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    box = post(f"http://127.0.0.1:{port}", protocol="grpc")
    box.start()
    box.put(span())
    wait_until(lambda: box.exported == 1)
    box.begin_stop()
    wait_until(lambda: box.stopped)
    server.stop(None).wait()
    assert took[0].resource_spans[0].scope_spans[0].spans[0].name == "message.fanout"


def no_answer(handler):
    handler.server.held.wait(20)


LIES = {
    "500": say(500),
    "400 with a page": say(400, b"<html>not a Collector</html>"),
    "503, come back in an hour": say(503, Retry_After="3600"),
    "429": say(429),
    "not HTTP": lambda handler: handler.wfile.write(b"\x16\x03\x01 not http\r\n\r\n"),
    "hangs up": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
}


@pytest.mark.parametrize("lie", LIES)
def test_whatever_the_collector_answers_spans_are_lost_within_the_timeout_and_no_more(lie):
    with collector(LIES[lie]) as (endpoint, _):
        box = post(endpoint, timeout=0.4)
        box.start()
        box.put(span())
        wait_until(lambda: box.lost["export_failed"] == 1, seconds=5)
        box.begin_stop()
        wait_until(lambda: box.stopped)
    assert box.exported == 0


def test_an_absent_collector_loses_spans_within_the_timeout():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = post(f"http://127.0.0.1:{port}", timeout=0.3)
    box.start()
    box.put(span())
    wait_until(lambda: box.lost["export_failed"] == 1, seconds=5)
    box.begin_stop()
    wait_until(lambda: box.stopped)
