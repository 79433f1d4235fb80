"""From an HTTP request to a connection: negotiate, answer 101, take the transport over; or say what is missing."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from observability.observers.door import DoorObserver
from observability.observers.upgrade import UpgradeObserver
from service.connections.admission import Cause, Verdict
from service.connections.connection import Connection
from service.connections.guard import within
from service.connections.negotiation import JSON, PROTOBUF, Accepted, NegotiationSettings, Refusal, negotiate
from service.connections.sockopts import peer_address
from service.connections.station import Station
from service.connections.takeover import SwitchingProtocols, hand_over, visitor_of
from service.connections.variants import Variant
from service.protocol import closing

RETRY_AFTER: Final = 5  # seconds
_NO_PLACE: Final = "There is no place for another connection: try again later.\n"


@dataclass(frozen=True, slots=True)
class UpgradeSettings:
    """Where and whom."""

    path: str = "/connection/websocket"
    negotiation: NegotiationSettings = NegotiationSettings()


def new_id() -> str:
    """A random UUID (RFC 9562, version 4) as text; the uuid module takes twice as long for the same."""
    drawn = os.urandom(16)
    digits = (drawn[:6] + bytes((drawn[6] & 0x0F | 0x40, drawn[7], drawn[8] & 0x3F | 0x80)) + drawn[9:]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


class Upgrade:
    """The handler of the WebSocket route."""

    def __init__(
        self,
        station: Station,
        settings: UpgradeSettings,
        variants: Mapping[str, Variant],
        observe: UpgradeObserver,
        observe_door: DoorObserver,
    ) -> None:
        self._station = station
        self._settings = settings
        self._variants = variants
        self._observe = observe
        self._turned_away = observe_door

    def is_upgrade(self, request: web.Request) -> bool:
        """Whether this request goes to the WebSocket route."""
        return request.path == self._settings.path

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer 101 and hand the socket to a connection, or refuse."""
        upgrade = self._observe.began(request.headers, request.path)
        version = (request.version.major, request.version.minor)
        verdict = negotiate(request.method, version, request.headers, request.query, self._settings.negotiation)
        if isinstance(verdict, Refusal):
            self._observe.refused(upgrade, verdict.status, verdict.reason)
            return web.Response(status=verdict.status, text=verdict.sentence, headers=verdict.headers)
        place, address = await self._place(request)
        if place.cause is not None and not self._station.entrance.turned_away(+1):
            self._observe.refused(upgrade, 503, place.cause)
            return web.Response(status=503, text=_NO_PLACE, headers={"Retry-After": str(RETRY_AFTER)})
        connection = self._connection(request, verdict)
        connection.came_from = address if place.cause is None else None
        response = SwitchingProtocols(verdict.headers, lambda work: within("on_response_prepare", work, self._observe))
        await response.prepare(request)
        self._observe.accepted(upgrade, connection.id, verdict.subprotocol)
        connection.begin(upgrade)
        if not hand_over(request, connection):
            connection.connection_lost(None)  # the peer left meanwhile: that is its end, counted as any other
        elif place.cause is not None:
            self._turn_away(connection, place.cause, address)
        return response

    async def _place(self, request: web.Request) -> tuple[Verdict, str]:
        """A place for one more, perhaps after a moment; and the client's address where it matters."""
        entrance = self._station.entrance
        address = ""
        if entrance.knows_addresses:
            visitor = visitor_of(request)
            peer = visitor.address if visitor is not None else ""
            address = entrance.address(peer or request.remote or "", request.headers)
        place = entrance.knock(address)
        return (await entrance.wait(place, address) if place.wait else place), address

    def _turn_away(self, connection: Connection, cause: Cause, address: str) -> None:
        """In the words that SDKs understand: they come back with back-off and jitter, elsewhere perhaps."""
        self._turned_away.refused(cause, "3013", address=address or peer_address(connection.transport))
        connection.close(closing.TOO_MANY_REQUESTS.because(cause))

    def _connection(self, request: web.Request, verdict: Accepted) -> Connection:
        variant = self._variants[PROTOBUF if verdict.protobuf else JSON]
        native = request.query.get("cf_ws_frame_ping_pong") == "true"
        connection = Connection(self._station, new_id(), variant, native_pings=native)
        connection.session.introduce(self._station.hooks.caller(request.headers))
        visitor = visitor_of(request)
        if visitor is not None:
            connection.session.user = visitor.identity
            connection.session.deadline = connection.opened + visitor.host.clocks.greeting
        return connection
