"""So many at a time, so many in the queue, and no more: a slow server fills its own bulkhead and nobody else's."""

import asyncio
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BulkheadSettings:
    """Places of one kind of question to one server."""

    running: int = 256
    waiting: int = 1024


class Overloaded(Exception):  # noqa: N818 - says what is the matter
    """Even the queue is full."""


class Bulkhead:
    """``enter``, and ``leave`` whatever happened inside. First come, first served."""

    __slots__ = ("_queue", "_settings", "running")

    def __init__(self, settings: BulkheadSettings = BulkheadSettings()) -> None:
        self._settings = settings
        self._queue: deque[asyncio.Future[None]] = deque()
        self.running = 0

    @property
    def waiting(self) -> int:
        """How many are in the queue."""
        return len(self._queue)

    async def enter(self) -> None:
        """Take a place, waiting for one if there must be.

        Raises:
            Overloaded: the queue is full.

        """
        if self.running < self._settings.running:
            self.running += 1
            return
        if len(self._queue) >= self._settings.waiting:
            raise Overloaded
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                self.leave()  # the place came in the same moment
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def leave(self) -> None:
        """Give the place to the next."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)  # the place changes hands
                return
        self.running -= 1
