"""Hooks: what is asked of the user's backend, where, and with which headers. Bounded by the lines of ``outside/``.

Every question has one of these ends: the result, a ``Refusal`` in the backend's own words, or ``OutsideFailed``.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from msgspec import Raw

from observability import names
from observability.names import Figure
from observability.observers.outside import OutsideObserver
from observability.tracing import Link
from service.access.hook_messages import (
    Asked,
    ConnectResult,
    Nonsense,
    PublishResult,
    RefreshResult,
    Refusal,
    RpcResult,
    SubscribeResult,
    encoded,
    read,
)
from service.access.hook_settings import DEFAULT, HookSettings, HooksSettings
from service.channels.namespaces import Namespace
from service.outside.failures import OutsideFailed
from service.outside.http_client import Http, HttpQuestion
from service.outside.line import Line, LineSettings
from service.outside.retry import RetrySettings
from service.outside.tls import CurrentTls
from service.protocol.errors import METHOD_NOT_FOUND, NOT_AVAILABLE, ClientMistake
from service.protocol.messages import ConnectRequest

LONGEST_HEADER: Final = 8192  # characters; backends take no longer ones
_ONCE: Final = RetrySettings(tries=1)
_ACTS: Final = frozenset({"publish", "rpc"})  # the backend may do something then: never ask twice


@dataclass(slots=True)
class Caller:
    """What hooks get to know of a client beside its commands; only of headers that some hook wants."""

    headers: Mapping[str, str] = field(default_factory=dict)  # of its upgrade, names in small letters
    emulated: Mapping[str, str] = field(default_factory=dict)  # of its connect command
    transport: str = "websocket"
    meta: Raw = field(default_factory=Raw)  # of the token or the connect hook


@dataclass(slots=True)
class Client:
    """For whom is asked."""

    id: str
    protocol: str  # json or protobuf
    user: str | None = None  # None: that is the question
    caller: Caller | None = None
    near: Link | None = None  # the sampled upgrade that waits


class Hooks:
    """The backend's side of every decision that the configuration leaves to it."""

    __slots__ = ("_http", "_lines", "_settings", "_tls", "observe")

    def __init__(self, settings: HooksSettings, http: Http, observe: OutsideObserver) -> None:
        """Read the certificates that go to the backend.

        Raises:
            BadCertificate: one cannot be used.

        """
        self._settings = settings
        self._http = http
        self.observe = observe
        self._lines = {
            (kind, hook.name): Line(
                hook.name,
                kind,
                LineSettings(budget=hook.timeout, retry=_ONCE if kind in _ACTS else RetrySettings()),
                observe,
            )
            for kind, hook in settings.each()
        }
        self._tls = {
            tls: CurrentTls(", ".join(backends), tls, observe) for tls, backends in settings.backends_by_tls.items()
        }

    def look(self, now: float, _stall: float = 0.0) -> None:
        """Have certificate files been replaced? See ``PemFiles.look``."""
        for each in self._tls.values():
            each.files.look(now)

    def renew_certificates(self) -> None:
        """Read all certificate files again; what cannot be used changes nothing."""
        for each in self._tls.values():
            each.files.reload()

    # ------------------------------------------------------------------- what is asked

    @property
    def on_connect(self) -> bool:
        """Whether clients without a token are the backend's to judge."""
        return self._settings.connect is not None

    @property
    def on_rpc(self) -> bool:
        """Whether some calls are the backend's to answer."""
        return self._settings.rpc_rules.any

    def caller(self, headers: Mapping[str, str], transport: str = "websocket") -> Caller | None:
        """What is to be kept of an upgrade's headers; None when no hook asks for any."""
        wanted = self._settings.http_headers
        if not wanted and transport == "websocket":
            return None
        found = {name.lower(): value for name, value in headers.items() if name.lower() in wanted}
        return Caller(found, transport=transport) if found or transport != "websocket" else None

    def introduce(self, caller: Caller | None, emulated: Mapping[str, str] | None) -> Caller | None:
        """Add what the connect command says of itself, as far as some hook wants it."""
        if not emulated:
            return caller
        wanted = self._settings.emulated_headers
        found = {
            name.lower(): value for name, value in emulated.items() if name.lower() in wanted and _may_stand(value)
        }
        if not found:
            return caller
        known = caller or Caller()
        return Caller(known.headers, found, known.transport, known.meta)

    # --------------------------------------------------------------------- the questions

    async def connect(self, client: Client, request: ConnectRequest) -> ConnectResult | None:
        """Who is this? None: the backend does not know, so it is a client without credentials."""
        hook = self._settings.connect
        assert hook is not None, "no connect hook is configured"
        asked = self._asked(hook, client)
        asked.name, asked.version = request.name, request.version
        asked.channels = sorted(request.subs or ())
        asked.with_data(request.data, binary=hook.binary_encoding)
        result: ConnectResult | None = await self._ask("connect", hook, client, asked)
        return result

    async def refresh(self, client: Client) -> RefreshResult | None:
        """May the connection go on? None: no."""
        hook = self._settings.refresh
        assert hook is not None, "no refresh hook is configured"
        result: RefreshResult | None = await self._ask("refresh", hook, client, self._asked(hook, client))
        return result

    async def subscribe(self, client: Client, namespace: Namespace, channel: str, data: Raw) -> SubscribeResult:
        """May it enter?"""
        hook = self._settings.subscribe[namespace.subscribe_proxy_name or DEFAULT]
        asked = self._asked(hook, client, channel)
        asked.with_data(data, binary=hook.binary_encoding)
        result: SubscribeResult | None = await self._ask("subscribe", hook, client, asked)
        return result or SubscribeResult()

    async def sub_refresh(self, client: Client, namespace: Namespace, channel: str) -> RefreshResult | None:
        """May the subscription go on? None: no."""
        hook = self._settings.sub_refresh[namespace.sub_refresh_proxy_name or DEFAULT]
        result: RefreshResult | None = await self._ask("sub_refresh", hook, client, self._asked(hook, client, channel))
        return result

    async def publish(self, client: Client, namespace: Namespace, channel: str, data: Raw) -> PublishResult:
        """May it publish this, and shall it be changed?"""
        hook = self._settings.publish[namespace.publish_proxy_name or DEFAULT]
        asked = self._asked(hook, client, channel)
        asked.with_data(data, binary=hook.binary_encoding)

        def fits(result: PublishResult | None) -> None:
            if result is not None and result.data:
                namespace.check_data(bytes(result.data))

        result: PublishResult | None = await self._ask("publish", hook, client, asked, fits)
        return result or PublishResult()

    async def rpc(self, client: Client, method: str, data: Raw) -> RpcResult:
        """Answer a call.

        Raises:
            ClientMistake: METHOD_NOT_FOUND for an unknown namespace, NOT_AVAILABLE where no hook is switched on.

        """
        hook = self._settings.rpc[self._rpc_name(method)]
        asked = self._asked(hook, client)
        asked.method = method
        asked.with_data(data, binary=hook.binary_encoding)
        result: RpcResult | None = await self._ask("rpc", hook, client, asked)
        return result or RpcResult()

    def figures(self) -> Iterator[Figure]:
        """What a scrape shows."""
        for line in self._lines.values():
            yield from line.figures()
        for backend, expires in self._expiries().items():
            yield Figure(names.OUTSIDE_CERTIFICATE_EXPIRY.name, (backend,), expires - time.time())

    def _expiries(self) -> dict[str, float]:
        """By backend, when the first certificate of ours towards it ends (Unix time); without those that need none."""
        found: dict[str, float] = {}
        for tls, backends in self._settings.backends_by_tls.items():
            expires = self._tls[tls].secured.expires
            if expires != inf:
                found |= {backend: min(expires, found.get(backend, inf)) for backend in backends}
        return found

    # ---------------------------------------------------------------------------- asking

    def _rpc_name(self, method: str) -> str:
        rules = self._settings.rpc_rules
        namespace, boundary, _ = method.partition(rules.boundary) if rules.boundary else (method, "", "")
        if not boundary:
            name = rules.without
        elif namespace in rules.named:
            name = rules.named[namespace]
        else:
            raise ClientMistake(METHOD_NOT_FOUND)
        if name is None:
            raise ClientMistake(NOT_AVAILABLE)
        return name

    def _asked(self, hook: HookSettings, client: Client, channel: str = "") -> Asked:
        return Asked(
            client=client.id,
            transport="websocket" if client.caller is None else client.caller.transport,
            protocol=client.protocol,
            encoding="binary" if hook.binary_encoding else "json",
            user=client.user,
            channel=channel,
            meta=client.caller.meta or None if hook.include_connection_meta and client.caller is not None else None,
        )

    async def _ask(
        self, kind: str, hook: HookSettings, client: Client, asked: Asked, fits: Callable[[Any], None] | None = None
    ) -> Any:
        """The result; an answer that is nonsense counts as a failure of the backend, for the breaker too.

        Raises:
            Refusal: the backend says no, or its status is configured to mean that.
            OutsideFailed: there is no answer.

        """
        call = self.observe.calling(hook.name, kind, client.id, client.user or "", client.near)
        headers = self._headers(hook, client.caller)
        if call.traceparent:
            headers["traceparent"] = call.traceparent
        question = HttpQuestion(
            "POST", hook.endpoint, headers, encoded(asked), None if hook.tls is None else self._tls[hook.tls].secured
        )

        async def attempt(limit: float) -> _Read:
            return _reading(kind, await self._http(question, limit), client, fits)

        try:
            found = await self._lines[kind, hook.name].call(call, attempt)
        except OutsideFailed as failure:
            verdict = hook.statuses.get(failure.status) if failure.result == "status" else None
            if verdict is None:
                raise
            raise Refusal(verdict) from None
        if found.refusal is not None:
            raise found.refusal
        return found.result

    def _headers(self, hook: HookSettings, caller: Caller | None) -> dict[str, str]:
        """Static ones, then the client's own words, then its transport's headers; later ones win."""
        headers = {name.lower(): value for name, value in hook.static_headers.items()}
        if caller is not None:
            headers |= {name: caller.emulated[name] for name in hook.emulated_headers if name in caller.emulated}
            headers |= {name: caller.headers[name] for name in hook.http_headers if name in caller.headers}
        headers["content-type"] = "application/json"
        return headers


@dataclass(slots=True)
class _Read:
    """An answer that came in good health, whatever it says."""

    result: Any = None
    refusal: Refusal | None = None


def _may_stand(value: str) -> bool:
    """Whether a client's words can be a header: one line, and not without end."""
    return len(value) <= LONGEST_HEADER and not any(letter < " " or letter == "\x7f" for letter in value)


def _reading(kind: str, body: bytes, client: Client, fits: Callable[[Any], None] | None) -> _Read:
    try:
        result = read(kind, body, for_json=client.protocol == "json")
        if fits is not None:
            fits(result)
    except Refusal as refusal:
        return _Read(refusal=refusal)
    except Nonsense as nonsense:
        raise OutsideFailed("garbage", str(nonsense), 200) from None
    except ClientMistake:
        raise OutsideFailed("garbage", "the answer's data is not of the channel's format", 200) from None
    return _Read(result)
