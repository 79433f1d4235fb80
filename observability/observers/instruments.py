"""What every observer is built from, and what several of them do alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from observability import names
from observability.flight_recorder import FlightRecorder
from observability.logs import Log
from observability.metrics import Counter, Family, Registry
from observability.names import LogEvent
from observability.sampling import Gate
from observability.tracing import Link, Tracer


@dataclass(slots=True)
class Instruments:
    """Registry, log, gate and tracer of one process; ``tracer`` is None while there is no Collector."""

    registry: Registry
    log: Log
    gate: Gate
    tracer: Tracer | None = None
    clock: Callable[[], float] = time.monotonic
    slow: float = 0.25  # seconds; a delivery above it is late
    recorder: FlightRecorder = field(default_factory=FlightRecorder)
    _sampled: Family[Counter] = field(init=False)

    def __post_init__(self) -> None:
        self._sampled = self.registry.counter(names.TRACES_SAMPLED)

    def open_tracer(self) -> Tracer | None:
        """The tracer while there is room for spans."""
        tracer = self.tracer
        return None if tracer is None or tracer.full else tracer

    def late_tracer(self) -> Tracer | None:
        """The tracer when something slow or failed may still be traced; counts it as a trace."""
        tracer = self.open_tracer()
        if tracer is None or not self.gate.late(self.clock()):
            return None
        self.sampled("late")
        return tracer

    def refusal_tracer(self) -> Tracer | None:
        """The tracer when somebody who was not let in may still be traced; counts it as a trace."""
        tracer = self.open_tracer()
        if tracer is None or not self.gate.refusal(self.clock()):
            return None
        self.sampled("late")
        return tracer

    def sampled(self, by: str) -> None:
        """A trace began."""
        self._sampled.by[by].value += 1

    def tell(self, event: LogEvent, link: Link | None = None, **fields: object) -> None:
        """A log line, with the ids of a span."""
        if link is not None:
            fields["trace_id"] = f"{link.trace_id:032x}"
            fields["span_id"] = f"{link.span_id:016x}"
        self.log.write(event, **fields)


class Requests:
    """What was asked of us and what of it failed by our fault: the error rate of one kind of requests."""

    __slots__ = ("_errors", "_requests")

    def __init__(self, registry: Registry, kind: str) -> None:
        self._requests: Counter = registry.counter(names.REQUESTS).child(kind)
        self._errors: Counter = registry.counter(names.ERRORS).child(kind)

    def answered(self, *, fault: bool) -> None:
        """One request was answered."""
        self._requests.value += 1
        if fault:
            self._errors.value += 1


def shown(namespace: str) -> str:
    """The namespace as logs and spans show it."""
    return namespace or names.NO_NAMESPACE
