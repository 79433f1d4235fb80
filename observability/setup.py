"""Builds telemetry from settings, starts it, and flushes it at the end within a deadline."""

import asyncio
import logging
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from observability import names
from observability.logs import LibraryLines, Log, LogSettings, make_log
from observability.metrics import Registry, Words
from observability.names import Figure
from observability.observers.access import AccessObserver, SilentAccessObserver
from observability.observers.api import ApiObserver, SilentApiObserver
from observability.observers.broker import BrokerObserver, SilentBrokerObserver
from observability.observers.channels import ChannelsObserver, SilentChannelsObserver
from observability.observers.connections import ConnectionsObserver, SilentConnectionsObserver
from observability.observers.door import DoorObserver, SilentDoorObserver
from observability.observers.emulation import EmulationObserver, SilentEmulationObserver
from observability.observers.instruments import Instruments
from observability.observers.outside import OutsideObserver, SilentOutsideObserver
from observability.observers.presence import PresenceObserver, SilentPresenceObserver
from observability.observers.receivers import ReceiversObserver, SilentReceiversObserver
from observability.observers.service import ServiceObserver, SilentServiceObserver
from observability.observers.upgrade import SilentUpgradeObserver, UpgradeObserver
from observability.runtime import Collector, LoopWatch, Process, Runtime
from observability.sampling import Gate, SamplingSettings
from observability.tracing import Carrier, ExportSettings, Post, Tracer

FLUSH = 2.0  # seconds for the last spans and lines


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """What is told, and to whom."""

    service_name: str = "heliograph"
    version: str = ""
    instance: str = ""
    otlp_endpoint: str = ""  # empty: no traces, and OpenTelemetry is not imported
    otlp_protocol: str = "http"  # or grpc
    log_level: str = "info"
    log_stdout: bool = True
    log_file: str = ""  # written beside stdout
    sampling: SamplingSettings = SamplingSettings()
    namespaces: tuple[str, ...] = ()  # that metrics tell by name; the others are told together
    slow_message: float = 0.25  # seconds from accept to the kernel; slower ones get a span and a line
    enabled: bool = True  # False: nothing is told to anybody (for measurements)


class Stoppable(Protocol):
    """Something with a thread of its own."""

    def begin_stop(self) -> None:
        """Finish what waits, then end."""

    @property
    def stopped(self) -> bool:
        """True when it has ended."""


@dataclass(slots=True)
class Telemetry:
    """One process's observers, one a room, and what stands behind them."""

    registry: Registry
    log: Log
    runtime: Runtime
    upgrade: UpgradeObserver
    connections: ConnectionsObserver
    channels: ChannelsObserver
    presence: PresenceObserver
    broker: BrokerObserver
    api: ApiObserver
    service: ServiceObserver
    access: AccessObserver
    outside: OutsideObserver
    door: DoorObserver
    receivers: ReceiversObserver
    emulation: EmulationObserver
    post: Post | None = None
    tracing: bool = False  # whether ``traceparent`` is worth passing on

    async def start(self) -> None:
        """Begin to write and to watch; imports the exporter when there is an endpoint."""
        for sink in self.log.sinks:
            sink.start()
        self._library_lines(begin=True)
        if self.post is not None:
            self.post.start()
        self.runtime.start()
        asyncio.get_running_loop().set_exception_handler(self._unexpected)

    async def stop(self, timeout: float = FLUSH) -> None:  # noqa: ASYNC109 - the threads cannot be cancelled
        """Flush spans, then lines; after ``timeout`` seconds what is left is left."""
        until = time.monotonic() + timeout
        self.runtime.stop()
        asyncio.get_running_loop().set_exception_handler(None)
        if self.post is not None:
            await _end([self.post], until - timeout / 4)  # a silent Collector leaves time for the lines
            if not self.post.stopped:
                self.post.abandon()
        self._library_lines(begin=False)
        await _end(self.log.sinks, until)

    def _unexpected(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An exception in a callback or a task nobody waited for."""
        error = context.get("exception")
        if isinstance(error, Exception):
            self.service.internal_error(str(context.get("message", "")), error)
        else:
            loop.default_exception_handler(context)

    def _library_lines(self, *, begin: bool) -> None:
        root = logging.getLogger()
        for handler in [h for h in root.handlers if isinstance(h, LibraryLines)]:
            root.removeHandler(handler)
        if begin and self.log.sinks:
            root.addHandler(LibraryLines(self.log))


async def _end(parts: "list[Post] | tuple[Stoppable, ...]", until: float) -> None:
    for part in parts:
        part.begin_stop()
    while not all(part.stopped for part in parts) and time.monotonic() < until:  # noqa: ASYNC110 - threads set no Event
        await asyncio.sleep(0.01)


def build(settings: TelemetrySettings, words: Words | None = None) -> Telemetry:
    """Telemetry by settings; ``words`` are the closed label values that the service owns."""
    if not settings.enabled:
        return silent()
    registry = Registry(words)
    log = make_log(
        LogSettings(
            level=settings.log_level,
            stdout=settings.log_stdout,
            file=settings.log_file,
            service=settings.service_name,
            instance=settings.instance,
        )
    )
    post = None
    if settings.otlp_endpoint:
        post = Post(_export_settings(settings), _otlp, lost=partial(_lost, log))
    return assemble(settings, registry, log, post)


def assemble(
    settings: TelemetrySettings, registry: Registry, log: Log, post: Post | None, *, strict: bool = False
) -> Telemetry:
    """The observers around given parts; ``strict`` as in ``Tracer``."""
    instruments = Instruments(
        registry,
        log,
        Gate(settings.sampling, random.random),
        None if post is None else Tracer(post, strict=strict),
        slow=settings.slow_message,
    )
    process = Process()
    registry.add_source(process.figures)
    registry.add_source(lambda: _log_figures(log))
    if post is not None:
        registry.add_source(lambda: _span_figures(post))
    runtime = Runtime(LoopWatch(registry, log, chore=process.count_descriptors), Collector(registry))
    if instruments.tracer is not None:
        instruments.tracer.stall_within = runtime.loop.within
    return Telemetry(
        registry,
        log,
        runtime,
        UpgradeObserver(instruments, runtime.connection_opened),
        ConnectionsObserver(instruments),
        ChannelsObserver(instruments),
        PresenceObserver(instruments),
        BrokerObserver(instruments),
        ApiObserver(instruments),
        ServiceObserver(instruments, settings.version),
        AccessObserver(instruments),
        OutsideObserver(instruments),
        DoorObserver(instruments),
        ReceiversObserver(instruments),
        EmulationObserver(instruments),
        post,
        tracing=post is not None,
    )


def silent() -> Telemetry:
    """Tells nobody anything; the runtime's policies stay, since they are no telemetry."""
    registry = Registry()
    log = Log(LogSettings(stdout=False), ())
    runtime = Runtime(LoopWatch(registry, log), Collector(registry))
    return Telemetry(
        registry,
        log,
        runtime,
        SilentUpgradeObserver(runtime.connection_opened),
        SilentConnectionsObserver(),
        SilentChannelsObserver(),
        SilentPresenceObserver(),
        SilentBrokerObserver(),
        SilentApiObserver(),
        SilentServiceObserver(),
        SilentAccessObserver(),
        SilentOutsideObserver(),
        SilentDoorObserver(),
        SilentReceiversObserver(),
        SilentEmulationObserver(),
    )


def _export_settings(settings: TelemetrySettings) -> ExportSettings:
    return ExportSettings(
        endpoint=settings.otlp_endpoint,
        protocol=settings.otlp_protocol,
        service_name=settings.service_name,
        service_version=settings.version,
        instance=settings.instance,
    )


def _otlp(settings: ExportSettings) -> Carrier:
    from observability import otlp

    return otlp.connect(settings)


def _lost(log: Log, reason: str, count: int) -> None:
    log.write(names.SPANS_LOST, reason=reason, count=count)


def _log_figures(log: Log) -> Iterator[Figure]:
    for sink in log.sinks:
        yield Figure(names.LOGS_DROPPED.name, (sink.name,), sink.dropped)


def _span_figures(post: Post) -> Iterator[Figure]:
    yield Figure(names.SPANS_EXPORTED.name, (), post.exported)
    for reason, count in post.lost.items():
        yield Figure(names.SPANS_DROPPED.name, (reason,), count)
