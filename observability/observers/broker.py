"""What the broker was asked, how long it took, and whether it did it."""

from collections.abc import Iterator

from observability import names, span_names
from observability.names import Figure
from observability.observers.instruments import Instruments
from observability.tracing import PublishTrace


class BrokerObserver:
    """Tells of the broker's operations; those are ``names.OPERATIONS``."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        self._operations = instruments.registry.counter(names.BROKER_OPERATIONS)
        self._seconds = instruments.registry.histogram(names.BROKER_SECONDS)
        instruments.registry.add_source(self._figures)

    def done(self, operation: str, seconds: float, trace: PublishTrace | None = None) -> None:
        """It did it, in ``seconds``; with a publish's trace a span is made."""
        if trace is None:
            self._seconds.by[operation].soon(seconds)
        else:
            self._seconds.by[operation].observe(seconds, 1, trace.trace_id)
            self._span(operation, seconds, trace, "")

    def failed(self, operation: str, seconds: float, reason: str, trace: PublishTrace | None = None) -> None:
        """It did not; ``reason`` is a few words for the log."""
        self._operations.by[operation, "failed"].value += 1
        if trace is not None:
            self._span(operation, seconds, trace, reason)
        link = None if trace is None else trace.link
        self._all.tell(names.BROKER_FAILED, link, operation=operation, reason=reason, seconds=seconds)

    def _figures(self) -> Iterator[Figure]:
        """The histogram has counted already what was done."""
        for (operation,), histogram in self._seconds.series.items():
            yield Figure(names.BROKER_OPERATIONS.name, (operation, "done"), histogram.value)

    def _span(self, operation: str, seconds: float, trace: PublishTrace, error: str) -> None:
        tracer = self._all.tracer
        if tracer is None or operation != "publish":
            return
        attributes = {"heliograph.broker.operation": operation, "messaging.destination.name": trace.channel}
        link = tracer.begin(trace.link)
        tracer.ended(span_names.BROKER_SPAN, link, seconds, attributes, parent=trace.link, error=error)


class SilentBrokerObserver(BrokerObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def done(self, operation: str, seconds: float, trace: PublishTrace | None = None) -> None:
        pass

    def failed(self, operation: str, seconds: float, reason: str, trace: PublishTrace | None = None) -> None:
        pass
