"""Traces without a tracer on the hot path: a span is a small record, made when it has ended, sent by a thread.

OpenTelemetry is imported only when there is a Collector to send to (``Post.start``, ``otlp.py``). The SDK's own batch
processor is not used: it drops without a count, does not tell when its queue is full, and takes up to 30 s to stop
while the Collector is down. Here the queue is bounded, every loss has a reason, and stopping has our deadline.
"""

import hashlib
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import getrandbits
from typing import NamedTuple, Protocol

from observability import names, span_names
from observability.field_names import ATTRIBUTES
from observability.names import LogEvent
from observability.span_names import SpanName

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

    __slots__ = ("audience", "began", "by", "channel", "link", "parent", "trace_id", "traceparent")

    def __init__(
        self, link: Link, parent: Parent | None, by: str, channel: str, audience: int, *, began: float
    ) -> None:
        """``began`` in wall seconds: what follows from the publication is never drawn before it."""
        self.began = began
        self.link = link
        self.parent = parent
        self.by = by
        self.channel = channel
        self.audience = audience
        self.trace_id = f"{link.trace_id:032x}"
        self.traceparent = format_traceparent(link)


class SpanEvent(NamedTuple):
    """Something that happened while a span was under way."""

    name: str  # of the log event that says the same
    at: int  # nanoseconds since the epoch
    attributes: Attributes


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
    events: Sequence[SpanEvent] = ()


class Postbox(Protocol):
    """Who takes ended spans."""

    def put(self, span: Span) -> None:
        """Take it or lose it, at once."""

    full: bool  # while another span would be lost


class Tracer:
    """Makes spans of happenings that have ended."""

    __slots__ = ("_post", "_strict", "_wall", "stall_within")

    def __init__(
        self,
        post: Postbox,
        *,
        wall: Callable[[], int] = time.time_ns,
        strict: bool = False,
    ) -> None:
        """``strict`` is for tests: an undeclared span or attribute is an AssertionError."""
        self._post = post
        self._wall = wall
        self._strict = strict
        self.stall_within: Callable[[float], tuple[float, float, str] | None] = lambda _seconds: None
        """The stall of the event loop in the last seconds: how long ago it began, how long it was, and where."""

    @property
    def full(self) -> bool:
        """True while a span would be lost: no use in making one."""
        return self._post.full

    def now(self) -> float:
        """Wall seconds, as spans are stamped."""
        return self._wall() / 1e9

    def begin(self, parent: Parent | Link | None = None) -> Link:
        """Draw the place of a span, in its parent's trace or in a new one."""
        trace_id = parent.trace_id if parent is not None else getrandbits(128) or 1
        return Link(trace_id, getrandbits(64) or 1)

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
        at: float | None = None,
        happened: tuple[LogEvent, Attributes] | None = None,
    ) -> None:
        """The span at ``link`` ends now, or ended ``at`` wall seconds, ``seconds`` after its beginning.

        ``error`` says in a word what went wrong, ``happened`` what ended it, as an event of the span.
        """
        if self._strict:
            assert name.name in span_names.SPANS, f"span {name.name} is not declared"
            used = set(attributes) if happened is None else {*attributes, *happened[1]}
            assert used <= set(ATTRIBUTES), f"{used - set(ATTRIBUTES)} not declared"
        end = self._wall() if at is None else int(at * 1e9)
        if error:
            attributes = {**attributes, "error.type": error}
        start = end - int(seconds * 1e9)
        stall = self.stall_within(seconds)
        events = [] if stall is None else [_stalled(end, *stall)]
        if happened is not None:
            events.append(SpanEvent(happened[0].name, end, happened[1]))
        self._post.put(Span(name, link, parent, start, end, attributes, links, error, events))


def _stalled(now: int, ago: float, seconds: float, where: str) -> SpanEvent:
    attributes: Attributes = {"heliograph.stall.seconds": seconds, "code.location": where or "unknown"}
    return SpanEvent(names.LOOP_STALLED.name, now - int(ago * 1e9), attributes)


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """Where the spans go."""

    endpoint: str  # e.g. http://127.0.0.1:4318
    protocol: str = "http"  # or grpc
    service_name: str = "heliograph"
    service_version: str = ""
    instance: str = ""
    timeout: float = 2.0  # seconds for one batch
    delay: float = 1.0  # seconds between batches
    queue: int = 2048  # spans; ten seconds at the gate's ceilings
    batch: int = 512


class Carrier(Protocol):
    """Brings batches to the Collector; called from one thread."""

    def send(self, spans: Sequence[Span], /) -> int:
        """How many of them the Collector took; any exception means none."""

    def close(self) -> None:
        """Let go of the connection, also from another thread while ``send`` is under way."""


class Post:
    """Carries ended spans to the Collector in a thread of its own. Whatever the Collector does, nobody waits for it."""

    def __init__(
        self,
        settings: ExportSettings,
        connect: Callable[[ExportSettings], Carrier],
        *,
        lost: Callable[[str, int], None] = lambda _reason, _count: None,
    ) -> None:
        """``connect`` makes the carrier (``otlp.connect``); ``lost`` hears of lost batches and why, in the thread."""
        self.exported = 0
        self.full = False  # while another span would be lost
        self.lost = dict.fromkeys(names.SPAN_LOSSES, 0)  # by reason
        self._settings = settings
        self._connect = connect
        self._tell_lost = lost
        self._waiting: deque[Span] = deque()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._carrier: Carrier | None = None

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
        """Make the carrier, which imports its library, and begin to send."""
        self._carrier = self._connect(self._settings)
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
        if self._carrier is not None:
            threading.Thread(target=self._carrier.close, name="span export end", daemon=True).start()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(self._settings.delay)
            self._wake.clear()
            self._send_all()
        self._send_all()
        self._done.set()

    def _send_all(self) -> None:
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._settings.batch))]
            self.full = False
            taken, why = self._send(batch)
            self.exported += taken
            if taken < len(batch):
                self.lost["export_failed"] += len(batch) - taken
                self._tell_lost(why, len(batch) - taken)

    def _send(self, batch: Sequence[Span]) -> tuple[int, str]:
        """How many were taken, and why not all; a second try covers a Collector that is being restarted."""
        taken, why = self._try(batch)
        if not taken and not self._stopping.wait(self._settings.delay):
            taken, why = self._try(batch)
        return taken, why

    def _try(self, batch: Sequence[Span]) -> tuple[int, str]:
        assert self._carrier is not None, "started without a carrier"
        try:
            return self._carrier.send(batch), "the Collector took only a part"
        except Exception as fault:  # noqa: BLE001 - whatever the Collector did, it is a loss and no more
            return 0, f"{type(fault).__name__}: {str(fault)[:200]}"
