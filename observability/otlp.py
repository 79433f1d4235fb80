"""Spans on the wire: OpenTelemetry's protocol (OTLP) over HTTP or gRPC, by OpenTelemetry's own message classes.

Its SDK's encoder is not used: it takes some 50 µs a span, half of what all of telemetry may cost a busy server; filling
the messages directly takes 8. Used by the export thread alone, imported only when there is a Collector.
"""

import contextlib
import os
import socket
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import unquote, urlsplit

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.resources import Resource

from observability.tracing import Attributes, Carrier, ExportSettings, Parent, Span

LONGEST_ANSWER = 64 * 1024  # bytes of a Collector's answer that are read
_KINDS = {
    "internal": trace_pb2.Span.SPAN_KIND_INTERNAL,
    "server": trace_pb2.Span.SPAN_KIND_SERVER,
    "client": trace_pb2.Span.SPAN_KIND_CLIENT,
    "producer": trace_pb2.Span.SPAN_KIND_PRODUCER,
    "consumer": trace_pb2.Span.SPAN_KIND_CONSUMER,
}
_SAMPLED = 0x01
_KNOWN = trace_pb2.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK | _SAMPLED
_REMOTE = trace_pb2.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK | _KNOWN


class Refused(Exception):  # noqa: N818 - what the Collector did
    """The Collector did not take a batch."""


class Encoder:
    """Spans as one request."""

    def __init__(self, settings: ExportSettings) -> None:
        self._resource = Resource.create(
            {
                "service.name": settings.service_name,
                "service.version": settings.service_version,
                "service.instance.id": settings.instance,
            }
        ).attributes
        self._version = settings.service_version

    def __call__(self, spans: Sequence[Span]) -> ExportTraceServiceRequest:
        """The request for one batch."""
        request = ExportTraceServiceRequest()
        group = request.resource_spans.add()
        _fill_attributes(group.resource.attributes, self._resource)
        scope = group.scope_spans.add()
        scope.scope.name = "heliograph"
        scope.scope.version = self._version
        for span in spans:
            _fill(scope.spans.add(), span)
        return request


def _fill(message: Any, span: Span) -> None:
    link, parent = span.link, span.parent
    message.trace_id = link.trace_id.to_bytes(16, "big")
    message.span_id = link.span_id.to_bytes(8, "big")
    message.flags = _KNOWN
    if parent is not None:
        message.parent_span_id = parent.span_id.to_bytes(8, "big")
        message.flags = _REMOTE if isinstance(parent, Parent) else _KNOWN
    message.name = span.name.name
    message.kind = _KINDS[span.name.kind]
    message.start_time_unix_nano = span.start
    message.end_time_unix_nano = span.end
    _fill_attributes(message.attributes, span.attributes)
    for other in span.links:
        to = message.links.add()
        to.trace_id = other.trace_id.to_bytes(16, "big")
        to.span_id = other.span_id.to_bytes(8, "big")
        to.flags = _KNOWN
    for event in span.events:
        told = message.events.add()
        told.name = event.name
        told.time_unix_nano = event.at
        _fill_attributes(told.attributes, event.attributes)
    if span.error:
        message.status.code = trace_pb2.Status.STATUS_CODE_ERROR
        message.status.message = span.error


def _fill_attributes(pairs: Any, attributes: Attributes | Any) -> None:
    for key, value in attributes.items():
        pair = pairs.add()
        pair.key = key
        kind = type(value)
        if kind is str:
            pair.value.string_value = value
        elif kind is int:
            pair.value.int_value = value
        elif kind is float:
            pair.value.double_value = value
        else:
            pair.value.bool_value = value


def _taken(count: int, answer: ExportTraceServiceResponse) -> int:
    """A Collector may say yes and still refuse a part."""
    return max(0, count - max(0, int(answer.partial_success.rejected_spans)))


def _answer(text: bytes) -> ExportTraceServiceResponse:
    """What cannot be read counts as a plain yes: the status said it."""
    try:
        return ExportTraceServiceResponse.FromString(text)
    except DecodeError:
        return ExportTraceServiceResponse()


class HttpCarrier:
    """OTLP over HTTP with binary messages; one connection that is kept."""

    def __init__(self, settings: ExportSettings) -> None:
        self._encode = Encoder(settings)
        address = urlsplit(settings.endpoint)
        path = address.path.rstrip("/")
        self._path = path if path.endswith("/v1/traces") else f"{path}/v1/traces"
        self._headers = {"Content-Type": "application/x-protobuf", "User-Agent": "heliograph", **extra_headers()}
        host = address.hostname or "localhost"
        self._connection: HTTPConnection
        if address.scheme == "https":
            context = ssl.create_default_context(cafile=os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE"))
            self._connection = HTTPSConnection(host, address.port, timeout=settings.timeout, context=context)
        else:
            self._connection = HTTPConnection(host, address.port or 4318, timeout=settings.timeout)

    def send(self, spans: Sequence[Span]) -> int:
        """See ``Carrier.send``."""
        body = self._encode(spans).SerializeToString()
        used = self._connection.sock is not None
        try:
            return _taken(len(spans), self._post(body))
        except (ConnectionError, HTTPException):
            self._connection.close()
            if not used:
                raise
            return _taken(len(spans), self._post(body))  # the connection had been closed while it was idle
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        """See ``Carrier.close``."""
        with contextlib.suppress(OSError):
            if self._connection.sock is not None:
                self._connection.sock.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for an answer
            self._connection.close()

    def _post(self, body: bytes) -> ExportTraceServiceResponse:
        self._connection.request("POST", self._path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read(LONGEST_ANSWER)
        if answer.read(1):
            self._connection.close()
        if not 200 <= answer.status < 300:
            raise Refused(f"HTTP {answer.status}")
        return _answer(text)


class GrpcCarrier:
    """OTLP over gRPC."""

    def __init__(self, settings: ExportSettings) -> None:
        import grpc  # type: ignore[import-untyped]
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

        self._encode = Encoder(settings)
        self._timeout = settings.timeout
        self._headers = tuple((name.lower(), value) for name, value in extra_headers().items())
        address = urlsplit(settings.endpoint if "//" in settings.endpoint else f"//{settings.endpoint}")
        if address.scheme == "https":
            self._channel = grpc.secure_channel(address.netloc, grpc.ssl_channel_credentials())
        else:
            self._channel = grpc.insecure_channel(address.netloc)
        self._export = TraceServiceStub(self._channel).Export  # type: ignore[no-untyped-call]

    def send(self, spans: Sequence[Span]) -> int:
        """See ``Carrier.send``."""
        return _taken(len(spans), self._export(self._encode(spans), timeout=self._timeout, metadata=self._headers))

    def close(self) -> None:
        """See ``Carrier.close``."""
        self._channel.close()


def connect(settings: ExportSettings) -> Carrier:
    """The carrier that the settings ask for; nothing is sent yet."""
    return GrpcCarrier(settings) if settings.protocol == "grpc" else HttpCarrier(settings)


def extra_headers() -> dict[str, str]:
    """Of the environment's OTEL_EXPORTER_OTLP_HEADERS, ``name=value,…``: the keys of hosted Collectors."""
    pairs = (pair.partition("=") for pair in os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","))
    return {name.strip(): unquote(value.strip()) for name, equals, value in pairs if equals and name.strip()}
