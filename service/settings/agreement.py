"""Pure: values that are right one by one and wrong together. One function a subject; each yields its mistakes."""

import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

from service.connections.heartbeat import HeartbeatSettings
from service.settings.certificate_files import places_with_tls
from service.settings.doors import PONG_TIMEOUT
from service.settings.hook_agreement import hooks
from service.settings.mistakes import Mistake
from service.settings.token_agreement import tokens
from service.settings.transport_agreement import transforms

Tree = dict[str, Any]
_SHORTEST_RECEIPT = 3.0  # seconds
_POSITIONED = ("force_positioning", "allow_positioning", "force_recovery", "allow_recovery")
_TRANSPORTS = ("sse", "http_stream", "uni_sse", "uni_http_stream", "uni_websocket")
_NAME = re.compile(r"[-a-zA-Z0-9_.]{2,}")


def disagreements(values: Tree) -> list[Mistake]:
    """Everything that does not go together."""
    return [
        *_heartbeat(values["client"]),
        *_silence(values),
        *_namespaces(values),
        *_personal_channel(values),
        *_named(values),
        *_places(values),
        *_compression(values),
        *_debug(values["debug"]),
        *tokens(values["client"]),
        *_proxies(values["http_server"]),
        *hooks(values),
        *_listeners(values["http_server"]),
        *transforms(values),
    ]


def _heartbeat(client: Tree) -> Iterator[Mistake]:
    interval, timeout = client["ping_interval"], client["pong_timeout"]
    if interval and (timeout or PONG_TIMEOUT) > interval:
        stands = "" if timeout else f"stands for {PONG_TIMEOUT:g} s, and "
        yield Mistake("client.pong_timeout", f"{stands}must be at most client.ping_interval ({interval:g} s)")
    usual = HeartbeatSettings()
    if client["heartbeat"] and (interval, timeout, client["pong_misses"]) != (
        usual.interval,
        usual.timeout,
        usual.misses,
    ):
        yield Mistake(
            "client.heartbeat",
            "names a profile: leave ping_interval, pong_timeout and pong_misses out, or the profile",
            f'"{client["heartbeat"]}"',
        )
    if not 1 <= client["pong_misses"] <= 3:
        yield Mistake("client.pong_misses", "must be 1 to 3")


def _compression(values: Tree) -> Iterator[Mistake]:
    for name in ("websocket", "uni_websocket"):
        if values[name]["compression"] and not 1 <= values[name]["compression_level"] <= 9:
            yield Mistake(f"{name}.compression_level", "must be 1 to 9")


def _debug(debug: Tree) -> Iterator[Mistake]:
    if debug["enabled"] and not debug["token"]:
        yield Mistake("debug.token", "must be set when debug.enabled is: who reads it sees users and addresses")


def _silence(values: Tree) -> Iterator[Mistake]:
    """The kernel must not cut a connection before we have said why."""
    given, patience = values["http_server"]["tcp_user_timeout"], values["websocket"]["write_timeout"]
    if given and given <= patience:
        yield Mistake("http_server.tcp_user_timeout", f"must be longer than websocket.write_timeout ({patience:g} s)")


def _namespaces(values: Tree) -> Iterator[Mistake]:
    channel = values["channel"]
    yield from _options(channel["without_namespace"], "channel.without_namespace", channel)
    seen: set[str] = set()
    for index, namespace in enumerate(channel["namespaces"]):
        place = f"channel.namespaces[{index}]"
        name = namespace["name"]
        if not _NAME.fullmatch(name):
            yield Mistake(
                f"{place}.name",
                "takes two or more letters, digits, dashes, dots or underscores",
                f'"{name}"' * bool(name),
            )
        elif name in seen:
            yield Mistake(f"{place}.name", "is another namespace's, too", f'"{name}"')
        seen.add(name)
        yield from _options(namespace, place, channel)


def _options(options: Tree, place: str, channel: Tree) -> Iterator[Mistake]:
    size, ttl = options["history_size"], options["history_ttl"]
    if bool(size) != bool(ttl):
        yield Mistake(place, "history takes both history_size and history_ttl")
    meta = options["history_meta_ttl"] or channel["history_meta_ttl"]
    if ttl > meta:
        yield Mistake(f"{place}.history_ttl", f"must not be longer than history_meta_ttl ({meta:g} s)")
    if options["force_recovery"] and not (size and ttl):
        yield Mistake(f"{place}.force_recovery", "takes history_size and history_ttl: there is nothing to recover from")
    if options["auto_cache_recover"] and not (options["force_recovery"] and options["force_recovery_mode"] == "cache"):
        yield Mistake(f"{place}.auto_cache_recover", 'takes force_recovery, and force_recovery_mode "cache"')
    yield from _deltas(options, place)
    yield from _receipts(options, place)
    yield from _slowness(options, place)
    try:
        re.compile(options["channel_regex"])
    except (re.error, OverflowError) as error:
        yield Mistake(f"{place}.channel_regex", f"is no regular expression: {getattr(error, 'msg', error)}")


def _slowness(options: Tree, place: str) -> Iterator[Mistake]:
    """What conflation leaves out nobody is told of: no hole may look like a whole."""
    if options["slow_policy"] != "conflate":
        return
    tied = [name for name in _POSITIONED if options[name]] if options["force_recovery_mode"] != "cache" else []
    tied += [name for name in ("allowed_delta_types", "receipts") if options[name]]
    if tied:
        but = ' without force_recovery_mode "cache"' * (tied[0] in _POSITIONED)
        yield Mistake(f"{place}.slow_policy", f"does not go with {', '.join(tied)}{but}", '"conflate"')


def _deltas(options: Tree, place: str) -> Iterator[Mistake]:
    for unknown in (each for each in options["allowed_delta_types"] if each != "fossil"):
        yield Mistake(f"{place}.allowed_delta_types", 'takes "fossil" only', f'"{unknown}"')


def _receipts(options: Tree, place: str) -> Iterator[Mistake]:
    timeout, ttl = options["receipt_timeout"], options["receipt_ttl"]
    if not options["receipts"]:
        if timeout:
            yield Mistake(f"{place}.receipt_timeout", "takes receipts")
        return
    if options["allow_tags_filter"]:
        yield Mistake(f"{place}.allow_tags_filter", "goes without receipts: nobody confirms what was filtered out")
    if not (options["history_size"] and options["history_ttl"]):
        yield Mistake(f"{place}.receipts", "takes history_size and history_ttl: what is missed comes from history")
    if timeout and timeout < _SHORTEST_RECEIPT:
        yield Mistake(
            f"{place}.receipt_timeout", f"must be at least {_SHORTEST_RECEIPT:g} s: receipts come once a second"
        )
    if ttl < max(1.0, timeout):
        yield Mistake(f"{place}.receipt_ttl", "must be at least 1 s, and not shorter than receipt_timeout")


def _personal_channel(values: Tree) -> Iterator[Mistake]:
    personal = values["client"]["subscribe_to_user_personal_channel"]
    name = personal["personal_channel_namespace"]
    if (
        personal["enabled"]
        and name
        and name not in {namespace["name"] for namespace in values["channel"]["namespaces"]}
    ):
        yield Mistake(
            "client.subscribe_to_user_personal_channel.personal_channel_namespace",
            "no namespace is called so",
            f'"{name}"',
        )


def _named(values: Tree) -> Iterator[Mistake]:
    from difflib import get_close_matches  # only needed when somebody erred

    known = {namespace["name"] for namespace in values["channel"]["namespaces"]}
    for name in values["prometheus"]["namespaces"]:
        if name != "*" and name not in known:
            like = get_close_matches(name, known, 1)
            meant = f"; {like[0]} is" if like else ""
            yield Mistake("prometheus.namespaces", f"no namespace is called so{meant}", f'"{name}"')


def _places(values: Tree) -> Iterator[Mistake]:
    http = values["http_server"]
    if http["port"] and http["port"] == http["internal_port"]:
        yield Mistake("http_server.internal_port", "must not be the public port", str(http["port"]))
    taken: dict[str, str] = {}
    for path, on in _prefixes(values).items():
        prefix = _at(values, path)
        if not prefix.startswith("/") or (len(prefix) > 1 and prefix.endswith("/")):
            yield Mistake(path, "takes a path that begins with / and does not end so", f'"{prefix}"')
        elif on and prefix in taken:
            yield Mistake(path, f"is the same as {taken[prefix]}", f'"{prefix}"')
        elif on:
            taken[prefix] = path


def _prefixes(values: Tree) -> dict[str, bool]:
    return {
        "websocket.handler_prefix": not values["websocket"]["disabled"],
        **{f"{name}.handler_prefix": values[name]["enabled"] for name in _TRANSPORTS},
        "emulation.handler_prefix": values["sse"]["enabled"] or values["http_stream"]["enabled"],
        "http_api.handler_prefix": not values["http_api"]["disabled"],
        "health.handler_prefix": values["health"]["enabled"],
        "init.handler_prefix": values["init"]["enabled"],
        "prometheus.handler_prefix": False,  # on the internal port
        "debug.handler_prefix": False,  # likewise
    }


def _secrets(client: Tree) -> Iterator[Mistake]:
    apart = client["subscription_token"]
    if apart["enabled"] and not apart["hmac_secret_key"]:
        yield Mistake(
            "client.subscription_token.hmac_secret_key", "is needed when client.subscription_token.enabled is on"
        )


def _listeners(http: Tree) -> Iterator[Mistake]:
    seen = {"public", "internal"}
    for index, listener in enumerate(http["listeners"]):
        place = f"http_server.listeners[{index}].name"
        if not _NAME.fullmatch(listener["name"]):
            yield Mistake(
                place, "takes two or more letters, digits, dashes, dots or underscores", f'"{listener["name"]}"'
            )
        elif listener["name"] in seen:
            yield Mistake(place, "is another listener's, too", f'"{listener["name"]}"')
        seen.add(listener["name"])
    for place, options in places_with_tls(http):
        yield from _tls(place, options)
    for place, options in (("http_server", http), *_numbered(http)):
        if options["proxy_protocol"] and not http["trusted_proxies"]:
            yield Mistake(f"{place}.proxy_protocol", "takes http_server.trusted_proxies: who may say it")


def _numbered(http: Tree) -> list[tuple[str, Tree]]:
    return [(f"http_server.listeners[{index}]", each) for index, each in enumerate(http["listeners"])]


def _tls(place: str, tls: Tree) -> Iterator[Mistake]:
    if tls["enabled"]:
        for name in ("user_from", "client_certificate"):
            if tls[name] and not tls["client_ca_pem"]:
                yield Mistake(f"{place}.{name}", "takes client_ca_pem: nobody else says whose certificate it is")


def _proxies(http: Tree) -> Iterator[Mistake]:
    for text in http["trusted_proxies"]:
        try:
            ip_network(text.strip(), strict=False)
        except ValueError:
            yield Mistake("http_server.trusted_proxies", 'takes networks such as "10.0.0.0/8"', f'"{text}"')
    for name in ("max_url_length", "max_header_bytes"):
        if http[name] < 1024:
            yield Mistake(f"http_server.{name}", "must be at least 1024: a token has to fit in", str(http[name]))


def _at(values: Tree, path: str) -> str:
    here: Any = values
    for step in path.split("."):
        here = here[step]
    return str(here)
