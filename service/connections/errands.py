"""Tasks have an owner: bounded in number, named, cancelled with the connection that asked."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

T = TypeVar("T")


class Errands:
    """Runs awaitables that answer a connection's questions; at most ``limit`` at a time."""

    __slots__ = ("_limit", "_loop", "_running")

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._loop: asyncio.AbstractEventLoop | None = None
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def run(
        self,
        name: str,
        awaitable: Awaitable[T],
        answered: Callable[[T | BaseException], None],
    ) -> asyncio.Task[None] | None:
        """Await it and hand over its result or its exception; None when too many are running (nothing is started)."""
        if len(self._running) >= self._limit:
            _abandon(awaitable)
            return None
        task = asyncio.get_running_loop().create_task(self._carry(awaitable, answered), name=name)
        self._running.add(task)
        task.add_done_callback(partial(self._ended, awaitable))
        return task

    def _ended(self, awaitable: Awaitable[Any], task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        _abandon(awaitable)

    async def _carry(self, awaitable: Awaitable[T], answered: Callable[[T | BaseException], None]) -> None:
        try:
            outcome: T | BaseException = await awaitable
        except Exception as failure:  # noqa: BLE001 - handed to the one who asked
            outcome = failure
        answered(outcome)

    async def stop(self) -> None:
        """Cancel what is still under way and wait until it is gone."""
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)


def _abandon(awaitable: Awaitable[Any]) -> None:
    """A coroutine that was never begun has to be closed; for one that has ended this does nothing."""
    close: Any = getattr(awaitable, "close", None)
    if close is not None:
        close()
