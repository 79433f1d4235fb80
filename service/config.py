"""File, environment and flags -> the settings of each room, with Centrifugo 6's names and structure.

The mapping is our own, not pydantic's: pydantic-settings takes 190 ms of a start of 800 ms to import, knows no
durations of Go, no nearest name and no options that exist elsewhere, and its errors show a misspelt secret's value.
"""

import copy
import functools
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from observability import names
from observability.sampling import SamplingSettings
from observability.setup import TelemetrySettings
from service import __version__
from service.access.hook_settings import HooksSettings
from service.access.token_settings import TokenSettings
from service.api.debug import DebugSettings
from service.api.health import DoorSettings
from service.api.page import PageSettings
from service.api.server_api import ApiSettings
from service.broker.memory_broker import MemoryBrokerSettings
from service.channels.namespaces import Boundaries, Namespace, Namespaces
from service.connections.admission import AdmissionSettings
from service.connections.negotiation import NegotiationSettings
from service.connections.outbox import OutboxSettings
from service.connections.pace import Pace
from service.connections.pressure import PressureSettings
from service.connections.standing import SessionSettings
from service.connections.station import ConnectionSettings
from service.connections.transports import TransportSettings
from service.connections.upgrade import UpgradeSettings
from service.connections.weather import Chosen
from service.settings import reading
from service.settings.agreement import disagreements
from service.settings.certificate_files import certificate_mistakes
from service.settings.checking import Checked, check
from service.settings.doors import (
    HttpSettings,
    admission,
    beat_of,
    clocks_of,
    frames,
    http_settings,
    inflated,
    squeeze,
)
from service.settings.elsewhere import add_elsewhere
from service.settings.hook_agreement import places_of_hooks
from service.settings.hook_reading import hooks
from service.settings.mistakes import ConfigurationRefused, Mistake
from service.settings.option import Section
from service.settings.options import CHANNEL_OPTIONS, ours
from service.settings.quick_start import built_in, kept_secrets
from service.settings.shut_doors import shut_doors
from service.settings.telemetry_agreement import collector
from service.settings.token_agreement import weak_secrets
from service.settings.transport_settings import transports, unidirectional_ends

Tree = dict[str, Any]
BUILT_IN: Final = "built-in configuration"
_OTLP_DEFAULT: Final = "http://localhost:4318"  # the standard's own default


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the process is started with. Made by ``load``; ``app.py`` hands each room its part."""

    http: HttpSettings
    namespaces: Namespaces
    connections: ConnectionSettings
    upgrade: UpgradeSettings
    tokens: TokenSettings = field(repr=False)
    subscription_tokens: TokenSettings | None = field(default=None, repr=False)  # None: the same as ``tokens``
    admission: AdmissionSettings = AdmissionSettings()
    hooks: HooksSettings = field(default=HooksSettings(), repr=False)
    websocket: bool = True
    transports: TransportSettings = TransportSettings()
    recovery_max_publication_limit: int = 300
    position_check_delay: float = 40.0
    position_max_time_lag: float = 0.0
    receipt_positions: int = 100_000
    broker: MemoryBrokerSettings = MemoryBrokerSettings()
    api: ApiSettings = ApiSettings()
    doors: DoorSettings = DoorSettings()
    debug: DebugSettings = DebugSettings()
    page: PageSettings | None = None  # None: there is no demo page
    telemetry: TelemetrySettings = TelemetrySettings()
    node_name: str = ""  # empty: the host's
    shutdown_timeout: float = 10.0  # seconds for saying goodbye to everybody
    pid_file: str = ""
    quick_start: bool = False  # the built-in configuration is used: banner and demo page
    warnings: tuple[str, ...] = ()  # what is worth a line in the log at start
    shut: tuple[str, ...] = ()  # doors that nobody can pass


def load(
    file: Path | None,
    environ: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    *,
    lenient: bool = False,
) -> Settings:
    """Read, check and map a configuration.

    Args:
        file: its path; None for the built-in one, whose key and secret are then made or read.
        environ: the process's environment.
        flags: path -> value, given on the command line: the last word.
        lenient: what Centrifugo has and this server has not yet is a warning instead of a mistake.

    Raises:
        ConfigurationRefused: with every mistake.
        Unreadable: the file is not there, or not what its name says.
        Unkept: key and secret of the quick start cannot be kept.

    """
    checked = examine(file, environ, flags)
    later = [mistake for mistake in checked.mistakes if mistake.later]
    if wrong := [mistake for mistake in checked.mistakes if not (mistake.later and lenient)]:
        raise ConfigurationRefused(str(file or BUILT_IN), wrong)
    warnings = (*(f"ignored: {_briefly(mistake)}" for mistake in later), *_notes(checked, environ))
    settings = assemble(checked.values, environ)
    return replace(settings, quick_start=file is None, warnings=warnings, shut=tuple(shut_doors(checked.values)))


@dataclass(slots=True)
class Examined(Checked):
    """A checked configuration, and the tree that it came from."""

    tree: Tree = field(default_factory=dict)


def examine(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Examined:
    """Lay file, environment and flags over each other and collect every mistake.

    Raises:
        Unreadable: the file is not there, or not what its name says.
        Unkept: key and secret of the quick start cannot be kept.

    """
    root = known_options()
    tree = built_in(*kept_secrets()) if file is None else copy.deepcopy(reading.read_file(file))
    origins, mistakes = reading.overlay(tree, environ, root)
    for path, value in (flags or {}).items():
        reading.put(tree, path, value)
        origins[path] = "--" + path.rpartition(".")[2].replace("_", "-")
    checked = check(tree, root, origins)
    mistakes += checked.mistakes
    told = {mistake.place for mistake in mistakes if not mistake.later}  # what is wrong there has its default here
    more = [
        *disagreements(checked.values),
        *certificate_mistakes(checked.values),
        *collector(checked.values["telemetry"], environ),
    ]
    mistakes += [mistake for mistake in more if mistake.place not in told]
    return Examined(checked.values, mistakes, tree)


@functools.cache
def known_options() -> Section:
    """Every option of this server and of Centrifugo 6.9: one tree for all, to be read."""
    root = ours()
    add_elsewhere(root)
    return root


def _briefly(mistake: Mistake) -> str:
    return f"{mistake.place}{' = ' if mistake.value else ''}{mistake.value} is not available yet"


def _notes(examined: Examined, environ: Mapping[str, str]) -> list[str]:
    notes = reading.left_behind(environ, known_options())
    if examined.values["prometheus"]["enabled"]:
        notes.append("prometheus.enabled: metrics are on the internal port, never on the public one")
    every, named = len(examined.values["channel"]["namespaces"]), len(_named(examined.values))
    if named < every and not examined.values["prometheus"]["namespaces"]:
        notes.append(f"prometheus.namespaces: metrics tell {named} of {every} namespaces by name, the others as other")
    if examined.values["client"]["insecure"]:
        notes.append("client.insecure: everybody may connect, subscribe, publish and read without a token")
    if examined.values["http_api"]["insecure"]:
        notes.append("http_api.insecure: everybody who reaches the public port may call the server API without a key")
    notes += weak_secrets(examined.values["client"])
    notes += [
        f"{place}.http.tls.insecure_skip_verify: whoever stands between may answer for the backend"
        for place, proxy in places_of_hooks(examined.values)
        if proxy["http"]["tls"]["enabled"] and proxy["http"]["tls"]["insecure_skip_verify"]
    ]
    return notes


def assemble(values: Tree, environ: Mapping[str, str]) -> Settings:
    """Each room's settings out of checked values."""
    client = values["client"]
    namespaces = _namespaces(values["channel"])
    apart = client["subscription_token"]
    telemetry = _telemetry(values, environ)
    http = http_settings(values)
    return Settings(
        http=http,
        namespaces=namespaces,
        connections=_connections(values, namespaces, http.beats),
        upgrade=UpgradeSettings(
            path=values["websocket"]["handler_prefix"],
            negotiation=NegotiationSettings(client["allowed_origins"], values["websocket"]["compression"]),
            squeeze=squeeze(values["websocket"]),
            inflated=inflated(values["websocket"]),
        ),
        hooks=hooks(values),
        tokens=_tokens(client["token"]),
        subscription_tokens=_tokens(apart) if apart["enabled"] else None,
        admission=admission(client),
        websocket=not values["websocket"]["disabled"],
        transports=transports(values),
        recovery_max_publication_limit=client["recovery_max_publication_limit"],
        position_check_delay=client["channel_position_check_delay"],
        position_max_time_lag=client["channel_position_max_time_lag"],
        receipt_positions=client["receipt_positions"],
        broker=MemoryBrokerSettings(max_bytes=values["channel"]["history_total_max_size"] or sys.maxsize),
        api=_api(values),
        doors=_doors(values),
        debug=_debug(values["debug"]),
        page=_page(values, telemetry) if values["demo"]["enabled"] else None,
        telemetry=telemetry,
        node_name=values["node"]["name"],
        shutdown_timeout=values["shutdown"]["timeout"],
        pid_file=values["pid_file"],
    )


def _connections(values: Tree, namespaces: Namespaces, beats: Mapping[str, Chosen]) -> ConnectionSettings:
    client, ping = values["client"], values["rpc"]["ping"]
    longest, at_once = values["channel"]["max_length"], client["channel_limit"] + 1  # connect and all subscribes
    personal = client["subscribe_to_user_personal_channel"]
    same = (
        "insecure",
        "expired_close_delay",
        "expired_sub_close_delay",
        "channel_limit",
        "user_id_max_length",
        "inbox_commands",
        "inbox_bytes",
        "history_max_publication_limit",
        "allow_anonymous_connect_without_token",
        "disallow_anonymous_connection_tokens",
        "connect_include_server_time",
    )
    beat = beat_of(client)
    session = SessionSettings(
        namespaces=namespaces,
        version=__version__,
        heartbeat=beat.settings,
        climate=beat.climate,
        channel_max_length=values["channel"]["max_length"],
        channel_name_limit=_at_least(longest, values["channel"]["name_limit"]),
        commands_per_frame=_at_least(at_once, client["commands_per_frame"]),
        tags_filter_limit=client["tags_filter_limit"],
        pace=Pace(client["command_rate"], max(at_once, client["command_burst"])),
        personal_channel=personal["enabled"],
        personal_channel_namespace=personal["personal_channel_namespace"],
        stale_close_delay=clocks_of(values).greeting,
        single_connection=personal["enabled"] and personal["single_connection"],
        connect_hook=client["proxy"]["connect"]["enabled"],
        refresh_hook=client["proxy"]["refresh"]["enabled"],
        keep_meta=hooks(values).tells_meta,
        unidirectional_ends=unidirectional_ends(client),
        rpc_ping=ping["method"] if ping["enabled"] else "",
        **{name: client[name] for name in same},
    )
    return ConnectionSettings(
        session=session,
        outbox=OutboxSettings(max_bytes=client["queue_max_size"], max_age=values["websocket"]["write_timeout"]),
        pressure=PressureSettings(client["queue_total_max_size"]),
        frames=frames(values["websocket"]),
        control_frames=Pace(
            values["websocket"]["control_frame_rate"], 2 * int(values["websocket"]["control_frame_rate"])
        ),
        user_connection_limit=client["user_connection_limit"],
        beats=beats,
    )


def _at_least(least: int, limit: int) -> int:
    """Our limits give way to Centrifugo's where a file sets those higher; 0 is no limit."""
    return max(least, limit) if least and limit else 0


def _tokens(token: Tree) -> TokenSettings:
    names = (
        "hmac_secret_key",
        "hmac_previous_secret_key",
        "hmac_previous_secret_key_valid_until",
        "audience",
        "issuer",
        "user_id_claim",
        "rsa_public_key",
        "ecdsa_public_key",
        "jwks_public_endpoint",
        "jwks_ttl",
        "jwks_stale_limit",
        "audience_regex",
        "issuer_regex",
    )
    return TokenSettings(**{name: token[name] for name in names})


def _namespaces(channel: Tree) -> Namespaces:
    boundaries = Boundaries(
        channel["private_prefix"], channel["namespace_boundary"], channel["user_boundary"], channel["user_separator"]
    )
    named = [_namespace(options, channel) for options in channel["namespaces"]]
    return Namespaces(_namespace(channel["without_namespace"], channel), named, boundaries)


def _namespace(options: Tree, channel: Tree) -> Namespace:
    chosen: Tree = {name: options[name] for name, *_ in CHANNEL_OPTIONS}
    chosen["history_meta_ttl"] = options["history_meta_ttl"] or channel["history_meta_ttl"]
    chosen["slow_policy"] = options["slow_policy"] or "disconnect"
    chosen["force_recovery_mode"] = options["force_recovery_mode"] or "stream"
    chosen["publication_data_format"] = (
        options["publication_data_format"] or channel["publication_data_format"] or "json"
    )
    return Namespace(name=options.get("name", ""), **chosen)


def _api(values: Tree) -> ApiSettings:
    api = values["http_api"]
    return ApiSettings(
        path=api["handler_prefix"],
        disabled=api["disabled"],
        key=api["key"],
        max_request_size=api["max_request_size"],
        insecure=api["insecure"],
        transport_errors=api["error_mode"] == "transport",
    )


def _doors(values: Tree) -> DoorSettings:
    health, init = values["health"], values["init"]
    return DoorSettings(
        health=health["handler_prefix"] if health["enabled"] else "",
        init=init["handler_prefix"] if init["enabled"] else "",
        metrics=values["prometheus"]["handler_prefix"],
        allowed_origins=values["client"]["allowed_origins"],
    )


def _debug(debug: Tree) -> DebugSettings:
    return DebugSettings(enabled=debug["enabled"], path=debug["handler_prefix"].rstrip("/"), token=debug["token"])


def _page(values: Tree, telemetry: TelemetrySettings) -> PageSettings:
    return PageSettings(
        traces_url=values["demo"]["traces_url"],
        traced=bool(telemetry.otlp_endpoint),
        websocket=values["websocket"]["handler_prefix"],
    )


def _named(values: Tree) -> tuple[str, ...]:
    """The namespaces that metrics tell by name; deterministic, so that a series keeps its meaning over restarts."""
    every = tuple(namespace["name"] for namespace in values["channel"]["namespaces"])
    chosen = values["prometheus"]["namespaces"]
    return every if "*" in chosen else chosen or every[: names.NAMED]


def _telemetry(values: Tree, environ: Mapping[str, str]) -> TelemetrySettings:
    told = values["telemetry"]
    given = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if values["opentelemetry"]["enabled"]:
        given = given or _OTLP_DEFAULT
    protocol = told["otlp_protocol"] or environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    return TelemetrySettings(
        service_name=told["service_name"] or environ.get("OTEL_SERVICE_NAME") or "heliograph",
        version=__version__,
        instance=values["node"]["name"] or socket.gethostname(),
        otlp_endpoint=told["otlp_endpoint"] or given,
        otlp_protocol="grpc" if protocol == "grpc" else "http",
        log_level=values["log"]["level"],
        log_file=values["log"]["file"],
        sampling=SamplingSettings(
            traces_per_second=told["traces_per_second"],
            late_per_second=told["late_traces_per_second"],
            factor=told["sampling_factor"],
            users=frozenset(told["traced_users"]),
            channels=frozenset(told["traced_channels"]),
        ),
        namespaces=_named(values),
        slow_message=told["slow_message"],
    )
