"""Tasks have an owner: bounded in number, named, cancelled with the connection that asked."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

MOST: Final = 10_000  # of a node at a time; each is a task of some 2 KiB
T = TypeVar("T")


class Errands:
    """Runs awaitables that answer a connection's questions; at most ``limit`` at a time."""

    __slots__ = ("_limit", "_owned", "_running")

    def __init__(self, limit: int = MOST) -> None:
        self._limit = limit
        self._running: set[asyncio.Task[None]] = set()
        self._owned: dict[object, set[asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._running)

    def run(
        self,
        name: str,
        awaitable: Awaitable[T],
        answered: Callable[[T | BaseException], None],
        owner: object = None,
    ) -> asyncio.Task[None] | None:
        """Await it and hand over its result or its exception; None when too many are running (nothing is started).

        Args:
            name: of the task.
            awaitable: what to wait for.
            answered: gets the end.
            owner: with ``drop(owner)`` nobody waits for it any more.

        """
        if len(self._running) >= self._limit:
            _abandon(awaitable)
            return None
        task = asyncio.get_running_loop().create_task(self._carry(awaitable, answered), name=name)
        self._running.add(task)
        if owner is not None:
            self._owned.setdefault(owner, set()).add(task)
        task.add_done_callback(partial(self._ended, awaitable, owner))
        return task

    def drop(self, owner: object) -> None:
        """Cancel what runs for this one."""
        for task in self._owned.pop(owner, ()):
            task.cancel()

    def _ended(self, awaitable: Awaitable[Any], owner: object, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        others = self._owned.get(owner)
        if others is not None:
            others.discard(task)
            if not others:
                del self._owned[owner]
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
