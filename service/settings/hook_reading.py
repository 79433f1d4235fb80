"""Checked values of hooks -> what access is built from."""

from collections.abc import Iterator, Mapping
from typing import Any

from service.access.hook_settings import DEFAULT, HookSettings, HooksSettings, RpcRules
from service.outside.tls import ClientTls
from service.protocol.closing import Closing, by_hook
from service.protocol.errors import ReplyError

Tree = dict[str, Any]


def hooks(values: Tree) -> HooksSettings:
    """All endpoints that somebody asks."""
    client, channel, rpc = values["client"]["proxy"], values["channel"]["proxy"], values["rpc"]
    named = {proxy["name"]: _hook(proxy, proxy["name"]) for proxy in values["proxies"]}
    namespaces = [values["channel"]["without_namespace"], *values["channel"]["namespaces"]]
    calls = [rpc["without_namespace"], *rpc["namespaces"]]
    return HooksSettings(
        connect=_hook(client["connect"]) if client["connect"]["enabled"] else None,
        refresh=_hook(client["refresh"]) if client["refresh"]["enabled"] else None,
        subscribe=_asked(_of_kind(namespaces, "subscribe_"), channel["subscribe"], named),
        sub_refresh=_asked(_of_kind(namespaces, "sub_refresh_"), channel["sub_refresh"], named),
        publish=_asked(_of_kind(namespaces, "publish_"), channel["publish"], named),
        rpc=_asked(_of_kind(calls, ""), rpc["proxy"], named),
        rpc_rules=RpcRules(
            without=_name(rpc["without_namespace"]),
            named={space["name"]: _name(space) for space in rpc["namespaces"]},
            boundary=rpc["namespace_boundary"],
        ),
    )


def _of_kind(spaces: list[Tree], prefix: str) -> Iterator[str]:
    return (name for space in spaces if (name := _name(space, prefix)) is not None)


def _name(space: Tree, prefix: str = "") -> str | None:
    return (space[f"{prefix}proxy_name"] or DEFAULT) if space[f"{prefix}proxy_enabled"] else None


def _asked(names: Iterator[str], default: Tree, named: Mapping[str, HookSettings]) -> dict[str, HookSettings]:
    return {name: _hook(default) if name == DEFAULT else named[name] for name in names}


def _hook(proxy: Tree, name: str = DEFAULT) -> HookSettings:
    return HookSettings(
        endpoint=proxy["endpoint"],
        name=name,
        timeout=proxy["timeout"],
        http_headers=frozenset(header.lower() for header in proxy["http_headers"]),
        emulated_headers=frozenset(header.lower() for header in proxy["emulated_headers"]),
        static_headers=proxy["http"]["static_headers"],
        include_connection_meta=proxy["include_connection_meta"],
        binary_encoding=proxy["binary_encoding"],
        tls=client_tls(proxy["http"]["tls"]),
        statuses={each["status_code"]: _verdict(each) for each in proxy["http"]["status_to_code_transforms"]},
    )


def client_tls(options: Tree) -> ClientTls | None:
    """How a hook speaks TLS; None: as the system says."""
    names = ("server_ca_pem", "cert_pem", "key_pem", "server_name", "insecure_skip_verify")
    return ClientTls(**{name: options[name] for name in names}) if options["enabled"] else None


def _verdict(transform: Tree) -> ReplyError | Closing:
    error, disconnect = transform["to_error"], transform["to_disconnect"]
    if error["code"]:
        return ReplyError(error["code"], error["message"], error["temporary"])
    return by_hook(disconnect["code"], disconnect["reason"])
