"""The client's half of a stream: commands that come in requests of their own and name session and node.

A session is a secret of the client and us, so nobody else can speak for it; answers to the commands go down the stream.
"""

from collections.abc import Mapping
from typing import Final, cast

import msgspec
from aiohttp import hdrs, web

from observability.observers.emulation import EmulationObserver
from service.connections.cors import cors
from service.connections.opening import NotTaken, StreamSettings, body_of, is_binary
from service.connections.station import Posted
from service.protocol.messages import EmulationRequest
from service.protocol.payload import mended
from service.protocol.protobuf_reading import Malformed, reader
from service.protocol.tolerance import Refused, read

RETRY_AFTER: Final = 1  # seconds
_message = reader(EmulationRequest)
_text = msgspec.json.Decoder(str | None).decode
_RESULTS: Final = {404: "unknown_node", 405: "bad_method", 413: "too_large", 429: "too_many"}


def read_json(body: bytes) -> EmulationRequest:
    """The request out of JSON; what is no string in ``data`` stays as it is.

    Raises:
        Refused: it is none.

    """
    return read(mended(body) if b"\\u" in body else body, EmulationRequest)


def read_protobuf(body: bytes) -> EmulationRequest:
    """The request out of Protobuf.

    Raises:
        Refused: it is none.

    """
    try:
        return cast("EmulationRequest", _message(body, 0))
    except (Malformed, UnicodeDecodeError) as fault:
        raise Refused(str(fault)) from None


class Emulation:
    """The handler of ``/emulation``."""

    def __init__(
        self,
        streams: Mapping[str, Posted],
        node: str,
        settings: StreamSettings,
        origins: tuple[str, ...],
        observe: EmulationObserver,
    ) -> None:
        """The handler of ``/emulation``.

        Args:
            streams: those that are open here, by session.
            node: our id, as streams were told.
            settings: where, and how much in one request.
            origins: whose pages may read the answer; all are answered.
            observe: told of each request.

        """
        self._streams = streams
        self._node = node
        self._settings = settings
        self._origins = origins
        self._observe = observe

    async def handle(self, request: web.Request) -> web.Response:
        """204 whenever the request is in order: what becomes of the commands is told in the stream."""
        allowed = cors(request.headers, request.host, self._origins)
        if request.method == hdrs.METH_OPTIONS:
            return web.Response(status=204, headers=allowed)
        try:
            await self._take(request)
        except NotTaken as refusal:
            result = _RESULTS.get(refusal.status, "bad_request")
            self._observe.refused(result, refusal.status, str(refusal))
            headers = {**refusal.headers, **allowed}
            return web.Response(status=refusal.status, headers=headers)
        return web.Response(status=204, headers=allowed)

    async def _take(self, request: web.Request) -> None:
        if request.method != hdrs.METH_POST:
            raise NotTaken(405, "bad_method", f"{request.method[:16]} instead of POST", {hdrs.ALLOW: "POST"})
        body = await body_of(request, self._settings.max_request_body_size)
        try:
            asked = read_protobuf(body) if is_binary(request) else read_json(body)
        except Refused as fault:
            raise NotTaken(400, "bad_request", str(fault)) from None
        if asked.node != self._node:
            raise NotTaken(404, "unknown_node", "commands for another node")
        self._hand_on(asked, text=not is_binary(request))

    def _hand_on(self, asked: EmulationRequest, *, text: bool) -> None:
        stream = self._streams.get(asked.session)
        if stream is None:  # it has just ended, or never was: the same answer for both
            self._observe.refused("unknown_session", 204, "no stream has this session")
            return
        try:
            commands = (_text(asked.data) or "").encode() if text else bytes(asked.data)
        except (msgspec.DecodeError, UnicodeEncodeError):
            self._observe.refused("no_command", 204, "data is no string")
            return
        if not stream.posted(commands):
            raise NotTaken(429, "too_many", "too many commands wait", {hdrs.RETRY_AFTER: str(RETRY_AFTER)})
        self._observe.accepted()
