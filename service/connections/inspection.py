"""A look at live connections for people: rows, one in detail, the slowest. Read-only, no payloads.

Whatever walks through many is a generator that gives None now and then: a pause in which the loop goes on.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest, nsmallest
from typing import Any, Final

from observability.flight_recorder import FlightRecorder
from service.connections.roll import NOWHERE
from service.connections.slowness import judge
from service.connections.sockopts import peer_address
from service.connections.station import Peer, Station
from service.connections.tcp_info import tcp_info

SLICE: Final = 500  # connections looked at between two pauses, some 0.3 ms
SLOWEST: Final = 20
NAMES: Final = 100  # channels shown of one connection

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which connections; the places from ``after`` on, at most ``limit``. None: any."""

    user: str | None = None
    channel: str | None = None
    after: int = 0
    limit: int = 100


@dataclass(slots=True)
class Found:
    """What a walk found, and where the next one goes on; None at the end."""

    rows: list[Row]
    next: int | None = None


class Inspection:
    """One node's connections."""

    __slots__ = ("_station",)

    def __init__(self, station: Station) -> None:
        self._station = station

    @property
    def recorder(self) -> FlightRecorder:
        """What was noted of each, and of those that ended."""
        return self._station.observe.recorder

    def connections(self, wanted: Wanted) -> Iterator[Found | None]:
        """A page in the order of their places; the last thing given is what was found."""
        if wanted.user is not None:
            yield from self._chosen(self._station.registry.of_user(wanted.user), wanted)
        elif wanted.channel is not None:
            found = self._station.hub.look(wanted.channel)
            yield from self._chosen([] if found is None else list(found.members), wanted)
        else:
            yield from self._everybody(wanted)

    def _everybody(self, wanted: Wanted) -> Iterator[Found | None]:
        rows: list[Row] = []
        start = wanted.after
        while start != NOWHERE and len(rows) < wanted.limit:
            page = self._station.registry.sockets.page(start, min(SLICE, wanted.limit - len(rows)))
            rows += map(self.row, page.found)
            start = page.next
            yield None
        yield Found(rows, None if start == NOWHERE else start)

    def _chosen(self, candidates: list[Peer], wanted: Wanted) -> Iterator[Found | None]:
        taken: list[Peer] = []
        for start in range(0, len(candidates), SLICE):
            slice_ = (c for c in candidates[start : start + SLICE] if self._fits(c, wanted))
            taken = nsmallest(wanted.limit + 1, [*taken, *slice_], key=_number)
            yield None
        alive = [connection for connection in taken if connection.number >= 0]
        more = alive[wanted.limit].number if len(alive) > wanted.limit else None
        yield Found([self.row(connection) for connection in alive[: wanted.limit]], more)

    def _fits(self, connection: Peer, wanted: Wanted) -> bool:
        if connection.number < wanted.after:
            return False
        return wanted.channel is None or connection.session.subscription(wanted.channel) is not None

    def one(self, client: str) -> Iterator[Row | None]:
        """One connection in detail, also before its greeting; an empty row when it is not here."""
        found = self._station.registry.get(client)
        start = 0
        while found is None and start != NOWHERE:
            page = self._station.registry.sockets.page(start, SLICE)
            found = next((c for c in page.found if c.id == client), None)
            start = page.next
            yield None
        yield {} if found is None else self.detail(found)

    def slowest(self) -> Iterator[list[Row] | None]:
        """Those that hold the most bytes, each with whose fault it is."""
        station = self._station
        candidates: list[Any] = [*station.behind | station.stalled]
        taken: list[Any] = []
        for start in range(0, len(candidates), SLICE):
            taken = nlargest(SLOWEST, [*taken, *candidates[start : start + SLICE]], key=_waiting)
            yield None
        rows = [self.slow(connection) for connection in taken if connection.number >= 0]
        yield sorted((row for row in rows if row["unsent"]), key=lambda row: -int(row["unsent"]))

    # ------------------------------------------------------------------- one of them

    def row(self, connection: Peer) -> Row:
        """One line of a list."""
        return {
            "id": connection.id,
            "user": connection.user,
            "state": connection.state,
            "transport": connection.variant.manner.name,
            "protocol": connection.variant.codec.name,
            "client": connection.client,
            "address": peer_address(connection.transport),
            "age": round(self._station.now() - connection.opened, 3),
            "channels": len(connection.session.subscriptions or ()),
            "sent": connection.sent,
            "queued": connection.unsent_bytes(),
            "kernel": connection.kernel_bytes,
        }

    def slow(self, connection: Peer) -> Row:
        """The row with what TCP says now and whose fault it is."""
        queued, stall = connection.unsent_bytes(), self._station.stalls.excuse()
        sums = self._station.observe.recorder.sums(connection.number)
        row = self.row(connection)
        row["oldest"] = round(max(0.0, self._station.now() - min(self._station.now(), connection.unsent_since())), 3)
        info = tcp_info(connection.descriptor())
        if info is None:
            return {**row, "unsent": queued, "who": "unclear", "evidence": ["the kernel does not tell"]}
        verdict = judge(info.reading(queued, sums.rtt, stall))
        return {
            **row,
            "kernel": info.kernel,
            "unsent": queued + info.kernel,
            "network": info.told(),
            "ping_rtt": sums.rtt,
            "who": verdict.who,
            "evidence": list(verdict.evidence),
        }

    def detail(self, connection: Peer) -> Row:
        """Everything that is known of one, its flight recorder included."""
        recorder = self.recorder
        session, link = connection.session, connection.link
        return {
            **self.slow(connection),
            "received": connection.received,
            "native_pings": session.native_pings,
            "open_pings": session.heartbeat.open if session.heartbeat is not None else 0,
            "subscriptions": list(_first(session.subscriptions or (), NAMES)),
            "trace_id": "" if link is None else f"{link.trace_id:032x}",
            **recorder.sums(connection.number)._asdict(),
            "events": [event.told() for event in recorder.events(connection.number)],
        }

    def channel(self, name: str) -> Row:
        """One channel here."""
        found = self._station.hub.look(name)
        if found is None:
            return {}
        return {
            "channel": name,
            "namespace": found.namespace.name,
            "subscribers": len(found.members),
            "positioned": found.positioned,
            "joining": len(found.joining or ()),
            "top": found.ring.top,
            "behind": found.ring.pending,
        }

    def channels(self, prefix: str, limit: int) -> Iterator[list[Row] | None]:
        """Those with the most subscribers whose name begins so."""
        taken: list[Row] = []
        names = self._station.hub.names()
        for start in range(0, len(names), SLICE):
            rows = [self.channel(name) for name in names[start : start + SLICE] if name.startswith(prefix)]
            taken = nlargest(limit, [*taken, *filter(None, rows)], key=lambda row: int(row["subscribers"]))
            yield None
        yield taken


def _number(connection: Peer) -> int:
    return connection.number


def _waiting(connection: Peer) -> int:
    return connection.unsent_bytes() + connection.kernel_bytes


def _first(names: Iterable[str], most: int) -> Iterator[str]:
    for name, _ in zip(names, range(most), strict=False):
        yield name
