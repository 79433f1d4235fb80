"""The life of a connection: greeting, commands, heartbeats, slowness, end."""

from collections.abc import Iterator
from typing import Any

import msgspec

from observability import names, span_names
from observability import recorder_names as noted
from observability.flight_recorder import NOBODY, FlightRecorder
from observability.flight_recorder import command as command_event
from observability.names import SERVER_FAULTS, Figure
from observability.observers.instruments import Instruments, Requests
from observability.observers.upgrade import Upgrade
from observability.tracing import Attributes, Link, Tracer

_GONE = ("client_closed", "network_lost")
_RECORDED_COMMANDS = frozenset(("subscribe", "unsubscribe", "refresh", "sub_refresh"))
_INNER = ("link", "connected", "place", "abnormal", "network", "verdict")  # of a story: no fields of its line
_RECORD = ("connection_id", "user", "code", "cause", "network", "verdict")


class Greeting:
    """101 until the connect reply; kept by the connection until it is connected or gone."""

    __slots__ = ("started", "told", "upgrade")

    def __init__(self, started: float, upgrade: Link | None = None) -> None:
        self.started = started
        self.upgrade = upgrade
        self.told = False  # its result is counted


class ConnectionStory(msgspec.Struct, kw_only=True, gc=False):
    """All that one line says about a connection that has ended; what is 0 or empty is left out of it."""

    connection_id: str
    code: int
    cause: str
    initiator: str  # client, server or network
    lifetime: float  # seconds since the 101
    connected: bool = True  # the greeting succeeded
    reason: str = ""
    user: str = ""
    transport: str = "websocket"
    protocol: str = "json"
    client: str = ""  # name and version that the SDK gave
    address: str = ""
    link: Link | None = None
    sent: int = 0
    received: int = 0
    subscriptions: int = 0
    queued_bytes: int = 0
    place: int = NOBODY  # in the flight recorder, which knows the sums
    abnormal: bool = False  # its events are told, too
    network: dict[str, Any] | None = None  # what TCP said
    verdict: str = ""  # who kept things waiting


class ConnectionsObserver:
    """Tells of connections."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        self.recorder = instruments.recorder
        self._clock = instruments.clock
        registry = instruments.registry
        self._greetings = registry.counter(names.GREETINGS)
        self._connected = self._greetings.child("connected")
        self._connect = registry.histogram(names.CONNECT_SECONDS).child()
        self._commands = registry.counter(names.COMMANDS_TOTAL)
        quiet = [method for method in names.COMMANDS if method not in _RECORDED_COMMANDS]
        self._done = {method: self._commands.child(method, "0") for method in quiet}
        self._messages = registry.counter(names.MESSAGES_RECEIVED).child()
        self._bytes = registry.counter(names.MESSAGE_BYTES_RECEIVED).child()
        self._pings = registry.counter(names.PINGS).child()
        self._pongs = registry.counter(names.PONGS).child()
        self._missed = registry.counter(names.HEARTBEATS_MISSED).child()
        self._late = registry.counter(names.HEARTBEATS_LATE).child()
        self._rtt = registry.histogram(names.HEARTBEAT_RTT).child()
        self._adapted = registry.counter(names.HEARTBEATS_ADAPTED)
        self._closed = registry.counter(names.CONNECTIONS_CLOSED)
        for row in registry.words.ends:  # from 0 on: ``increase`` does not see a series begin at 1
            self._closed.child(*row)
        self._lifetime = registry.histogram(names.CONNECTION_LIFETIME).child()
        self._connects = Requests(registry, "connect")
        self._faults = registry.counter(names.ERRORS).child("command")
        registry.add_source(self._figures)

    def greeting(self, upgrade: Upgrade, place: int = NOBODY) -> Greeting:
        """The transport is ours; the greeting begins. ``place`` is the connection's in the flight recorder."""
        self.recorder.open(place)
        self.recorder.note(place, noted.UPGRADED)
        return Greeting(self._clock(), upgrade.link)

    def connected(
        self, greeting: Greeting, connection_id: str, user: str, protocol: str, place: int = NOBODY
    ) -> Link | None:
        """The connect reply is written. Keep the link: later calls about this connection want it."""
        now = self._clock()
        seconds = now - greeting.started
        greeting.told = True
        self._connected.value += 1
        self.recorder.note(place, noted.CONNECTED, int(seconds * 1000))
        self._connects.answered(fault=False)
        tracer = self._all.open_tracer()
        if tracer is None or (greeting.upgrade is None and not self._wanted(user, now)):
            self._connect.observe(seconds)
            return None
        link = tracer.begin()
        self._connect.observe(seconds, 1, f"{link.trace_id:032x}")
        attributes = {"heliograph.connection.id": connection_id, "enduser.id": user, "heliograph.protocol": protocol}
        tracer.ended(span_names.CONNECT_SPAN, link, seconds, attributes, links=_links(greeting.upgrade))
        self._all.tell(
            names.CONNECTION_CONNECTED, link, connection_id=connection_id, user=user, protocol=protocol, seconds=seconds
        )
        return link

    def refused(
        self, greeting: Greeting, code: int, connection_id: str = "", cause: str = "", place: int = NOBODY
    ) -> None:
        """The connect command was answered with a reply error or a close code; or the client left before."""
        if greeting.told:
            return
        greeting.told = True
        self.recorder.note(place, noted.GREETING_REFUSED, code)
        fault = code in SERVER_FAULTS
        self._connects.answered(fault=fault)
        result = "failed" if fault else "abandoned" if cause in _GONE else "refused"
        self._greetings.by[result].value += 1
        link = self._refusal_span(greeting, code, connection_id, cause) if fault else None
        self._all.tell(
            names.CONNECTION_REFUSED, link or greeting.upgrade, connection_id=connection_id, code=code, cause=cause
        )

    def command(self, method: str, error: int = 0, connection_id: str = "", place: int = NOBODY, why: str = "") -> None:
        """A command was answered; ``error`` is the reply code, 0 for success, ``why`` our reason."""
        if not error and method in self._done:
            self._done[method].value += 1
            return
        if error or method in _RECORDED_COMMANDS:
            self.recorder.note(place, noted.COMMAND, command_event(method, error))
        self._commands.by[method, str(error) if error < names.BACKENDS_ERRORS else names.OTHER].value += 1
        if error in SERVER_FAULTS:
            self._faults.value += 1
            self._all.tell(names.COMMAND_FAILED, method=method, code=error, connection_id=connection_id)
        elif error and method != "connect":  # a greeting has a line of its own
            self._all.tell(names.COMMAND_REFUSED, method=method, code=error, reason=why, connection_id=connection_id)

    def received(self, messages: int, size: int, place: int = NOBODY) -> None:
        """WebSocket messages came, ``size`` payload bytes together."""
        self.recorder.received(place, size)
        self._messages.value += messages
        self._bytes.value += size

    def pinged(self, place: int = NOBODY) -> None:
        """A ping was sent."""
        self._pings.value += 1
        self.recorder.pinged(place)

    def ponged(
        self, rtt: float, link: Link | None = None, connection_id: str = "", place: int = NOBODY, size: int = 0
    ) -> None:
        """A pong came ``rtt`` seconds after its ping; a sampled one makes a span, and one that is kept an exemplar.

        Args:
            rtt: seconds.
            link: the connection's.
            connection_id: its id.
            place: its place in the flight recorder.
            size: the bytes of its message, where ``received`` is not called for it.

        """
        if size:
            self.recorder.answered(place, rtt, size)
            self._messages.value += 1
            self._bytes.value += size
        else:
            self.recorder.ponged(place, rtt)
        self._pongs.value += 1
        trace_id = None
        tracer = self._all.tracer
        if tracer is not None and not tracer.full and (by := self._all.gate.heartbeat(now := self._clock())):
            self._all.sampled(by)
            kept = self._all.gate.keeps_heartbeat(now)
            span = self._heartbeat(tracer, rtt, link, connection_id, "answered", kept=kept)
            trace_id = f"{span.trace_id:032x}" if kept else None
        self._rtt.observe(rtt, 1, trace_id)

    def heartbeat_late(
        self, rtt: float, link: Link | None = None, connection_id: str = "", place: int = NOBODY
    ) -> None:
        """A pong came, but later than is healthy. Call it instead of ``ponged``."""
        self.recorder.ponged(place, rtt)
        self.recorder.note(place, noted.PONG_LATE, int(rtt * 1000))
        self._pongs.value += 1
        self._late.value += 1
        tracer = self._all.late_tracer()
        span = self._heartbeat(tracer, rtt, link, connection_id, "late") if tracer else None
        self._rtt.observe(rtt, 1, f"{span.trace_id:032x}" if span else None)
        self._all.tell(names.HEARTBEAT_LATE, span, connection_id=connection_id, rtt=rtt)

    def heartbeat_missed(
        self, waited: float, link: Link | None = None, connection_id: str = "", place: int = NOBODY
    ) -> None:
        """No pong within ``waited`` seconds."""
        self.recorder.note(place, noted.PING_MISSED, int(waited * 1000))
        self._missed.value += 1
        tracer = self._all.late_tracer()
        span = self._heartbeat(tracer, waited, link, connection_id, "missed") if tracer else None
        self._all.tell(names.HEARTBEAT_MISSED, span, connection_id=connection_id, seconds=waited)

    def adapted(self, weather: str, interval: float, connection_id: str = "", place: int = NOBODY) -> None:
        """The heartbeat adapts to the network: from now on a ping each ``interval`` seconds."""
        self._adapted.by[weather].value += 1
        self.recorder.note(place, noted.INTERVAL, int(interval * 1000))
        self._all.tell(names.HEARTBEAT_ADAPTED, connection_id=connection_id, cause=weather, seconds=interval)

    def noted(self, place: int, kind: int, argument: int = 0) -> None:
        """Something that only the flight recorder keeps: a kind of ``recorder_names``."""
        self.recorder.note(place, kind, argument)

    def waiting(self, place: int, queued: int, kernel: int) -> None:
        """So many bytes wait for the client, here and in the kernel, as a visit saw it."""
        self.recorder.waiting(place, queued, kernel)

    def stalled(self, connection_id: str, queued_bytes: int, link: Link | None = None, place: int = NOBODY) -> None:
        """The client stopped taking what is sent to it."""
        self.recorder.note(place, noted.STALLED, queued_bytes)
        self.recorder.waiting(place, queued_bytes, 0)
        self._all.tell(names.CONNECTION_STALLED, link, connection_id=connection_id, queued_bytes=queued_bytes)

    def closed(self, story: ConnectionStory) -> None:
        """The connection has ended. Exactly once for each accepted upgrade."""
        code = names.OTHER if story.code in names.BACKENDS_CLOSINGS else str(story.code)
        self._closed.by[code, story.cause, story.initiator].value += 1
        self._lifetime.observe(story.lifetime)
        link = story.link
        if link is not None:
            link = self._close_span(story, link)
        told = {**msgspec.structs.asdict(story), **_sums(self.recorder, story.place)}
        fields = {key: value for key, value in told.items() if value and key not in _INNER}
        self._all.tell(names.CONNECTION_CLOSED, link, **fields)
        if story.abnormal:
            events = [event.told() for event in self.recorder.events(story.place)]
            record = {key: told[key] for key in _RECORD if told[key]}
            self._all.tell(names.CONNECTION_RECORDED, link, **record, events=events)
            fields |= {**record, "events": events}
        self.recorder.remember(fields, "" if link is None else f"{link.trace_id:032x}")

    def _figures(self) -> Iterator[Figure]:
        yield Figure(names.REQUESTS.name, ("command",), self._commands.total())

    def _wanted(self, user: str, now: float) -> bool:
        by = self._all.gate.user(user, now)
        if by:
            self._all.sampled(by)
        return bool(by)

    def _heartbeat(
        self, tracer: Tracer, seconds: float, link: Link | None, connection_id: str, outcome: str, *, kept: bool = True
    ) -> Link:
        span = tracer.begin()
        attributes: dict[str, str | bool] = {
            "heliograph.connection.id": connection_id,
            "heliograph.heartbeat.outcome": outcome,
            "heliograph.heartbeat.kept": kept,
        }
        error = "no_pong" if outcome == "missed" else ""
        tracer.ended(span_names.HEARTBEAT_SPAN, span, seconds, attributes, links=_links(link), error=error)
        return span

    def _refusal_span(self, greeting: Greeting, code: int, connection_id: str, cause: str) -> Link | None:
        tracer = self._all.late_tracer()
        if tracer is None:
            return None
        link = tracer.begin()
        attributes = {"heliograph.connection.id": connection_id, "heliograph.close.cause": cause}
        seconds = self._clock() - greeting.started
        links = _links(greeting.upgrade)
        tracer.ended(span_names.CONNECT_SPAN, link, seconds, attributes, links=links, error=str(code))
        return link

    def _close_span(self, story: ConnectionStory, connect: Link) -> Link:
        tracer = self._all.open_tracer()
        if tracer is None:
            return connect
        link = tracer.begin()
        attributes: Attributes = {
            "heliograph.connection.id": story.connection_id,
            "heliograph.close.code": story.code,
            "heliograph.close.cause": story.cause,
            "heliograph.close.initiator": story.initiator,
            "heliograph.connection.lifetime": story.lifetime,
        }
        error = str(story.code) if story.code in SERVER_FAULTS or story.cause == "unknown" else ""
        tracer.ended(span_names.CLOSE_SPAN, link, 0.0, attributes, links=(connect,), error=error)
        return link


def _sums(recorder: FlightRecorder, place: int) -> dict[str, Any]:
    sums = recorder.sums(place)
    return {
        "received_bytes": sums.received_bytes,
        "pings": sums.pings,
        "pongs": sums.pongs,
        "rtt": sums.rtt,
        "rtt_high": sums.rtt_high,
        "queued_bytes_high": sums.queued_bytes_high + sums.kernel_bytes_high,
    }


def _links(link: Link | None) -> tuple[Link, ...]:
    return () if link is None else (link,)


class SilentConnectionsObserver(ConnectionsObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        self.recorder = FlightRecorder(remembered=0)

    def greeting(self, upgrade: Upgrade, place: int = NOBODY) -> Greeting:
        del upgrade, place
        return _NOTHING

    def connected(
        self, greeting: Greeting, connection_id: str, user: str, protocol: str, place: int = NOBODY
    ) -> Link | None:
        del greeting, connection_id, user, protocol, place
        return None

    def refused(
        self, greeting: Greeting, code: int, connection_id: str = "", cause: str = "", place: int = NOBODY
    ) -> None:
        pass

    def command(self, method: str, error: int = 0, connection_id: str = "", place: int = NOBODY, why: str = "") -> None:
        pass

    def received(self, messages: int, size: int, place: int = NOBODY) -> None:
        pass

    def pinged(self, place: int = NOBODY) -> None:
        pass

    def ponged(
        self, rtt: float, link: Link | None = None, connection_id: str = "", place: int = NOBODY, size: int = 0
    ) -> None:
        pass

    def heartbeat_late(
        self, rtt: float, link: Link | None = None, connection_id: str = "", place: int = NOBODY
    ) -> None:
        pass

    def heartbeat_missed(
        self, waited: float, link: Link | None = None, connection_id: str = "", place: int = NOBODY
    ) -> None:
        pass

    def adapted(self, weather: str, interval: float, connection_id: str = "", place: int = NOBODY) -> None:
        pass

    def noted(self, place: int, kind: int, argument: int = 0) -> None:
        pass

    def waiting(self, place: int, queued: int, kernel: int) -> None:
        pass

    def stalled(self, connection_id: str, queued_bytes: int, link: Link | None = None, place: int = NOBODY) -> None:
        pass

    def closed(self, story: ConnectionStory) -> None:
        pass


_NOTHING = Greeting(0.0)
