"""Before a handler runs: who stands on the doorstep of a listener, what it owes us, and when we stop waiting.

aiohttp calls a handler only when a request's head is complete. Whoever connects and says nothing, or drips, is seen by
nobody else. One timer a listener looks at all of them; there is none, and no task, per socket.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, Protocol

from aiohttp import web

from observability import names
from observability.names import Figure
from observability.observers.door import DoorObserver
from service.access.certificates import user_of
from service.connections.deadlines import Clocks, overdue
from service.connections.limits import HttpLimits
from service.connections.sockopts import peer_address
from service.connections.takeover import Visitor

SWEEP: Final = 0.25  # seconds between two looks; a door of 500 ms is kept within half of it
LOOKS: Final = 1_000  # visitors in one turn of the loop, some 0.5 ms
RETRY_AFTER: Final = 5  # seconds, told with 503
_LINES: Final = {
    408: ("408 Request Timeout", "The request did not come in time.\n"),
    431: ("431 Request Header Fields Too Large", "The request's head is too large.\n"),
    503: ("503 Service Unavailable", "There is no room for another connection: try again later.\n"),
}
_SENTENCES: Final = {
    "url_too_long": "The URL is longer than http_server.max_url_length.\n",
    "head_too_large": "The request's head is larger than http_server.max_header_bytes.\n",
    "too_many_headers": "The request has more headers than http_server.max_header_count.\n",
    "bad_request": "This is no HTTP/1.1 request.\n",
}


class Stalls(Protocol):
    """Who knows how our own loop does (``observability.runtime``)."""

    def excuse(self) -> float:
        """Seconds by which verdicts on peers have to wait."""


class Doorstep:
    """One listener's. It makes aiohttp's protocols (``visitor``) and looks after them."""

    def __init__(
        self, name: str, limits: HttpLimits, clocks: Clocks, observe: DoorObserver, stalls: Stalls | None = None
    ) -> None:
        self.name = name
        self.limits = limits
        self.clocks = clocks
        self._observe = observe
        self._stalls = stalls
        self._server: web.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.Handle | None = None
        self.each_round: list[Callable[[float, float], None]] = []  # told the loop's time and our own standstill
        self.user_field = ""  # of a client's certificate: the user's id
        self._visitors: dict[Visitor, None] = {}  # in the order in which they came
        self._left: list[Visitor] = []  # to look at in this round
        self._idle = 0

    def open(self, server: web.Server) -> None:
        """Begin to look; needs a running loop."""
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(SWEEP, self._round)

    def close(self) -> None:
        """No more looks."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def visitor(self) -> Visitor:
        """A protocol for a socket that was accepted."""
        assert self._server is not None, "a visitor before the door is open"
        return Visitor(self, self._server)

    # ------------------------------------------------------------ what visitors say

    def came(self, visitor: Visitor) -> bool:
        """See ``takeover.Host``."""
        self._visitors[visitor] = None
        return len(self._visitors) <= self.limits.visitors

    def went(self, visitor: Visitor) -> None:
        """See ``takeover.Host``."""
        self._visitors.pop(visitor, None)

    def identify(self, transport: asyncio.BaseTransport) -> str:
        """See ``takeover.Host``."""
        return user_of(transport.get_extra_info("peercert"), self.user_field) if self.user_field else ""

    def refuse(self, visitor: Visitor, cause: str, status: int = 0) -> None:
        """See ``takeover.Host``."""
        self._observe.refused(cause, str(status or "cut"), self.name, self._address(visitor))
        visitor.end(_answer(status) if status else b"")

    def refused(self, visitor: Visitor, cause: str, status: int) -> str:
        """See ``takeover.Host``."""
        self._observe.refused(cause, str(status), self.name, self._address(visitor))
        return _SENTENCES[cause]

    # ------------------------------------------------------------------- the rounds

    def _round(self) -> None:
        assert self._loop is not None, "a round before the door is open"
        self._left = list(self._visitors)
        self._idle = 0
        now, stall = self._loop.time(), self._stall()
        for look in self.each_round:
            look(now, stall)
        self._look()

    def _look(self) -> None:
        assert self._loop is not None, "a look before the door is open"
        now, stall = self._loop.time(), self._stall()
        part, self._left = self._left[-LOOKS:], self._left[:-LOOKS]
        for visitor in reversed(part):  # the newest first, so that the oldest idle ones are too many
            self._judge(visitor, now, stall)
        self._timer = self._loop.call_soon(self._look) if self._left else self._loop.call_later(SWEEP, self._round)

    def _stall(self) -> float:
        return 0.0 if self._stalls is None else self._stalls.excuse()

    def _judge(self, visitor: Visitor, now: float, stall: float) -> None:
        if visitor.transport is None:
            return
        if visitor.idle:
            self._idle += 1
            if self._idle > self.limits.idle:
                self.refuse(visitor, "too_many_idle")
        elif overdue(visitor.since, now, self.clocks.door, stall):
            self._too_late(visitor)

    def _too_late(self, visitor: Visitor) -> None:
        if visitor.body is not None:
            if visitor.too_late():
                self._observe.refused("slow_body", "408", self.name, self._address(visitor))
            else:
                self.refuse(visitor, "slow_body")
            return
        self.refuse(visitor, "dripping" if visitor.head else "silent", 408)

    # ---------------------------------------------------------------------- figures

    def figures(self) -> Iterator[Figure]:
        """For the scrape."""
        yield Figure(names.VISITORS.name, (self.name,), len(self._visitors))

    @staticmethod
    def _address(visitor: Visitor) -> str:
        return visitor.address or peer_address(visitor.transport)


def _answer(status: int) -> bytes:
    line, sentence = _LINES[status]
    retry = f"Retry-After: {RETRY_AFTER}\r\n" if status == 503 else ""
    head = f"HTTP/1.1 {line}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(sentence)}\r\n"
    return f"{head}{retry}Connection: close\r\n\r\n{sentence}".encode()
