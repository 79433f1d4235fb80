"""Where hooks lead and how they are asked. Names and structure are Centrifugo's (proxies)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from service.outside.tls import ClientTls
from service.protocol.closing import Closing
from service.protocol.errors import ReplyError

DEFAULT: Final = "default"  # the name of what stands at client.proxy, channel.proxy and rpc.proxy


@dataclass(frozen=True, slots=True, repr=False)
class HookSettings:
    """One endpoint."""

    endpoint: str
    name: str = DEFAULT  # the label of its figures; client.proxy and the like have no name of their own
    timeout: float = 1.0  # seconds for everything: waiting, tries and pauses
    http_headers: frozenset[str] = frozenset()  # of the upgrade, in small letters, that are handed on
    emulated_headers: frozenset[str] = frozenset()  # of the connect command: whatever the client says
    static_headers: Mapping[str, str] = field(default_factory=dict)
    include_connection_meta: bool = False
    binary_encoding: bool = False
    tls: ClientTls | None = None  # None: https as the system says
    statuses: Mapping[int, ReplyError | Closing] = field(default_factory=dict)  # what a status tells the client


@dataclass(frozen=True, slots=True)
class RpcRules:
    """Which methods are asked where: by what stands before the boundary. None: not switched on there."""

    without: str | None = None
    named: Mapping[str, str | None] = field(default_factory=dict)
    boundary: str = ":"

    @property
    def any(self) -> bool:
        """Whether any method is asked anywhere."""
        return self.without is not None or any(hook is not None for hook in self.named.values())


@dataclass(frozen=True)
class HooksSettings:
    """All endpoints: those of kinds without names, and for the others by name. What each connection asks is kept."""

    connect: HookSettings | None = None
    refresh: HookSettings | None = None
    subscribe: Mapping[str, HookSettings] = field(default_factory=dict)
    sub_refresh: Mapping[str, HookSettings] = field(default_factory=dict)
    publish: Mapping[str, HookSettings] = field(default_factory=dict)
    rpc: Mapping[str, HookSettings] = field(default_factory=dict)
    rpc_rules: RpcRules = RpcRules()

    def each(self) -> list[tuple[str, HookSettings]]:
        """Every kind with its endpoints."""
        single = (("connect", self.connect), ("refresh", self.refresh))
        found = [(kind, hook) for kind, hook in single if hook is not None]
        by_name = (
            ("subscribe", self.subscribe),
            ("sub_refresh", self.sub_refresh),
            ("publish", self.publish),
            ("rpc", self.rpc),
        )
        return found + [(kind, hook) for kind, hooks in by_name for hook in hooks.values()]

    @property
    def backends_by_tls(self) -> dict[ClientTls, list[str]]:
        """Which endpoints, by name, are asked in which way over TLS."""
        found: dict[ClientTls, list[str]] = {}
        for _, hook in self.each():
            if hook.tls is not None and hook.name not in found.setdefault(hook.tls, []):
                found[hook.tls].append(hook.name)
        return found

    @property
    def names(self) -> list[str]:
        """The names of all endpoints: labels of figures."""
        return sorted({hook.name for _, hook in self.each()})

    @property
    def tells_meta(self) -> bool:
        """Whether some hook is told of the meta."""
        return any(hook.include_connection_meta for _, hook in self.each())

    @cached_property
    def http_headers(self) -> frozenset[str]:
        """The headers of an upgrade that some hook wants."""
        return frozenset().union(*(hook.http_headers for _, hook in self.each()))

    @cached_property
    def emulated_headers(self) -> frozenset[str]:
        """The headers of a connect command that some hook wants."""
        return frozenset().union(*(hook.emulated_headers for _, hook in self.each()))
