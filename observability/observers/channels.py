"""Publications on their way: accepted, fanned out, delivered, late, dropped; subscribers that join and leave.

Costs: ``publishing`` and ``published`` once a publication, ``fanned_out`` once a batch, ``delivered`` once a slice.
"""

from collections.abc import Iterator, Sequence

from observability import names, span_names
from observability.names import SERVER_FAULTS, Figure
from observability.observers.instruments import Instruments, shown
from observability.tracing import (
    Attributes,
    Link,
    Parent,
    PublishTrace,
    Tracer,
    parse_traceparent,
    trace_id_of,
)

LINKS = 8  # receivers a fan-out's span leads to
_CHANNEL = "messaging.destination.name"


class ChannelsObserver:
    """Tells of channels. ``slow`` is the limit in seconds above which a delivery deserves ``delivered_late``."""

    def __init__(self, instruments: Instruments) -> None:
        self.slow = instruments.slow
        self._all = instruments
        self._clock = instruments.clock
        registry = instruments.registry
        self._publications = registry.counter(names.PUBLICATIONS)
        self._errors = registry.counter(names.PUBLISH_ERRORS)
        self._seconds = registry.histogram(names.PUBLISH_SECONDS).child()
        self._faults = registry.counter(names.ERRORS).child("publish")
        self._fanout = registry.histogram(names.FANOUT_SECONDS).child()
        self._delivery = registry.histogram(names.DELIVERY_SECONDS).child()
        self._late = registry.counter(names.LATE)
        self._deltas = registry.counter(names.DELTAS)
        self._saved = registry.counter(names.DELTA_SAVED)
        self._subscribes = registry.counter(names.SUBSCRIBES).child()
        self._unsubscribes = registry.counter(names.UNSUBSCRIBES).child()
        self._recoveries = registry.counter(names.RECOVERIES_TOTAL)
        self._insufficient = registry.counter(names.INSUFFICIENT)
        registry.add_source(self._figures)

    def publishing(
        self,
        namespace: str,
        channel: str,
        audience: int,
        parent: str | None = None,
        *,
        via: str = "api",
        user: str = "",
    ) -> PublishTrace | None:
        """A publication was accepted. The trace, when sampled, has the ``traceparent`` for tags, broker and answer.

        Args:
            namespace: "" for none.
            channel: the channel.
            audience: subscribers on this node, as last known.
            parent: ``traceparent`` of the caller.
            via: "api" or "client".
            user: who publishes, for the allow-list.

        """
        del namespace, via  # told by ``published``
        tracer = self._all.tracer
        if tracer is None:
            return None
        gate, now = self._all.gate, self._clock()
        if now < gate.traces.empty_until:
            return None  # the usual answer where it is asked thousands of times a second
        caller = None if parent is None else parse_traceparent(parent)
        flagged = caller is not None and caller.sampled
        by = gate.message(audience, now, channel, user, flagged)
        if not by or tracer.full:
            return None
        self._all.sampled(by)
        return PublishTrace(tracer.begin(caller), caller, by, channel, audience, began=tracer.now())

    def published(
        self, trace: PublishTrace | None, namespace: str, via: str, seconds: float, *, offset: int = 0
    ) -> None:
        """It has its place in the stream, ``seconds`` after it was accepted."""
        self._publications.by[namespace, via].value += 1
        if trace is None:
            self._seconds.soon(seconds)
        else:
            self._seconds.observe(seconds, 1, trace.trace_id)
            self._published_span(trace, namespace, via, seconds, offset)

    def publish_failed(
        self,
        trace: PublishTrace | None,
        namespace: str,
        via: str,
        code: int,
        *,
        seconds: float = 0.0,
        channel: str = "",
    ) -> None:
        """It was refused or failed; ``code`` is the reply code. Also for one that never came to ``publishing``."""
        self._errors.by[via, str(code)].value += 1
        fault = code in SERVER_FAULTS
        if fault:
            self._faults.value += 1
        channel = trace.channel if trace is not None else channel
        attributes = {**_messaging("publish", namespace), _CHANNEL: channel, "heliograph.publish.via": via}
        link = self._failed_span(trace, attributes, code, seconds) if fault or trace else None
        self._all.tell(
            names.MESSAGE_FAILED if fault else names.MESSAGE_REFUSED,
            link,
            namespace=shown(namespace),
            channel=channel,
            via=via,
            code=code,
            seconds=seconds,
        )

    def fanned_out(
        self,
        namespace: str,
        entries: int,
        members: int,
        seconds: float,
        *,
        traceparents: Sequence[str] = (),
        links: Sequence[Link] = (),
    ) -> None:
        """A batch went to all members.

        Args:
            namespace: "" for none.
            entries: publications in the batch.
            members: subscribers it went to.
            seconds: from the first slice to the last.
            traceparents: of the batch's sampled publications (their tags); each gets a span.
            links: of some receivers that were sampled when they connected; the first 8 are used.

        """
        if not traceparents:
            self._fanout.soon(seconds)
            return
        attributes: Attributes = {
            **_messaging("fanout", namespace),
            "messaging.batch.message_count": entries,
            "heliograph.receivers": members,
        }
        trace_id = None
        for traceparent in traceparents:
            trace_id = self._fanout_span(traceparent, attributes, seconds, links) or trace_id
        self._fanout.observe(seconds, 1, trace_id)

    def delivered(self, seconds: float, count: int, trace_id: str | None = None) -> None:
        """``count`` deliveries went to the kernel ``seconds`` after the publication was accepted."""
        if count == 1 and trace_id is None:
            self._delivery.soon(seconds)
        else:
            self._delivery.observe(seconds, count, trace_id)

    def delivered_late(
        self,
        namespace: str,
        seconds: float,
        count: int,
        traceparent: str | None = None,
        *,
        channel: str = "",
        entry_id: int = 0,
    ) -> None:
        """As ``delivered``, for more than ``slow`` seconds: makes a late span (call it instead of ``delivered``).

        Args:
            namespace: "" for none.
            seconds: from accept to the kernel.
            count: deliveries.
            traceparent: of the publication, None when it was not sampled.
            channel: the channel.
            entry_id: the publication's id; nodes draw the same trace id from it.

        """
        tracer = self._all.late_tracer()
        attributes: Attributes = {
            **_messaging("deliver", namespace),
            _CHANNEL: channel,
            "heliograph.delivery.seconds": seconds,
            "heliograph.receivers": count,
        }
        link = None if tracer is None else _late_span(tracer, attributes, seconds, traceparent, entry_id)
        trace_id = None if link is None else f"{link.trace_id:032x}"
        self._late.by[namespace].value += count
        self._delivery.observe(seconds, count, trace_id)
        self._all.tell(
            names.MESSAGE_LATE, link, namespace=shown(namespace), channel=channel, seconds=seconds, count=count
        )

    def joined(self, namespace: str, recovery: str = "none") -> None:
        """A subscriber came; ``recovery`` is "none", "recovered" or "told" (that something is missing)."""
        self._subscribes.value += 1
        if recovery != "none":
            self._recoveries.by[namespace, recovery].value += 1

    def left(self, count: int = 1) -> None:
        """Subscribers went."""
        self._unsubscribes.value += count

    def dropped(self, namespace: str, cause: str, count: int, channel: str = "") -> None:
        """Subscribers did not get ``count`` messages; ``cause`` is one of ``names.DROP_CAUSES``. The ledger counts."""
        self._all.tell(names.MESSAGES_DROPPED, namespace=shown(namespace), cause=cause, count=count, channel=channel)

    def delta(self, namespace: str, deltas: int, messages: int, saved: int, members: int) -> None:
        """A batch of ``messages`` goes to ``members`` as deltas, which are ``saved`` bytes shorter."""
        self._deltas.by["delta"].value += deltas * members
        self._deltas.by["full"].value += (messages - deltas) * members
        self._saved.by[namespace].value += saved * members

    def gap(self, namespace: str, channel: str) -> None:
        """A subscriber is told that its position was lost."""
        self._insufficient.by[namespace].value += 1
        self._all.tell(names.CHANNEL_GAP, namespace=shown(namespace), channel=channel)

    def _figures(self) -> Iterator[Figure]:
        """What other numbers know already is not counted again on the way."""
        yield Figure(names.REQUESTS.name, ("publish",), self._publications.total() + self._errors.total())

    def _published_span(self, trace: PublishTrace, namespace: str, via: str, seconds: float, offset: int) -> None:
        attributes: Attributes = {
            **_messaging("publish", namespace),
            _CHANNEL: trace.channel,
            "heliograph.publish.via": via,
            "heliograph.publish.offset": offset,
            "heliograph.audience": trace.audience,
            "heliograph.sampled_by": trace.by,
        }
        tracer = self._all.tracer
        assert tracer is not None, "a publication was sampled without a tracer"
        at = trace.began + seconds
        tracer.ended(span_names.PUBLISH_SPAN, trace.link, seconds, attributes, parent=trace.parent, at=at)
        self._all.tell(
            names.MESSAGE_PUBLISHED,
            trace.link,
            namespace=shown(namespace),
            channel=trace.channel,
            via=via,
            offset=offset,
            audience=trace.audience,
            seconds=seconds,
        )

    def _failed_span(
        self, trace: PublishTrace | None, attributes: Attributes, code: int, seconds: float
    ) -> Link | None:
        tracer = self._all.tracer if trace is not None else self._all.late_tracer()
        if tracer is None:
            return None
        link, parent = (trace.link, trace.parent) if trace is not None else (tracer.begin(), None)
        at = None if trace is None else trace.began + seconds
        tracer.ended(span_names.PUBLISH_SPAN, link, seconds, attributes, parent=parent, error=str(code), at=at)
        return link

    def _fanout_span(
        self, traceparent: str, attributes: Attributes, seconds: float, links: Sequence[Link]
    ) -> str | None:
        tracer = self._all.open_tracer()
        parent = parse_traceparent(traceparent)
        if tracer is None or parent is None or not self._all.gate.fanout(self._clock()):
            return None
        link = tracer.begin(parent)
        tracer.ended(span_names.FANOUT_SPAN, link, seconds, attributes, parent=_near(parent), links=links[:LINKS])
        return f"{link.trace_id:032x}"


def _late_span(tracer: Tracer, attributes: Attributes, seconds: float, traceparent: str | None, entry_id: int) -> Link:
    parent = parse_traceparent(traceparent)
    origin = Link(trace_id_of(entry_id), 0) if entry_id else None
    link = tracer.begin(parent or origin)
    near = None if parent is None else _near(parent)
    tracer.ended(span_names.DELIVER_SPAN, link, seconds, attributes, parent=near)
    return link


def _near(parent: Parent) -> Link:
    """The publication's span as a parent in the same service."""
    return Link(parent.trace_id, parent.span_id)


def _messaging(operation: str, namespace: str) -> Attributes:
    return {
        "messaging.system": "heliograph",
        "messaging.operation.name": operation,
        "messaging.operation.type": "send",
        "messaging.destination.template": shown(namespace),
    }


class SilentChannelsObserver(ChannelsObserver):
    """Tells nobody."""

    slow = float("inf")

    def __init__(self) -> None:
        pass

    def publishing(
        self,
        namespace: str,
        channel: str,
        audience: int,
        parent: str | None = None,
        *,
        via: str = "api",
        user: str = "",
    ) -> PublishTrace | None:
        del namespace, channel, audience, parent, via, user
        return None

    def published(
        self, trace: PublishTrace | None, namespace: str, via: str, seconds: float, *, offset: int = 0
    ) -> None:
        pass

    def publish_failed(
        self,
        trace: PublishTrace | None,
        namespace: str,
        via: str,
        code: int,
        *,
        seconds: float = 0.0,
        channel: str = "",
    ) -> None:
        pass

    def fanned_out(
        self,
        namespace: str,
        entries: int,
        members: int,
        seconds: float,
        *,
        traceparents: Sequence[str] = (),
        links: Sequence[Link] = (),
    ) -> None:
        pass

    def delivered(self, seconds: float, count: int, trace_id: str | None = None) -> None:
        pass

    def delivered_late(
        self,
        namespace: str,
        seconds: float,
        count: int,
        traceparent: str | None = None,
        *,
        channel: str = "",
        entry_id: int = 0,
    ) -> None:
        pass

    def joined(self, namespace: str, recovery: str = "none") -> None:
        pass

    def left(self, count: int = 1) -> None:
        pass

    def dropped(self, namespace: str, cause: str, count: int, channel: str = "") -> None:
        pass

    def delta(self, namespace: str, deltas: int, messages: int, saved: int, members: int) -> None:
        pass

    def gap(self, namespace: str, channel: str) -> None:
        pass
