"""What receivers say themselves: receipts of messages, and reports of what they measured. None of it is trusted."""

from observability import names, span_names
from observability.observers.instruments import Instruments, shown
from observability.tracing import Attributes, Link, Parent, parse_traceparent

LONGEST = 128  # characters of a client's words in a log line


class ReceiversObserver:
    """Tells of what clients say about what they received."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        registry = instruments.registry
        self._receipts = registry.counter(names.RECEIPTS)
        self._resumed = registry.counter(names.RECEIPT_RESUMES).child()
        self._redelivered = registry.counter(names.REDELIVERIES).child()
        self._reports = registry.counter(names.REPORTS)
        self._unmeasured = registry.counter(names.UNMEASURED)
        self._seen = registry.counter(names.CLIENT_DISCONNECTS)
        self._seconds = registry.histogram(names.RECEIVE_SECONDS).child()

    def receipt(self, namespace: str, result: str) -> None:
        """A receipt came; ``result`` is one of ``names.RECEIPT_RESULTS``."""
        self._receipts.by[result].value += 1
        if result == "refused":
            self._all.tell(names.RECEIVER_REFUSED, namespace=shown(namespace), reason="receipt")

    def resumed(self) -> None:
        """A subscriber goes on where its user's receipts end."""
        self._resumed.value += 1

    def redelivered(self, namespace: str, channel: str, messages: int) -> None:
        """A subscriber has to come back for messages that it did not confirm in time."""
        self._redelivered.value += 1
        self._all.tell(names.MESSAGE_UNCONFIRMED, namespace=shown(namespace), channel=channel, count=messages)

    def reported(self, result: str) -> None:
        """A report came; ``result`` is one of ``names.REPORT_RESULTS``."""
        self._reports.by[result].value += 1
        if result != "accepted":
            self._all.tell(names.RECEIVER_REFUSED, reason=f"report {result}")

    def unmeasured(self, reason: str) -> None:
        """A report told of a message that says nothing; ``reason`` is one of ``names.UNMEASURED_REASONS``."""
        self._unmeasured.by[reason].value += 1

    def received(
        self,
        namespace: str,
        seconds: float,
        *,
        channel: str,
        traceparent: str = "",
        at: float = 0.0,
        error: float = 0.0,
        receiver: Link | None = None,
    ) -> None:
        """A client had a message ``seconds`` after it was accepted, give or take ``error``, by its own words.

        Args:
            namespace: "" for none.
            seconds: from accept to the client.
            channel: the channel.
            traceparent: of the message, "" when it was not sampled; it gets a span then.
            at: when it had it, by our clock: wall seconds.
            error: of the comparison of the clocks.
            receiver: the receiver's ``websocket.connect`` span, when that was sampled.

        """
        parent = parse_traceparent(traceparent)
        trace_id = None if parent is None else f"{parent.trace_id:032x}"
        self._seconds.observe(seconds, 1, trace_id)
        if parent is not None:
            attributes: Attributes = {
                "messaging.system": "heliograph",
                "messaging.operation.name": "receive",
                "messaging.operation.type": "receive",
                "messaging.destination.template": shown(namespace),
                "messaging.destination.name": channel,
                "heliograph.receive.seconds": seconds,
                "heliograph.clock.error_seconds": error,
            }
            self._span(parent, attributes, seconds, at, () if receiver is None else (receiver,))

    def lost(self, seen: str, code: int, reason: str, seconds: float, connection_id: str) -> None:
        """A client tells how its last connection ended, ``seconds`` before it was back; ``seen``: of ``names.SEEN``."""
        self._seen.by[seen].value += 1
        self._all.tell(
            names.RECEIVER_DISCONNECTED,
            connection_id=connection_id,
            cause=seen,
            code=code,
            reason=reason[:LONGEST],
            seconds=seconds,
        )

    def _span(self, parent: Parent, attributes: Attributes, seconds: float, at: float, links: tuple[Link, ...]) -> None:
        tracer = self._all.late_tracer()
        if tracer is not None:
            near = Link(parent.trace_id, parent.span_id)
            tracer.ended(
                span_names.RECEIVE_SPAN, tracer.begin(parent), seconds, attributes, parent=near, links=links, at=at
            )


class SilentReceiversObserver(ReceiversObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def receipt(self, namespace: str, result: str) -> None:
        pass

    def resumed(self) -> None:
        pass

    def redelivered(self, namespace: str, channel: str, messages: int) -> None:
        pass

    def reported(self, result: str) -> None:
        pass

    def unmeasured(self, reason: str) -> None:
        pass

    def received(
        self,
        namespace: str,
        seconds: float,
        *,
        channel: str,
        traceparent: str = "",
        at: float = 0.0,
        error: float = 0.0,
        receiver: Link | None = None,
    ) -> None:
        pass

    def lost(self, seen: str, code: int, reason: str, seconds: float, connection_id: str) -> None:
        pass
