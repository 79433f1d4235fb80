"""Traces without a tracer on the hot path: a span is a small record, made when it has ended, sent by a thread.

OpenTelemetry is imported only when there is a Collector to send to (``Post.start``). The SDK's own batch processor is
not used: it drops without a count, does not tell when its queue is full, and takes up to 30 s to stop while the
Collector is down. Here the queue is bounded, every loss has a reason, and stopping has our deadline.
"""

import hashlib
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import getrandbits
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from observability import names
from observability.names import SpanName

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

Attributes = Mapping[str, str | int | float | bool]

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Link(NamedTuple):
    """Where a span is: what another span links to. Opaque to the service, which only keeps it and hands it back."""

    trace_id: int
    span_id: int


class Parent(NamedTuple):
    """A caller's span, from a ``traceparent``."""

    trace_id: int
    span_id: int
    sampled: bool


def parse_traceparent(text: str | None) -> Parent | None:
    """The caller's span; None for anything that W3C Trace Context, section 3.2, does not allow."""
    found = _TRACEPARENT.fullmatch(text) if text else None
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if version == "ff" or (version == "00" and more):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & 1))


def format_traceparent(link: Link) -> str:
    """The header of a sampled span."""
    return f"00-{link.trace_id:032x}-{link.span_id:016x}-01"


def trace_id_of(entry_id: int) -> int:
    """The trace id of a publication that was not sampled but turned out late: the same one on every node."""
    digest = hashlib.blake2b(entry_id.to_bytes(8, "big", signed=True), digest_size=16, person=b"heliograph").digest()
    return int.from_bytes(digest, "big")


class PublishTrace:
    """A sampled publication under way. Opaque to the service but for ``traceparent`` and ``trace_id``."""

    __slots__ = ("audience", "by", "channel", "link", "parent", "trace_id", "traceparent")

    def __init__(self, link: Link, parent: Parent | None, by: str, channel: str, audience: int) -> None:
        self.link = link
        self.parent = parent
        self.by = by
        self.channel = channel
        self.audience = audience
        self.trace_id = f"{link.trace_id:032x}"
        self.traceparent = format_traceparent(link)


@dataclass(slots=True)
class Span:
    """One ended span; times in nanoseconds since the epoch."""

    name: SpanName
    link: Link
    parent: Link | Parent | None
    start: int
    end: int
    attributes: Attributes
    links: Sequence[Link]
    error: str  # "" for success


class Postbox(Protocol):
    """Who takes ended spans."""

    def put(self, span: Span) -> None:
        """Take it or lose it, at once."""

    full: bool  # while another span would be lost


class Tracer:
    """Makes spans of happenings that have ended."""

    __slots__ = ("_ids", "_post", "_strict", "_wall")

    def __init__(
        self,
        post: Postbox,
        *,
        wall: Callable[[], int] = time.time_ns,
        ids: Callable[[int], int] = getrandbits,
        strict: bool = False,
    ) -> None:
        """``strict`` is for tests: an undeclared span or attribute is an AssertionError."""
        self._post = post
        self._wall = wall
        self._ids = ids
        self._strict = strict

    @property
    def full(self) -> bool:
        """True while a span would be lost: no use in making one."""
        return self._post.full

    def begin(self, parent: Parent | Link | None = None) -> Link:
        """Draw the place of a span, in its parent's trace or in a new one."""
        trace_id = parent.trace_id if parent is not None else self._ids(128) or 1
        return Link(trace_id, self._ids(64) or 1)

    def ended(
        self,
        name: SpanName,
        link: Link,
        seconds: float,
        attributes: Attributes,
        *,
        parent: Link | Parent | None = None,
        links: Sequence[Link] = (),
        error: str = "",
    ) -> None:
        """The span at ``link`` ends now and began ``seconds`` ago; ``error`` says in a word what went wrong."""
        if self._strict:
            assert name.name in names.SPANS, f"span {name.name} is not declared"
            assert set(attributes) <= set(names.ATTRIBUTES), f"{set(attributes) - set(names.ATTRIBUTES)} not declared"
        end = self._wall()
        if error:
            attributes = {**attributes, "error.type": error}
        self._post.put(Span(name, link, parent, end - int(seconds * 1e9), end, attributes, links, error))


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Where the spans go."""

    endpoint: str  # e.g. http://127.0.0.1:4318
    protocol: str = "http"  # or grpc
    service_name: str = "heliograph"
    service_version: str = ""
    instance: str = ""
    timeout: float = 2.0  # seconds for one batch, the exporter's own retries included
    delay: float = 1.0  # seconds between batches
    queue: int = 2048  # spans; ten seconds at the gate's ceilings
    batch: int = 512


class Exporter(Protocol):
    """The part of OpenTelemetry's span exporter that we use."""

    def export(self, spans: Sequence["ReadableSpan"], /) -> Any:
        """Send a batch; the answer's ``name`` is SUCCESS or FAILURE."""

    def shutdown(self) -> None:
        """Let go of what it holds."""


class Post:
    """Carries ended spans to the Collector in a thread of its own. Whatever the Collector does, nobody waits for it."""

    def __init__(
        self,
        settings: ExportSettings,
        connect: Callable[[ExportSettings], Exporter] | None = None,
        *,
        lost: Callable[[str, int], None] = lambda _reason, _count: None,
    ) -> None:
        """``connect`` makes the exporter, by default OTLP; ``lost`` hears of each failed batch, in the thread."""
        self.exported = 0
        self.full = False  # while another span would be lost
        self.lost = dict.fromkeys(names.SPAN_LOSSES, 0)  # by reason
        self._settings = settings
        self._connect = connect or otlp_exporter
        self._tell_lost = lost
        self._waiting: deque[Span] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._exporter: Exporter | None = None

    def put(self, span: Span) -> None:
        """Queue it; a full queue loses it."""
        if len(self._waiting) >= self._settings.queue:
            self.full = True
            self.lost["queue_full"] += 1
            return
        self._waiting.append(span)
        waiting = len(self._waiting)
        self.full = waiting >= self._settings.queue
        if waiting == self._settings.batch:
            self._wake.set()

    def start(self) -> None:
        """Import OpenTelemetry, which takes some 0.2 s, and begin to send."""
        self._exporter = self._connect(self._settings)
        self._thread = threading.Thread(target=self._run, name="span export", daemon=True)
        self._thread.start()

    def begin_stop(self) -> None:
        """Send what waits, then end; see ``stopped``."""
        self._stopping.set()
        self._wake.set()

    @property
    def stopped(self) -> bool:
        """True when everything is sent, or nothing was ever begun."""
        return self._thread is None or self._done.is_set()

    def abandon(self) -> None:
        """The deadline is over: what still waits is lost, the thread is left to itself."""
        self.lost["stopped"] += len(self._waiting)
        self._waiting.clear()
        library = logging.getLogger("opentelemetry")  # what it has to say now, nobody writes any more
        library.addHandler(logging.NullHandler())
        library.propagate = False
        if self._exporter is not None:
            threading.Thread(target=self._exporter.shutdown, name="span export end", daemon=True).start()

    def _run(self) -> None:
        convert = Converter(self._settings)
        while not self._stopping.is_set():
            self._wake.wait(self._settings.delay)
            self._wake.clear()
            self._send_all(convert)
        self._send_all(convert)
        self._done.set()

    def _send_all(self, convert: "Converter") -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._settings.batch))]
            self.full = False
            if self._send([convert(span) for span in batch]):
                self.exported += len(batch)
            else:
                self.lost["export_failed"] += len(batch)
                self._tell_lost("export_failed", len(batch))

    def _send(self, spans: Sequence["ReadableSpan"]) -> bool:
        assert self._exporter is not None, "started without an exporter"
        try:
            return bool(self._exporter.export(spans).name == "SUCCESS")
        except Exception:  # noqa: BLE001 - whatever the Collector answered, it is a loss and no more
            return False


class Converter:
    """Our spans as OpenTelemetry's. The only place that knows its classes; used by the export thread alone."""

    def __init__(self, settings: ExportSettings) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        self._resource = Resource(
            {
                "service.name": settings.service_name,
                "service.version": settings.service_version,
                "service.instance.id": settings.instance,
                "telemetry.sdk.language": "python",
                "telemetry.sdk.name": "opentelemetry",
            }
        )
        self._scope = InstrumentationScope("heliograph", settings.service_version)
        self._make = ReadableSpan
        self._kinds = {kind.name.lower(): kind for kind in trace.SpanKind}
        self._good = trace.Status()
        self._error = partial(trace.Status, trace.StatusCode.ERROR)
        self._context = partial(trace.SpanContext, trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED))
        self._link = trace.Link

    def __call__(self, span: Span) -> "ReadableSpan":
        parent, context = span.parent, self._context
        return self._make(
            name=span.name.name,
            context=context(*span.link, is_remote=False),
            parent=parent and context(*parent[:2], is_remote=isinstance(parent, Parent)),
            resource=self._resource,
            attributes=span.attributes,
            links=[self._link(context(*link, is_remote=False)) for link in span.links],
            kind=self._kinds[span.name.kind],
            status=self._error(span.error) if span.error else self._good,
            start_time=span.start,
            end_time=span.end,
            instrumentation_scope=self._scope,
        )


def otlp_exporter(settings: ExportSettings) -> Exporter:
    """OTLP over HTTP, or over gRPC when asked."""
    if settings.protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter

        plain = not settings.endpoint.startswith("https:")
        return GrpcExporter(endpoint=settings.endpoint, insecure=plain, timeout=settings.timeout)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter

    path = "" if settings.endpoint.endswith("/v1/traces") else "/v1/traces"
    return HttpExporter(endpoint=settings.endpoint.rstrip("/") + path, timeout=settings.timeout)
