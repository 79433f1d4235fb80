"""Between a good request and a connection, alike for all transports: a place, the answer's head, the takeover."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from observability.observers.door import DoorObserver
from observability.observers.upgrade import Upgrade, UpgradeObserver
from service.connections.admission import Cause
from service.connections.connection import Connection
from service.connections.sockopts import peer_address
from service.connections.station import Station
from service.connections.takeover import Head, hand_over, visitor_of
from service.protocol import closing

RETRY_AFTER: Final = 5  # seconds
_NO_PLACE: Final = "There is no place for another connection: try again later.\n"


@dataclass(frozen=True, slots=True)
class Place:
    """A place for one more; with a ``cause`` it is only there to be told that there is none."""

    cause: Cause | None
    address: str  # the client's, where it matters


class Reception:
    """Of one route."""

    def __init__(self, station: Station, observe: UpgradeObserver, observe_door: DoorObserver) -> None:
        self._station = station
        self._observe = observe
        self._turned_away = observe_door

    async def place(self, request: web.Request, upgrade: Upgrade) -> Place | web.Response:
        """A place, perhaps after a moment; the answer 503 when there is not even one to be turned away at."""
        entrance = self._station.entrance
        address = ""
        if entrance.knows_addresses:
            visitor = visitor_of(request)
            peer = visitor.address if visitor is not None else ""
            address = entrance.address(peer or request.remote or "", request.headers)
        verdict = entrance.knock(address)
        if verdict.wait:
            verdict = await entrance.wait(verdict, address)
        if verdict.cause is not None and not entrance.turned_away(+1):
            self._observe.refused(upgrade, 503, verdict.cause)
            return web.Response(status=503, text=_NO_PLACE, headers={"Retry-After": str(RETRY_AFTER)})
        return Place(verdict.cause, address)

    async def take_over(
        self,
        request: web.Request,
        upgrade: Upgrade,
        head: Head,
        connection: Connection,
        *,
        place: Place,
        subprotocol: str = "",
    ) -> bool:
        """Answer and give the socket to the connection; False when it has ended already."""
        self._introduce(request, connection)
        connection.came_from = place.address if place.cause is None else None
        await head.prepare(request)
        self._observe.accepted(upgrade, connection.id, subprotocol)
        self._station.closes.begin()
        connection.begin(upgrade)
        if not hand_over(request, connection):
            connection.connection_lost(None)  # the peer left meanwhile: that is its end, counted as any other
            return False
        if place.cause is not None:
            self._turn_away(connection, place.cause, place.address)
            return False
        return True

    def _introduce(self, request: web.Request, connection: Connection) -> None:
        """What the request tells of the client beside its words."""
        session = connection.session
        session.introduce(self._station.hooks.caller(request.headers, connection.variant.manner.name))
        visitor = visitor_of(request)
        if visitor is not None:
            session.user = visitor.identity
            session.settings = self._station.sessions.get(visitor.host.name, session.settings)
            session.deadline = connection.opened + visitor.host.clocks.greeting

    def _turn_away(self, connection: Connection, cause: Cause, address: str) -> None:
        """In the words that SDKs understand: they come back with back-off and jitter, elsewhere perhaps."""
        self._turned_away.refused(cause, "3013", address=address or peer_address(connection.transport))
        connection.close(closing.TOO_MANY_REQUESTS.because(cause))
