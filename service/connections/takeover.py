"""All that we know of aiohttp's inside: from its answer 101 the transport belongs to our protocol.

aiohttp parses the request, routes it, runs middlewares and signals and writes the 101. Then, without an await in
between, the transport is given to the connection and aiohttp's protocol is told that its connection is lost, so that
it frees all it has. Every attribute used here has a guard test in tests/service/connections/test_takeover.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, cast

import aiohttp
from aiohttp import web
from aiohttp.http_writer import _serialize_headers
from multidict import CIMultiDict

_STATUS_LINE = "HTTP/1.1 101 Switching Protocols"
KNOWN = (3, 14)  # the minor release whose inside the guard tests describe


class UnknownRelease(Exception):  # noqa: N818 - says what is wrong
    """An aiohttp whose inside was never checked."""


class Heir(Protocol):
    """The protocol that takes the transport over."""

    def attach(self, transport: asyncio.Transport) -> None:
        """Called once, after ``set_protocol``."""

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer."""


def check_release(version: str = aiohttp.__version__) -> None:
    """Refuse an aiohttp release that the guard tests do not know.

    Raises:
        UnknownRelease: with a sentence for the operator.

    """
    if tuple(int(part) for part in version.split(".")[:2]) != KNOWN:
        wanted = ".".join(map(str, KNOWN))
        raise UnknownRelease(
            f"aiohttp {version} is installed, but Heliograph takes sockets over from aiohttp {wanted} only. "
            f"Install it with: pip install 'aiohttp~={wanted}.0'"
        )


class SwitchingProtocols(web.StreamResponse):
    """The answer 101. Its ``on_response_prepare`` signals run in a guard: none of them can break the upgrade.

    The head is written as it stands, without what aiohttp adds to an answer that has a body (Date, Server, length).
    """

    def __init__(self, headers: Mapping[str, str], guard: Callable[[Awaitable[None]], Awaitable[None]]) -> None:
        super().__init__(status=101, headers=headers)
        self._agreed = headers
        self._signals_guard = guard
        self.force_close()

    async def _start(self, request: web.BaseRequest) -> aiohttp.abc.AbstractStreamWriter:
        self._req = request
        writer = self._payload_writer = request._payload_writer  # noqa: SLF001
        signalled: list[bytes] = []
        if _has_signals(request):
            await self._signals_guard(self._send_signals(request, signalled))
        head = signalled[0] if signalled else _serialize_headers(_STATUS_LINE, CIMultiDict(self._agreed))
        if request.transport is not None:
            request.transport.write(head)
        return writer

    async def _send_signals(self, request: web.BaseRequest, head: list[bytes]) -> None:
        """The head with what the signals add; a header that cannot be sent raises, and the head goes out without it."""
        await request._prepare_hook(self)  # noqa: SLF001
        head.append(_serialize_headers(_STATUS_LINE, self.headers))


def _has_signals(request: web.BaseRequest) -> bool:
    match = request.match_info if isinstance(request, web.Request) else None
    return match is not None and any(app.on_response_prepare for app in match._apps)  # noqa: SLF001


def transport_of(request: web.BaseRequest) -> asyncio.Transport | None:
    """The socket's transport, None when the peer left while we were thinking."""
    return request.transport


def hand_over(request: web.BaseRequest, heir: Heir) -> bool:
    """Move the transport from aiohttp to ``heir``; False when the peer has left.

    Synchronous on purpose: bytes that arrive meanwhile would go to the wrong reader. Those that came in the segment
    of the request are handed on.
    """
    handler = request.protocol
    transport = transport_of(request)
    if transport is None or transport.is_closing():
        return False
    early = handler._message_tail  # noqa: SLF001
    handler._message_tail = b""  # noqa: SLF001
    handler.transport = None  # else the next but one call would close it
    transport.set_protocol(cast("asyncio.BaseProtocol", heir))
    heir.attach(transport)
    handler.connection_lost(None)
    if not transport.is_reading():  # aiohttp pauses a peer that sends much before it is answered
        transport.resume_reading()
    if early:
        heir.data_received(early)
    return True
