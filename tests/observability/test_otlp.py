"""Spans on the wire, and Collectors that are absent, slow or lying."""

import contextlib
import socket
import threading
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from observability import otlp, span_names
from observability.tracing import Attributes, ExportSettings, Link, Post, Span, SpanEvent
from tests.observability.test_tracing import span, wait_until


def post(endpoint, **settings):
    chosen: dict[str, Any] = {"delay": 0.05, **settings}
    return Post(ExportSettings(endpoint, service_version="1.2.3", instance="me", **chosen), otlp.connect)


def encoded(*spans):
    request = otlp.Encoder(ExportSettings(""))(spans)
    return list(request.resource_spans[0].scope_spans[0].spans)


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
    values = {a.key: a.value for a in sent.attributes}
    assert values["messaging.destination.name"].string_value == "chat:1"
    assert values["heliograph.receivers"].int_value == 3


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
    "a redirect": say(307, Location="/elsewhere"),
    "refuses a part": say(
        200,
        trace_service_pb2.ExportTraceServiceResponse(
            partial_success=trace_service_pb2.ExportTracePartialSuccess(rejected_spans=1)
        ).SerializeToString(),
    ),
    "hangs up": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
}


@pytest.mark.parametrize("lie", LIES)
def test_whatever_the_collector_answers_spans_are_lost_within_the_timeout_and_no_more(lie):
    with collector(LIES[lie]) as (endpoint, _):
        box = post(endpoint, timeout=0.4)
        box.start()
        box.put(span())
        wait_until(lambda: box.lost["export_failed"] == 1, seconds=8)
        box.begin_stop()
        wait_until(lambda: box.stopped)
    assert box.exported == 0


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_again():
    def once(handler):
        say(200)(handler)
        handler.close_connection = True

    with collector(once) as (endpoint, took):
        box = post(endpoint)
        box.start()
        for number in (1, 2, 3):
            box.put(span(number))
            wait_until(lambda number=number: box.exported == number)
        box.begin_stop()
        wait_until(lambda: box.stopped)
    assert len(took) == 3
    assert box.lost["export_failed"] == 0


def test_every_kind_of_value_and_parent():
    attributes: Attributes = {
        "heliograph.delivery.seconds": 0.5,
        "heliograph.receivers": 2,
        "error.type": "x",
        "url.path": True,
    }
    near = Span(span_names.DELIVER_SPAN, Link(1, 2), Link(1, 9), 5, 6, attributes, (), "")
    root = Span(span_names.UPGRADE_SPAN, Link(2**128 - 1, 2**64 - 1), None, 5, 6, {}, (), "")
    one, two = encoded(near, root)
    values = {a.key: a.value for a in one.attributes}
    assert values["heliograph.delivery.seconds"].double_value == 0.5
    assert values["url.path"].bool_value is True
    assert (one.flags, one.status.code) == (0x101, 0)
    assert encoded(span())[0].flags == 0x301
    assert (two.parent_span_id, two.trace_id, two.kind) == (b"", b"\xff" * 16, 2)


def test_the_endpoint_may_have_a_path_of_its_own_and_a_key(monkeypatch):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "X-Key=a%20b, other=c ,nonsense")
    assert otlp.extra_headers() == {"X-Key": "a b", "other": "c"}
    for endpoint in ("/tenant", "/tenant/v1/traces", "/tenant/"):
        with collector(say(200)) as (address, took):
            carrier = otlp.connect(ExportSettings(address + endpoint))
            assert carrier.send([span()]) == 1
            carrier.close()
        assert took[0][0] == "/tenant/v1/traces"


def test_resource_attributes_of_the_environment_are_told_too(monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=lab")
    request = otlp.Encoder(ExportSettings("", service_name="mine"))([])
    told = {a.key: a.value.string_value for a in request.resource_spans[0].resource.attributes}
    assert (told["service.name"], told["deployment.environment.name"]) == ("mine", "lab")


@pytest.mark.parametrize("text", [b"\xff" * 50, b"{}", b"\xff" * 1_000_000])
def test_a_yes_with_garbage_is_a_yes(text):
    """A second try would only double the spans."""
    with collector(say(200, text)) as (endpoint, took):
        box = post(endpoint)
        for number in (1, 2):
            box.put(span(number))
        box.start()
        wait_until(lambda: box.exported == 2)
        box.begin_stop()
        wait_until(lambda: box.stopped)
    assert len(took) == 1


def test_an_absent_collector_loses_spans_within_the_timeout():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = post(f"http://127.0.0.1:{port}", timeout=0.3)
    box.start()
    box.put(span())
    wait_until(lambda: box.lost["export_failed"] == 1, seconds=8)
    box.begin_stop()
    wait_until(lambda: box.stopped)


def test_events_of_a_span_are_on_the_wire():
    told = SpanEvent("loop.stalled", 1_500, {"heliograph.stall.seconds": 0.5, "code.location": "x.py:7 f"})
    one = span()
    one.events = (told,)
    (event,) = encoded(one)[0].events
    assert (event.name, event.time_unix_nano) == ("loop.stalled", 1_500)
    assert {pair.key for pair in event.attributes} == set(told.attributes)
    assert not encoded(span())[0].events
