"""From an HTTP request to a stream: what the client says first, the answer's head, then the transport is taken over.

Origins are not refused here, as in Centrifugo: a page of a foreign origin lacks the headers that let it read.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final

from aiohttp import ClientError, hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from observability.observers.door import DoorObserver
from observability.observers.upgrade import UpgradeObserver
from service.connections.cors import cors
from service.connections.guard import within
from service.connections.manners import HTTP_STREAM, SSE, UNI_SSE, Manner
from service.connections.reception import Reception
from service.connections.station import Station
from service.connections.stream import Stream
from service.connections.stream_variants import StreamVariant
from service.connections.takeover import EndlessBody, WithheldBody
from service.connections.upgrade import new_id
from service.connections.withheld import Answer, Withheld
from service.protocol.codec import BadFrame
from service.protocol.streams import GREETING, chunk

BINARY: Final = "application/octet-stream"
_EVENTS: Final = "text/event-stream; charset=utf-8"
_LINES: Final = "application/x-ndjson; charset=utf-8"
_HEADERS: Final = {
    hdrs.CACHE_CONTROL: "private, no-cache, no-store, must-revalidate, max-age=0",
    hdrs.PRAGMA: "no-cache",
    hdrs.EXPIRES: "0",
    "X-Accel-Buffering": "no",  # nginx passes on at once what it gets
    "X-Content-Type-Options": "nosniff",  # a browser that guesses the type keeps the first bytes back
    hdrs.CONNECTION: "close",  # nothing follows on this socket
}
_NO_REQUEST: Final = b"{}"


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Where a transport is, and how much a client may say in one request."""

    path: str
    max_request_body_size: int = 65_536  # bytes
    answers: Mapping[int, Answer] | None = None  # set: who is refused hears it by HTTP status (see ``withheld.py``)


class NotTaken(Exception):  # noqa: N818 - says what happened
    """The request is refused with an HTTP status; ``reason`` is the word for counters and logs."""

    def __init__(self, status: int, reason: str, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


class Opening:
    """The handler of one stream's route."""

    def __init__(
        self,
        station: Station,
        settings: StreamSettings,
        variants: Mapping[tuple[str, bool], StreamVariant],
        origins: tuple[str, ...],
        *,
        observe: UpgradeObserver,
        observe_door: DoorObserver,
    ) -> None:
        """The handler of one stream's route.

        Args:
            station: what all connections share.
            settings: of this transport.
            variants: by protocol and by whether the answer comes in chunks; all of one manner.
            origins: whose pages may read.
            observe: told of each request.
            observe_door: told of who finds no place.

        """
        self._station = station
        self._settings = settings
        self._variants = variants
        self._origins = origins
        self._observe = observe
        self._reception = Reception(station, observe, observe_door)
        self._manner: Manner = next(iter(variants.values())).manner
        self._events = self._manner in (SSE, UNI_SSE)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer 200 and hand the socket to a stream, or refuse."""
        allowed = cors(request.headers, request.host, self._origins)
        if request.method == hdrs.METH_OPTIONS and not self._events:  # Centrifugo knows no preflight of events
            return web.Response(status=204, headers=allowed)
        upgrade = self._observe.began(request.headers, request.path, self._manner.name, request.method)
        try:
            variant, first = await self._asked(request)
        except NotTaken as refusal:
            self._observe.refused(upgrade, refusal.status, refusal.reason)
            return web.Response(status=refusal.status, text=f"{refusal}\n", headers={**refusal.headers, **allowed})
        place = await self._reception.place(request, upgrade)
        if isinstance(place, web.Response):
            place.headers.update(allowed)
            return place
        head, stream = self._made(variant, allowed)
        if await self._reception.take_over(request, upgrade, head, stream, place=place):
            stream.posted(first)
        return head

    def _made(self, variant: StreamVariant, allowed: Mapping[str, str]) -> tuple[EndlessBody, Stream]:
        """The answer's head, and what writes behind it."""
        headers = {**self._head(variant), **allowed}
        first = self._first_bytes(variant)
        answers = self._settings.answers
        if answers is None:
            return EndlessBody(headers, self._guarded, first), Stream(
                self._station, new_id(), variant, told_session=new_id()
            )
        head = WithheldBody(headers, self._guarded, first)
        withheld = Withheld(self._station, new_id(), variant, told_session=new_id())
        withheld.withhold(head, answers, allowed)
        return head, withheld

    async def _guarded(self, work: Awaitable[None]) -> None:
        await within("on_response_prepare", work, self._observe)

    async def _asked(self, request: web.Request) -> tuple[StreamVariant, bytes]:
        """Which bytes the client takes, and what it says first."""
        first = await self._first(request)
        binary = self._manner is HTTP_STREAM and is_binary(request)
        variant = self._variants["protobuf" if binary else "json", request.version >= (1, 1)]
        if self._manner.unidirectional:
            try:
                variant.codec.decode(first)
            except BadFrame as fault:
                raise NotTaken(400, "connect_request", f"This is no connect request: {fault}") from None
        return variant, first

    async def _first(self, request: web.Request) -> bytes:
        if request.method == hdrs.METH_POST:
            return await body_of(request, self._settings.max_request_body_size)
        if not self._events or request.method != hdrs.METH_GET:
            allow = "GET, POST" if self._events else "POST"
            raise NotTaken(405, "method", f"Use {allow}.", {hdrs.ALLOW: allow})
        given = request.query.get("cf_connect")
        if given:
            return given.encode(errors="replace")
        if self._manner.unidirectional:
            return _NO_REQUEST
        raise NotTaken(400, "cf_connect", "The query cf_connect=<connect command as JSON> is missing.")

    def _head(self, variant: StreamVariant) -> dict[str, str]:
        kind = BINARY if variant.codec.binary else _EVENTS if self._events else _LINES
        head = {hdrs.CONTENT_TYPE: kind, hdrs.DATE: formatdate(usegmt=True), **_HEADERS}
        if variant.chunked:
            head[hdrs.TRANSFER_ENCODING] = "chunked"
        return head

    def _first_bytes(self, variant: StreamVariant) -> bytes:
        if not self._events:
            return b""
        return chunk(GREETING) if variant.chunked else GREETING


def is_binary(request: web.Request) -> bool:
    """Whether the body says that it is Protobuf; without a word it is JSON."""
    return request.headers.get(hdrs.CONTENT_TYPE, "").lower().startswith(BINARY)


async def body_of(request: web.Request, most: int) -> bytes:
    """The request's body.

    Raises:
        NotTaken: it is longer than ``most`` bytes, or did not arrive.

    """
    body = bytearray()
    if (request.content_length or 0) > most:
        raise _too_large(most)
    try:
        async for data in request.content.iter_any():
            body += data
            if len(body) > most:
                raise _too_large(most)
    except (ClientError, HttpProcessingError, OSError) as error:  # the client went away, or broke its own framing
        raise NotTaken(400, "body", f"The body did not arrive ({type(error).__name__}).") from None
    return bytes(body)


def _too_large(most: int) -> NotTaken:
    return NotTaken(413, "too_large", f"The body is longer than max_request_body_size, {most} bytes.")
