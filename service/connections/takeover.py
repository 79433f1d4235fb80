"""All that we know of aiohttp's inside: from its answer 101 the transport belongs to our protocol.

aiohttp parses the request, routes it, runs middlewares and signals and writes the 101. Then, without an await in
between, the transport is given to the connection and aiohttp's protocol is told that its connection is lost, so that
it frees all it has. Every attribute used here has a guard test in tests/service/connections/test_takeover.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Protocol, cast

import aiohttp
from aiohttp import web, web_response
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_writer import _serialize_headers
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from service.connections.deadlines import Clocks
from service.connections.limits import HttpLimits

SERVER = "Heliograph"  # the Server header of every answer: a name, and no version for those who look for a hole
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


def settle() -> None:
    """Before the first socket: an aiohttp that we know, and that does not tell its version.

    Raises:
        UnknownRelease: of aiohttp.

    """
    check_release()
    say_no_version()


def say_no_version() -> None:
    """Aiohttp puts its own version and Python's into each answer. A signal would cost every upgrade, this nothing."""
    web_response.SERVER_SOFTWARE = SERVER  # type: ignore[attr-defined]  # not exported, but what its answers take


class Head(web.StreamResponse):
    """An answer's head. Its ``on_response_prepare`` signals run in a guard: none of them can break the upgrade.

    The head is written as it stands, without what aiohttp adds to an answer that has a body (Date, Server, length).
    """

    def __init__(
        self,
        status: HTTPStatus,
        headers: Mapping[str, str],
        guard: Callable[[Awaitable[None]], Awaitable[None]],
        body: bytes = b"",
    ) -> None:
        super().__init__(status=status, headers=headers)
        self._first_bytes = body
        self._line = f"HTTP/1.1 {status.value} {status.phrase}"
        self._agreed = headers
        self._signals_guard = guard
        self.force_close()

    async def _start(self, request: web.BaseRequest) -> aiohttp.abc.AbstractStreamWriter:
        self._req = request
        writer = self._payload_writer = request._payload_writer  # noqa: SLF001
        signalled: list[bytes] = []
        if _has_signals(request):
            await self._signals_guard(self._send_signals(request, signalled))
        head = signalled[0] if signalled else _serialize_headers(self._line, CIMultiDict(self._agreed))
        if request.transport is not None:
            self._ready(request.transport, head + self._first_bytes)
        return writer

    def _ready(self, transport: asyncio.Transport, head: bytes) -> None:
        transport.write(head)

    async def _send_signals(self, request: web.BaseRequest, head: list[bytes]) -> None:
        """The head with what the signals add; a header that cannot be sent raises, and the head goes out without it."""
        await request._prepare_hook(self)  # noqa: SLF001
        head.append(_serialize_headers(self._line, self.headers))


class SwitchingProtocols(Head):
    """The answer 101."""

    def __init__(self, headers: Mapping[str, str], guard: Callable[[Awaitable[None]], Awaitable[None]]) -> None:
        super().__init__(HTTPStatus.SWITCHING_PROTOCOLS, headers, guard)


class EndlessBody(Head):
    """The answer 200 whose body is ours to write after ``hand_over``; its first bytes go with the head."""

    def __init__(
        self, headers: Mapping[str, str], guard: Callable[[Awaitable[None]], Awaitable[None]], body: bytes = b""
    ) -> None:
        super().__init__(HTTPStatus.OK, headers, guard, body)


class WithheldBody(EndlessBody):
    """The same, but not written: whoever takes the transport over says when, if ever."""

    kept = b""

    def _ready(self, transport: asyncio.Transport, head: bytes) -> None:
        del transport
        self.kept = head


class Host(Protocol):
    """A listener, as its visitors know it (``doorstep.py``)."""

    name: str
    clocks: Clocks
    limits: HttpLimits

    def came(self, visitor: "Visitor") -> bool:
        """A socket was accepted; False when there is no room for it."""

    def went(self, visitor: "Visitor") -> None:
        """It left, or was taken over."""

    def identify(self, transport: asyncio.BaseTransport) -> str:
        """The user that the client's certificate names, "" for nobody."""

    def refuse(self, visitor: "Visitor", cause: str, status: int = 0) -> None:
        """End it: with this HTTP status, or 0 without a word."""

    def refused(self, visitor: "Visitor", cause: str, status: int) -> str:
        """Aiohttp answers it with this status; the sentence that goes with it."""


class Visitor(RequestHandler):
    """aiohttp's protocol on a socket that nobody has taken over yet, and what it owes us.

    ``since`` is the loop time since when the peer owes us the rest of a request, 0.0 when it owes nothing.
    ``body`` is the body that is still coming.
    """

    __slots__ = ("address", "body", "head", "host", "identity", "since")

    def __init__(self, host: Host, server: web.Server) -> None:
        limits = host.limits
        super().__init__(
            server,
            loop=server._loop,  # noqa: SLF001
            access_log=None,  # type: ignore[arg-type]  # its words for: none
            tcp_keepalive=False,  # the listener has TCP_USER_TIMEOUT, connections have pings
            keepalive_timeout=limits.keepalive,
            max_line_size=limits.url_length,
            max_headers=limits.header_count,
            max_field_size=limits.header_bytes,
            auto_decompress=False,  # a bomb of 0.5 MB would keep the loop for a second, whatever its key
        )
        self.host = host
        self.since = 0.0
        self.head = 0  # bytes of the head so far
        self.body: StreamReader | None = None
        self.address = ""  # the client's, when the socket's is a proxy's
        self.identity = ""  # the user that a client certificate names

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A socket was accepted: it owes us a head."""
        super().connection_made(transport)
        self.since = self._loop.time()
        self.identity = self.host.identify(transport)
        if not self.host.came(self):
            self.host.refuse(self, "visitors", 503)

    def connection_lost(self, exc: BaseException | None) -> None:
        """It left, or was taken over."""
        self.body = None
        self.host.went(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of requests, and the clock that runs for them."""
        if self._upgraded:
            super().data_received(data)
            return
        if not self.since:
            self.since, self.head = self._loop.time(), 0
        before = self._request_count
        super().data_received(data)
        if self._request_count == before:
            self._more(len(data))
            return
        self.head = 0
        body = self._messages[-1][1]
        self.body, self.since = (None, 0.0) if body.is_eof() else (body, self._loop.time())
        if len(self._messages) > self.host.limits.pipelined:
            self.host.refuse(self, "pipelining")

    def _more(self, size: int) -> None:
        """No request became whole: more of a head, or of a body."""
        if self.body is None:
            self.head += size
            if self.head > self.host.limits.header_bytes:
                self.host.refuse(self, "head_too_large", 431)
        elif self.body.is_eof():
            self.body, self.since = None, 0.0

    @property
    def idle(self) -> bool:
        """Kept alive, between two requests."""
        return not self.since and not self._messages and self._current_request is None

    def too_late(self) -> bool:
        """The body does not come: its reader, if there is one, answers 408; False when nobody reads."""
        body, self.body, self.since = self.body, None, 0.0
        if body is None or self._current_request is None:
            return False
        self._lingering_time = 0.0  # else aiohttp waits for the rest after its answer, and stumbles over this exception
        body.set_exception(web.HTTPRequestTimeout(text="The request's body did not come in time.\n"))
        return True

    def end(self, answer: bytes) -> None:
        """Write the last bytes, if any, and close."""
        self.since = 0.0
        if self.transport is not None:
            if answer:
                self.transport.write(answer)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """A request that cannot be read is the peer's mistake: an answer and a counter instead of a traceback."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        cause, status = self._mistake(exc)
        answer = web.Response(status=status, text=self.host.refused(self, cause, status))
        answer.force_close()
        return answer

    def _mistake(self, exc: HttpProcessingError) -> tuple[str, int]:
        if isinstance(exc, LineTooLong):
            line = exc.args[0] if isinstance(exc.args[0], bytes) else str(exc.args[0]).encode()
            of_url = exc.args[1] == self.max_line_size and (
                self.max_field_size != self.max_line_size or line[:1] == b"/"
            )
            return ("url_too_long", 414) if of_url else ("head_too_large", 431)
        if "Too many headers" in exc.message:
            return "too_many_headers", 431
        return "bad_request", 400


def _has_signals(request: web.BaseRequest) -> bool:
    match = request.match_info if isinstance(request, web.Request) else None
    return match is not None and any(app.on_response_prepare for app in match._apps)  # noqa: SLF001


def transport_of(request: web.BaseRequest) -> asyncio.Transport | None:
    """The socket's transport, None when the peer left while we were thinking."""
    return request.transport


def visitor_of(request: web.BaseRequest) -> Visitor | None:
    """What we know of the request's socket; None in front of an application that is not behind a door of ours."""
    return request.protocol if isinstance(request.protocol, Visitor) else None


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
