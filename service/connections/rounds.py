"""The round of the watch: the timing wheel is moved on and the connections that are due are visited.

Every 50 ms while somebody is due so often; else the next slot with somebody in it is slept for, at most a quarter of
a second: an idle node hardly wakes up.
"""

import asyncio

from service.connections.station import Due, Station

TICK = 0.05  # seconds
VISITS = 64  # a step, some 1.5 ms with a ping each; the rest follows in the next turn of the loop
SLEEP = 5  # ticks at most
EARLY = 0.001  # seconds by which a timer may come early: the loops count in milliseconds


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
        self._station.wheel.on_sooner = self._sooner
        self._sleep(self._loop.time())

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
        due: list[Due] = self._station.wheel.advance(now, VISITS)
        stall = self._station.stalls.excuse()
        for connection in due:
            connection.visit(now, stall)
        if len(due) == VISITS:
            self._due = now
            self._handle = self._loop.call_soon(self._walk)
            return
        self._sleep(now)

    def _sleep(self, now: float) -> None:
        assert self._loop is not None, "asleep before the start"
        self._due = max(self._station.wheel.next_visit(SLEEP) + EARLY, now)
        self._handle = self._loop.call_at(self._due, self._round)

    def _sooner(self, when: float) -> None:
        """Somebody is due before we would have woken up."""
        assert self._loop is not None, "woken before the start"
        if self._handle is not None:
            self._handle.cancel()
            self._due = max(when + EARLY, self._loop.time())
            self._handle = self._loop.call_at(self._due, self._round)
