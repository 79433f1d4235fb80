"""Pure: what does not go together among the settings of hooks."""

import re
from collections.abc import Iterator
from typing import Any, Final

from service.access.hook_settings import DEFAULT
from service.protocol.closing import LONGEST_REASON
from service.settings.doors import clocks_of
from service.settings.hook_options import HOOKS_OF_CHANNELS, HOOKS_OF_CLIENTS
from service.settings.mistakes import Mistake
from service.settings.token_agreement import unreachable

Tree = dict[str, Any]
_NAME: Final = re.compile(r"[-a-zA-Z0-9_.]{2,}")
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_OURS: Final = re.compile(
    r"content-.*|host|connection|upgrade|transfer-encoding|te|trailer|keep-alive|expect|traceparent|sec-websocket-.*",
    re.IGNORECASE,
)


def hooks(values: Tree) -> Iterator[Mistake]:
    """Everything about hooks."""
    client = values["client"]
    for kind in HOOKS_OF_CLIENTS:
        if client["proxy"][kind]["enabled"]:
            yield from _endpoint(client["proxy"][kind], f"client.proxy.{kind}")
    greeting = clocks_of(values).greeting
    if client["proxy"]["connect"]["enabled"] and client["proxy"]["connect"]["timeout"] >= greeting:
        yield Mistake("client.proxy.connect.timeout", f"must be shorter than client.stale_close_delay ({greeting:g} s)")
    yield from _proxies(values["proxies"])
    yield from _channels(values)
    yield from _calls(values)


def places_of_hooks(values: Tree) -> Iterator[tuple[str, Tree]]:
    """Every place where a hook's options stand, asked or not."""
    client, channel = values["client"]["proxy"], values["channel"]["proxy"]
    yield from ((f"client.proxy.{kind}", client[kind]) for kind in HOOKS_OF_CLIENTS)
    yield from ((f"channel.proxy.{kind}", channel[kind]) for kind in HOOKS_OF_CHANNELS)
    yield "rpc.proxy", values["rpc"]["proxy"]
    yield from ((f"proxies[{index}]", proxy) for index, proxy in enumerate(values["proxies"]))


def _proxies(proxies: list[Tree]) -> Iterator[Mistake]:
    seen = {DEFAULT}
    for index, proxy in enumerate(proxies):
        place, name = f"proxies[{index}]", proxy["name"]
        if not _NAME.fullmatch(name):
            yield Mistake(f"{place}.name", "takes two or more letters, digits, dashes, dots or underscores")
        elif name in seen:
            taken = "means the one without a name" if name == DEFAULT else "is another hook's, too"
            yield Mistake(f"{place}.name", taken, f'"{name}"')
        seen.add(name)
        yield from _endpoint(proxy, place)


def _channels(values: Tree) -> Iterator[Mistake]:
    channel = values["channel"]
    spaces = [("channel.without_namespace", channel["without_namespace"])]
    spaces += [(f"channel.namespaces[{index}]", each) for index, each in enumerate(channel["namespaces"])]
    for kind in HOOKS_OF_CHANNELS:
        place = f"channel.proxy.{kind}"
        users = [
            (f"{where}.{kind}_proxy_", space[f"{kind}_proxy_name"], space[f"{kind}_proxy_enabled"])
            for where, space in spaces
        ]
        yield from _used(users, channel["proxy"][kind], place, values["proxies"])


def _calls(values: Tree) -> Iterator[Mistake]:
    rpc = values["rpc"]
    spaces = [("rpc.without_namespace", rpc["without_namespace"])]
    spaces += [(f"rpc.namespaces[{index}]", each) for index, each in enumerate(rpc["namespaces"])]
    users = [(f"{where}.proxy_", space["proxy_name"], space["proxy_enabled"]) for where, space in spaces]
    yield from _used(users, rpc["proxy"], "rpc.proxy", values["proxies"])
    seen: set[str] = set()
    for index, space in enumerate(rpc["namespaces"]):
        name = space["name"]
        if not _NAME.fullmatch(name):
            yield Mistake(
                f"rpc.namespaces[{index}].name", "takes two or more letters, digits, dashes, dots or underscores"
            )
        elif name in seen:
            yield Mistake(f"rpc.namespaces[{index}].name", "is another namespace's, too", f'"{name}"')
        seen.add(name)


def _used(users: list[tuple[str, str, bool]], default: Tree, place: str, proxies: list[Tree]) -> Iterator[Mistake]:
    """The default endpoint counts once somebody asks it; other names must be among the proxies."""
    known = {proxy["name"] for proxy in proxies}
    used = [(where, name or DEFAULT) for where, name, enabled in users if enabled]
    if any(name == DEFAULT for _, name in used):
        yield from _endpoint(default, place)
    for where, name in used:
        if name != DEFAULT and name not in known:
            yield Mistake(f"{where}name", "no hook of proxies is called so", f'"{name}"')


def _endpoint(proxy: Tree, place: str) -> Iterator[Mistake]:
    endpoint = proxy["endpoint"]
    if endpoint.startswith("grpc://"):
        yield Mistake(f"{place}.endpoint", "hooks go over HTTP here, not gRPC", f'"{endpoint}"')
    elif (fault := unreachable(endpoint)) is not None:
        yield Mistake(f"{place}.endpoint", fault, f'"{endpoint}"' * bool(endpoint))
    if proxy["timeout"] <= 0:
        yield Mistake(f"{place}.timeout", "must be above 0: a hook without an end would hold its client for ever")
    yield from _tls(proxy["http"]["tls"], endpoint, f"{place}.http.tls")
    yield from _headers(proxy, place)
    for index, each in enumerate(proxy["http"]["status_to_code_transforms"]):
        yield from _transform(each, f"{place}.http.status_to_code_transforms[{index}]")


def _tls(tls: Tree, endpoint: str, place: str) -> Iterator[Mistake]:
    if tls["enabled"] and endpoint.startswith("http://"):
        yield Mistake(f"{place}.enabled", "the endpoint begins with http://, so nothing would be encrypted: https://")


def _headers(proxy: Tree, place: str) -> Iterator[Mistake]:
    for option, names in (
        ("http_headers", proxy["http_headers"]),
        ("emulated_headers", proxy["emulated_headers"]),
        ("http.static_headers", proxy["http"]["static_headers"]),
    ):
        for name in names:
            if not _HEADER.fullmatch(name):
                yield Mistake(f"{place}.{option}", "no header is called so", f'"{name}"')
            elif _OURS.fullmatch(name):
                yield Mistake(f"{place}.{option}", "this header is made for each question anew", f'"{name}"')


def _transform(transform: Tree, place: str) -> Iterator[Mistake]:
    error, disconnect = transform["to_error"], transform["to_disconnect"]
    if not 100 <= transform["status_code"] <= 599:
        yield Mistake(f"{place}.status_code", "takes an HTTP status", str(transform["status_code"]))
    if bool(error["code"]) == bool(disconnect["code"]):
        yield Mistake(place, "takes either to_error or to_disconnect, with its code")
    elif disconnect["code"] and not 3000 <= disconnect["code"] <= 4999:
        yield Mistake(f"{place}.to_disconnect.code", "takes 3000 to 4999", str(disconnect["code"]))
    if len(disconnect["reason"].encode()) > LONGEST_REASON:
        yield Mistake(f"{place}.to_disconnect.reason", f"takes at most {LONGEST_REASON} bytes")
