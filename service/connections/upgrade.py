"""From an HTTP request to a connection: negotiate, answer 101, take the transport over; or say what is missing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from observability.observers.door import DoorObserver
from observability.observers.upgrade import UpgradeObserver
from service.connections.connection import Connection
from service.connections.guard import within
from service.connections.negotiation import JSON, PROTOBUF, Accepted, NegotiationSettings, Refusal, negotiate
from service.connections.reception import Reception
from service.connections.station import Station
from service.connections.takeover import SwitchingProtocols
from service.connections.variants import Variant
from service.protocol.deflate import Squeeze


@dataclass(frozen=True, slots=True)
class UpgradeSettings:
    """Where and whom."""

    path: str = "/connection/websocket"
    negotiation: NegotiationSettings = NegotiationSettings()
    squeeze: Squeeze | None = None  # how long messages are compressed for those who offer it; None: not at all
    inflated: int = 65_536  # bytes of a client's compressed message when it is read


def new_id() -> str:
    """A random UUID (RFC 9562, version 4) as text; the uuid module takes twice as long for the same."""
    drawn = os.urandom(16)
    digits = (drawn[:6] + bytes((drawn[6] & 0x0F | 0x40, drawn[7], drawn[8] & 0x3F | 0x80)) + drawn[9:]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Upgrade:
    """The handler of the WebSocket route."""

    transport = "websocket"

    def __init__(
        self,
        station: Station,
        settings: UpgradeSettings,
        variants: Mapping[tuple[str, bool], Variant],
        observe: UpgradeObserver,
        observe_door: DoorObserver,
    ) -> None:
        """``variants`` by subprotocol, and by whether compression is agreed."""
        self._frames = station.settings.frames._replace(inflated=settings.inflated)  # of those
        self._station = station
        self._settings = settings
        self._variants = variants
        self._observe = observe
        self._reception = Reception(station, observe, observe_door)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer 101 and hand the socket to a connection, or refuse."""
        upgrade = self._observe.began(request.headers, request.path, self.transport)
        version = (request.version.major, request.version.minor)
        verdict = self._misplaced(request) or negotiate(
            request.method, version, request.headers, request.query, self._settings.negotiation
        )
        if isinstance(verdict, Refusal):
            self._observe.refused(upgrade, verdict.status, verdict.reason)
            return web.Response(status=verdict.status, text=verdict.sentence, headers=verdict.headers)
        place = await self._reception.place(request, upgrade)
        if isinstance(place, web.Response):
            return place
        connection = self._connection(request, verdict)
        head = SwitchingProtocols(verdict.headers, lambda work: within("on_response_prepare", work, self._observe))
        if await self._reception.take_over(
            request, upgrade, head, connection, place=place, subprotocol=verdict.subprotocol
        ):
            self._taken_over(request, connection)
        return head

    def _misplaced(self, request: web.Request) -> Refusal | None:
        """What is wrong with the request beside its handshake."""
        del request
        return None

    def _taken_over(self, request: web.Request, connection: Connection) -> None:
        """The socket is the connection's."""

    def _connection(self, request: web.Request, verdict: Accepted) -> Connection:
        variant = self._variants[PROTOBUF if verdict.protobuf else JSON, verdict.compressed]
        frames = self._frames if verdict.compressed else None
        native = request.query.get("cf_ws_frame_ping_pong") == "true"
        return Connection(self._station, new_id(), variant, native_pings=native, frames=frames)
