"""The life of a connection: greeting, commands, heartbeats, slowness, end."""

from collections.abc import Iterator

import msgspec

from observability import names
from observability.names import SERVER_FAULTS, Figure
from observability.observers.instruments import Instruments, Requests
from observability.observers.upgrade import Upgrade
from observability.tracing import Attributes, Link, Tracer

_GONE = ("client_closed", "network_lost")


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
    protocol: str = "json"
    client: str = ""  # name and version that the SDK gave
    address: str = ""
    link: Link | None = None
    sent: int = 0
    received: int = 0
    received_bytes: int = 0
    subscriptions: int = 0
    pings: int = 0
    pongs: int = 0
    rtt: float = 0.0  # of the last answered ping, seconds; 0 for none
    queued_bytes: int = 0
    queued_bytes_high: int = 0


class ConnectionsObserver:
    """Tells of connections."""

    def __init__(self, instruments: Instruments) -> None:
        self._all = instruments
        self._clock = instruments.clock
        registry = instruments.registry
        self._greetings = registry.counter(names.GREETINGS)
        self._connected = self._greetings.child("connected")
        self._connect = registry.histogram(names.CONNECT_SECONDS).child()
        self._commands = registry.counter(names.COMMANDS_TOTAL)
        self._messages = registry.counter(names.MESSAGES_RECEIVED).child()
        self._bytes = registry.counter(names.MESSAGE_BYTES_RECEIVED).child()
        self._pings = registry.counter(names.PINGS).child()
        self._pongs = registry.counter(names.PONGS).child()
        self._missed = registry.counter(names.HEARTBEATS_MISSED).child()
        self._late = registry.counter(names.HEARTBEATS_LATE).child()
        self._rtt = registry.histogram(names.HEARTBEAT_RTT).child()
        self._closed = registry.counter(names.CONNECTIONS_CLOSED)
        self._lifetime = registry.histogram(names.CONNECTION_LIFETIME).child()
        self._connects = Requests(registry, "connect")
        self._faults = registry.counter(names.ERRORS).child("command")
        registry.add_source(self._figures)

    def greeting(self, upgrade: Upgrade) -> Greeting:
        """The transport is ours; the greeting begins."""
        return Greeting(self._clock(), upgrade.link)

    def connected(self, greeting: Greeting, connection_id: str, user: str, protocol: str) -> Link | None:
        """The connect reply is written. Keep the link: later calls about this connection want it."""
        now = self._clock()
        seconds = now - greeting.started
        greeting.told = True
        self._connected.value += 1
        self._connects.answered(fault=False)
        tracer = self._all.open_tracer()
        if tracer is None or (greeting.upgrade is None and not self._wanted(user, now)):
            self._connect.observe(seconds)
            return None
        link = tracer.begin()
        self._connect.observe(seconds, 1, f"{link.trace_id:032x}")
        attributes = {"heliograph.connection.id": connection_id, "enduser.id": user, "heliograph.protocol": protocol}
        tracer.ended(names.CONNECT_SPAN, link, seconds, attributes, links=_links(greeting.upgrade))
        self._all.tell(
            names.CONNECTION_CONNECTED, link, connection_id=connection_id, user=user, protocol=protocol, seconds=seconds
        )
        return link

    def refused(self, greeting: Greeting, code: int, connection_id: str = "", cause: str = "") -> None:
        """The connect command was answered with a reply error or a close code; or the client left before."""
        if greeting.told:
            return
        greeting.told = True
        fault = code in SERVER_FAULTS
        self._connects.answered(fault=fault)
        result = "failed" if fault else "abandoned" if cause in _GONE else "refused"
        self._greetings.by[result].value += 1
        link = self._refusal_span(greeting, code, connection_id, cause) if fault else None
        self._all.tell(
            names.CONNECTION_REFUSED, link or greeting.upgrade, connection_id=connection_id, code=code, cause=cause
        )

    def command(self, method: str, error: int = 0, connection_id: str = "") -> None:
        """A command was answered; ``error`` is the reply code, 0 for success."""
        self._commands.by[method, str(error)].value += 1
        if error in SERVER_FAULTS:
            self._faults.value += 1
            self._all.tell(names.COMMAND_FAILED, method=method, code=error, connection_id=connection_id)

    def received(self, messages: int, size: int) -> None:
        """WebSocket messages came, ``size`` payload bytes together."""
        self._messages.value += messages
        self._bytes.value += size

    def pinged(self, count: int = 1) -> None:
        """Pings were sent."""
        self._pings.value += count

    def ponged(self, rtt: float, link: Link | None = None, connection_id: str = "") -> None:
        """A pong came ``rtt`` seconds after its ping; a sampled one makes a span."""
        self._pongs.value += 1
        trace_id = None
        tracer = self._all.tracer
        if tracer is not None and not tracer.full and (by := self._all.gate.heartbeat(self._clock())):
            self._all.sampled(by)
            trace_id = f"{self._heartbeat(tracer, rtt, link, connection_id, 'answered').trace_id:032x}"
        self._rtt.observe(rtt, 1, trace_id)

    def heartbeat_late(self, rtt: float, link: Link | None = None, connection_id: str = "") -> None:
        """A pong came, but later than is healthy. Call it instead of ``ponged``."""
        self._pongs.value += 1
        self._late.value += 1
        tracer = self._all.late_tracer()
        span = self._heartbeat(tracer, rtt, link, connection_id, "late") if tracer else None
        self._rtt.observe(rtt, 1, f"{span.trace_id:032x}" if span else None)
        self._all.tell(names.HEARTBEAT_LATE, span, connection_id=connection_id, rtt=rtt)

    def heartbeat_missed(self, waited: float, link: Link | None = None, connection_id: str = "") -> None:
        """No pong within ``waited`` seconds."""
        self._missed.value += 1
        tracer = self._all.late_tracer()
        span = self._heartbeat(tracer, waited, link, connection_id, "missed") if tracer else None
        self._all.tell(names.HEARTBEAT_MISSED, span, connection_id=connection_id, seconds=waited)

    def stalled(self, connection_id: str, queued_bytes: int, link: Link | None = None) -> None:
        """The client stopped taking what is sent to it."""
        self._all.tell(names.CONNECTION_STALLED, link, connection_id=connection_id, queued_bytes=queued_bytes)

    def closed(self, story: ConnectionStory) -> None:
        """The connection has ended. Exactly once for each accepted upgrade."""
        self._closed.by[str(story.code), story.cause, story.initiator].value += 1
        self._lifetime.observe(story.lifetime)
        link = story.link
        if link is not None:
            link = self._close_span(story, link)
        fields = {key: value for key, value in msgspec.structs.asdict(story).items() if value}
        fields.pop("link", None)
        fields.pop("connected", None)
        self._all.tell(names.CONNECTION_CLOSED, link, **fields)

    def _figures(self) -> Iterator[Figure]:
        yield Figure(names.REQUESTS.name, ("command",), self._commands.total())

    def _wanted(self, user: str, now: float) -> bool:
        by = self._all.gate.user(user, now)
        if by:
            self._all.sampled(by)
        return bool(by)

    def _heartbeat(self, tracer: Tracer, seconds: float, link: Link | None, connection_id: str, outcome: str) -> Link:
        span = tracer.begin()
        attributes = {"heliograph.connection.id": connection_id, "heliograph.heartbeat.outcome": outcome}
        error = "no_pong" if outcome == "missed" else ""
        tracer.ended(names.HEARTBEAT_SPAN, span, seconds, attributes, links=_links(link), error=error)
        return span

    def _refusal_span(self, greeting: Greeting, code: int, connection_id: str, cause: str) -> Link | None:
        tracer = self._all.late_tracer()
        if tracer is None:
            return None
        link = tracer.begin()
        attributes = {"heliograph.connection.id": connection_id, "heliograph.close.cause": cause}
        seconds = self._clock() - greeting.started
        links = _links(greeting.upgrade)
        tracer.ended(names.CONNECT_SPAN, link, seconds, attributes, links=links, error=str(code))
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
        tracer.ended(names.CLOSE_SPAN, link, 0.0, attributes, links=(connect,), error=error)
        return link


def _links(link: Link | None) -> tuple[Link, ...]:
    return () if link is None else (link,)


class SilentConnectionsObserver(ConnectionsObserver):
    """Tells nobody."""

    def __init__(self) -> None:
        pass

    def greeting(self, upgrade: Upgrade) -> Greeting:
        del upgrade
        return _NOTHING

    def connected(self, greeting: Greeting, connection_id: str, user: str, protocol: str) -> Link | None:
        del greeting, connection_id, user, protocol
        return None

    def refused(self, greeting: Greeting, code: int, connection_id: str = "", cause: str = "") -> None:
        pass

    def command(self, method: str, error: int = 0, connection_id: str = "") -> None:
        pass

    def received(self, messages: int, size: int) -> None:
        pass

    def pinged(self, count: int = 1) -> None:
        pass

    def ponged(self, rtt: float, link: Link | None = None, connection_id: str = "") -> None:
        pass

    def heartbeat_late(self, rtt: float, link: Link | None = None, connection_id: str = "") -> None:
        pass

    def heartbeat_missed(self, waited: float, link: Link | None = None, connection_id: str = "") -> None:
        pass

    def stalled(self, connection_id: str, queued_bytes: int, link: Link | None = None) -> None:
        pass

    def closed(self, story: ConnectionStory) -> None:
        pass


_NOTHING = Greeting(0.0)
