"""Checked values -> the settings of the doors: listeners, their clocks and limits, admission, frames."""

from dataclasses import dataclass
from typing import Any, Final

from service.connections.addresses import ProxySettings, networks
from service.connections.admission import AdmissionSettings
from service.connections.certificates import TlsSettings
from service.connections.deadlines import Clocks, clocks
from service.connections.heartbeat import HeartbeatSettings
from service.connections.limits import HttpLimits
from service.connections.sockopts import SocketSettings
from service.connections.weather import Chosen, chosen
from service.protocol.deflate import Squeeze
from service.protocol.framing import FrameLimits

Tree = dict[str, Any]
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - an empty address means all, as in Centrifugo
PONG_TIMEOUT: Final = 10.0  # seconds that ``client.pong_timeout`` 0 stands for, as in Centrifugo


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener is bound; port 0 takes any free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Listener:
    """One port."""

    name: str
    host: str
    port: int
    clocks: Clocks = clocks()
    tls: TlsSettings | None = None
    proxy_protocol: bool = False
    sockets: SocketSettings = SocketSettings()
    beat: Chosen | None = None  # the heartbeat of who comes in here; None: ``client.heartbeat``


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The listeners: the public port, others like it, and the internal one for metrics, health and debugging."""

    public: Listener = Listener("public", "127.0.0.1", 8000)
    internal: Listener = Listener("internal", "127.0.0.1", 9000)
    listeners: tuple[Listener, ...] = ()
    limits: HttpLimits = HttpLimits()
    proxies: ProxySettings = ProxySettings()

    @property
    def all(self) -> tuple[Listener, ...]:
        """Every one."""
        return (self.public, *self.listeners, self.internal)

    @property
    def beats(self) -> dict[str, Chosen]:
        """Heartbeats of the listeners that have one of their own, by name."""
        return {each.name: each.beat for each in self.listeners if each.beat is not None}


def http_settings(values: Tree) -> HttpSettings:
    """The listeners'."""
    http = values["http_server"]
    return HttpSettings(
        public=Listener(
            "public",
            http["address"] or EVERYWHERE,
            http["port"],
            clocks_of(values),
            tls(http["tls"]),
            http["proxy_protocol"],
            _sockets(values, beat_of(values["client"])),
        ),
        internal=_internal(values),
        listeners=tuple(_listener(each, values) for each in http["listeners"]),
        limits=_http_limits(http),
        proxies=ProxySettings(networks(http["trusted_proxies"]), http["client_address_header"] or "X-Forwarded-For"),
    )


def _internal(values: Tree) -> Listener:
    http = values["http_server"]
    return Listener(
        "internal",
        http["internal_address"] or EVERYWHERE,
        http["internal_port"],
        clocks_of(values),
        tls(http["internal_tls"]) or (None if http["tls_external"] else tls(http["tls"])),
        sockets=_sockets(values, beat_of(values["client"])),
    )


def _listener(listener: Tree, values: Tree) -> Listener:
    named = clocks_of(values)
    if listener["deadlines"]:
        named = clocks(listener["deadlines"], 0.0, values["client"]["stale_close_delay"])
    beat = chosen(listener["heartbeat"]) if listener["heartbeat"] else None
    return Listener(
        listener["name"],
        listener["address"] or EVERYWHERE,
        listener["port"],
        named,
        tls(listener["tls"]),
        listener["proxy_protocol"],
        _sockets(values, beat or beat_of(values["client"])),
        beat,
    )


def _sockets(values: Tree, beat: Chosen) -> SocketSettings:
    """The kernel is more patient than we are, so that we say why."""
    http, longest = values["http_server"], max(beat.silence, values["websocket"]["write_timeout"])
    user_timeout = http["tcp_user_timeout"] or max(SocketSettings().user_timeout, longest * 1.2)
    return SocketSettings(send_buffer=http["send_buffer_size"], user_timeout=user_timeout)


def tls(options: Tree) -> TlsSettings | None:
    """How a listener speaks TLS; None when it does not."""
    if not options["enabled"]:
        return None
    return TlsSettings(
        cert_pem=options["cert_pem"],
        key_pem=options["key_pem"],
        client_ca_pem=options["client_ca_pem"],
        client_required=options["client_certificate"] != "optional",
        permissive=options["mode"] == "permissive",
        user_from=options["user_from"],
    )


def admission(client: Tree) -> AdmissionSettings:
    """Who gets a place."""
    return AdmissionSettings(
        connections=client["connection_limit"],
        rate=client["connection_rate_limit"],
        ramp=client["connection_ramp"],
        waiting=client["connection_queue_size"],
        address_connections=client["address_connection_limit"],
        address_rate=client["address_connection_rate_limit"],
    )


def _http_limits(http: Tree) -> HttpLimits:
    return HttpLimits(
        url_length=http["max_url_length"],
        header_count=http["max_header_count"],
        header_bytes=http["max_header_bytes"],
        pipelined=http["max_pipelined_requests"],
        idle=http["max_idle_connections"],
        visitors=http["max_waiting_connections"],
        keepalive=http["keepalive_timeout"],
    )


def clocks_of(values: Tree) -> Clocks:
    """The clocks of door and greeting."""
    http = values["http_server"]
    return clocks(http["deadlines"], http["door_timeout"], values["client"]["stale_close_delay"])


def frames(websocket: Tree) -> FrameLimits:
    """How much one message may be."""
    return FrameLimits(websocket["message_size_limit"], websocket["frame_size_limit"], websocket["max_fragments"])


def squeeze(websocket: Tree) -> Squeeze | None:
    """How messages to clients are compressed; None: not at all."""
    if not websocket["compression"]:
        return None
    return Squeeze(websocket["compression_level"], websocket["compression_min_size"] or Squeeze().least)


def inflated(websocket: Tree) -> int:
    """Bytes of a compressed message of a client when it is read."""
    return int(websocket["decompressed_message_size_limit"] or websocket["message_size_limit"])


def beat_of(client: Tree) -> Chosen:
    """The heartbeat that connections begin with, and whether it adapts."""
    own = HeartbeatSettings(client["ping_interval"], client["pong_timeout"] or PONG_TIMEOUT, client["pong_misses"])
    return chosen(client["heartbeat"], own)
