"""File and environment -> the settings of each room. Names and structure are Centrifugo 6's; all mistakes are told at once."""

from dataclasses import dataclass, field
from typing import Literal

from service.access.tokens import TokenSettings
from service.channels.namespaces import Namespaces
from service.connections.sockopts import SocketSettings
from service.connections.station import ConnectionSettings
from service.connections.upgrade import UpgradeSettings


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


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """``file`` is written beside stdout; empty: stdout only."""

    level: Literal["trace", "debug", "info", "warn", "error", "fatal", "none"] = "info"
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetrySettings:
    """Where traces go and how many. Without an endpoint there are no traces and no exporter is imported."""

    otlp_endpoint: str = ""  # telemetry.otlp_endpoint, or the environment's OTEL_EXPORTER_OTLP_ENDPOINT
    service_name: str = "heliograph"
    traced_users: tuple[str, ...] = ()  # always sampled
    traced_channels: tuple[str, ...] = ()  # always sampled
    traces_per_second: float = 50.0  # ceiling of the process
    late_traces_per_second: float = 20.0  # ceiling for spans made after the fact: errors, slow messages


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings:
    """The server API (``http_api``)."""

    path: str = "/api"
    disabled: bool = False
    key: str = field(default="", repr=False)  # empty: every call is refused, unless insecure
    insecure: bool = False  # no key is asked for
    transport_errors: bool = False  # http_api.error_mode "transport": errors are HTTP statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    """Small endpoints; an empty path means that the endpoint is off."""

    health: str = ""  # on the public port; the internal port always has /health and /ready
    init: str = ""  # connection warm-up
    metrics: str = "/metrics"  # on the internal port


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """The demo page."""

    traces_url: str = "http://localhost:16686"  # Jaeger's page, for links to traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the process is started with. Made by ``load``; ``app.py`` hands each room its part."""

    http: HttpSettings
    namespaces: Namespaces
    connections: ConnectionSettings
    upgrade: UpgradeSettings
    tokens: TokenSettings = field(repr=False)
    subscription_tokens: TokenSettings | None = field(default=None, repr=False)  # None: the same as ``tokens``
    websocket: bool = True
    history_meta_ttl: float = 30 * 24 * 3600.0
    recovery_max_publication_limit: int = 300
    position_check_delay: float = 40.0
    api: ApiSettings = ApiSettings()
    doors: DoorSettings = DoorSettings()
    page: PageSettings | None = None  # None: there is no demo page
    logs: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    node_name: str = ""  # empty: host name and port
    shutdown_timeout: float = 10.0  # seconds for saying goodbye to everybody
    quick_start: bool = False  # the built-in configuration is used: banner and demo page
    warnings: tuple[str, ...] = ()  # what --lenient let through; to be logged once
