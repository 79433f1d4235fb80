"""The round of the watch: every 50 ms the timing wheel is moved on and the connections that are due are visited."""

import asyncio
from typing import TYPE_CHECKING

from service.connections.station import Station

if TYPE_CHECKING:
    from service.connections.connection import Connection

TICK = 0.05  # seconds
VISITS = 256  # a step; the rest follows in the next turn of the loop, so that others get their turn


class Rounds:
    """One timer for all connections. How long our own loop stood still is known to ``Station.stalls`` alone."""

    __slots__ = ("_due", "_handle", "_loop", "_station")

    def __init__(self, station: Station) -> None:
        self._station = station
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.Handle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin; needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + TICK
        self._handle = self._loop.call_at(self._due, self._round)

    def stop(self) -> None:
        """No more visits."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _round(self) -> None:
        assert self._loop is not None, "a round before the start"
        now = self._loop.time()
        if now - self._due > TICK:  # pongs may lie unread: the loop reads its sockets before the next timer
            self._due = now + TICK
            self._handle = self._loop.call_at(self._due, self._walk)
            return
        self._walk()

    def _walk(self) -> None:
        assert self._loop is not None, "a walk before the start"
        now = self._loop.time()
        due: list[Connection] = self._station.wheel.advance(now, VISITS)
        stall = self._station.stalls.excuse()
        for connection in due:
            connection.visit(now, stall)
        if len(due) == VISITS:
            self._due = now
            self._handle = self._loop.call_soon(self._walk)
            return
        self._due = max(self._due + TICK, now)
        self._handle = self._loop.call_at(self._due, self._round)
