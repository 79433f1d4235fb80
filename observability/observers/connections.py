"""The life of a connection: greeting, commands, heartbeats, slowness, end."""

import msgspec

from observability.observers.upgrade import Upgrade
from observability.tracing import Link


class Greeting:
    """101 until the connect reply; kept by the connection until it is connected or gone."""

    __slots__ = ("started", "upgrade")

    def __init__(self, started: float, upgrade: Link | None = None) -> None:
        self.started = started
        self.upgrade = upgrade


class ConnectionStory(msgspec.Struct, kw_only=True, gc=False):
    """All that one line says about a connection that has ended."""

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

    def greeting(self, upgrade: Upgrade) -> Greeting:
        """The transport is ours; the greeting begins."""

    def connected(self, greeting: Greeting, connection_id: str, user: str, protocol: str) -> Link | None:
        """The connect reply is written. Keep the link: later calls about this connection want it."""

    def refused(self, greeting: Greeting, code: int, connection_id: str = "", cause: str = "") -> None:
        """The connect command was answered with a reply error or a close code."""

    def command(self, method: str, error: int = 0, connection_id: str = "") -> None:
        """A command was answered; ``error`` is the reply code, 0 for success."""

    def received(self, messages: int, size: int) -> None:
        """WebSocket messages came, ``size`` payload bytes together."""

    def pinged(self, count: int = 1) -> None:
        """Pings were sent."""

    def ponged(self, rtt: float, link: Link | None = None, connection_id: str = "") -> None:
        """A pong came ``rtt`` seconds after its ping; a sampled one makes a span."""

    def heartbeat_late(self, rtt: float, link: Link | None = None, connection_id: str = "") -> None:
        """A pong came, but later than is healthy. Call it instead of ``ponged``."""

    def heartbeat_missed(self, waited: float, link: Link | None = None, connection_id: str = "") -> None:
        """No pong within ``waited`` seconds."""

    def stalled(self, connection_id: str, queued_bytes: int, link: Link | None = None) -> None:
        """The client stopped taking what is sent to it."""

    def closed(self, story: ConnectionStory) -> None:
        """The connection has ended. Exactly once for each accepted upgrade."""


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
