"""Checked values -> the settings of the doors: listeners, their clocks and limits, admission, frames."""

from dataclasses import dataclass
from typing import Any

from service.connections.addresses import ProxySettings, networks
from service.connections.admission import AdmissionSettings
from service.connections.deadlines import Clocks, clocks
from service.connections.limits import HttpLimits
from service.connections.sockopts import SocketSettings
from service.connections.weather import Chosen, chosen
from service.protocol.framing import FrameLimits

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a listener is bound; port 0 takes any free one."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """The two listeners: the public port, and the internal one for metrics, health and debugging."""

    public: Address = Address("127.0.0.1", 8000)
    internal: Address = Address("127.0.0.1", 9000)
    sockets: SocketSettings = SocketSettings()
    limits: HttpLimits = HttpLimits()
    clocks: Clocks = clocks()
    proxies: ProxySettings = ProxySettings()


def http_settings(values: Tree) -> HttpSettings:
    """The listeners'."""
    http, client = values["http_server"], values["client"]
    longest = max(beat_of(client).silence, values["websocket"]["write_timeout"])
    user_timeout = http["tcp_user_timeout"] or max(SocketSettings().user_timeout, longest * 1.2)
    return HttpSettings(
        public=Address(http["address"] or "0.0.0.0", http["port"]),  # noqa: S104 - empty means all, as in Centrifugo
        internal=Address(http["internal_address"] or "0.0.0.0", http["internal_port"]),  # noqa: S104
        sockets=SocketSettings(send_buffer=http["send_buffer_size"], user_timeout=user_timeout),
        limits=_http_limits(http),
        clocks=clocks_of(values),
        proxies=ProxySettings(networks(http["trusted_proxies"]), http["client_address_header"] or "X-Forwarded-For"),
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


def beat_of(client: Tree) -> Chosen:
    """The heartbeat that connections begin with, and whether it adapts."""
    return chosen(client["heartbeat"], client["ping_interval"], client["pong_timeout"], client["pong_misses"])
