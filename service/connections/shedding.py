"""Keeps what waits for slow readers below the total cap: looks when an outbox grows, cuts the largest, looks again."""

import asyncio
from collections.abc import Collection
from typing import Protocol

from service.connections.pressure import PressureSettings, first_to_go, surplus
from service.connections.sums import Sums

AGAIN = 0.05  # seconds until those that were cut are gone, and the sum can be believed again


class SlowReader(Protocol):
    """A connection whose socket takes no more for now."""

    kernel_bytes: int

    def unsent_bytes(self) -> int:
        """What waits here for it."""

    def unsent_since(self) -> float:
        """Loop time since when."""

    def cut(self, by: str) -> None:
        """End it for this cause."""


class Shedding:
    """One a process. Armed only while there is too much."""

    __slots__ = ("_handle", "_settings", "_stalled", "_sums")

    def __init__(self, settings: PressureSettings, sums: Sums, stalled: Collection[SlowReader]) -> None:
        self._settings = settings
        self._sums = sums
        self._stalled = stalled
        self._handle: asyncio.Handle | None = None

    def grown(self) -> None:
        """An outbox has grown; called for each frame that waits, so it costs a comparison."""
        if self._handle is None and surplus(self._sums.memory, self._settings):
            self._handle = asyncio.get_running_loop().call_soon(self._shed)

    def _shed(self) -> None:
        wanted = surplus(self._sums.memory, self._settings)
        sizes = ((each.unsent_bytes() + each.kernel_bytes, each) for each in self._stalled)
        chosen = first_to_go(sizes, wanted) if wanted else []
        for each in chosen:
            each.cut("memory_pressure")
        self._handle = asyncio.get_running_loop().call_later(AGAIN, self._shed) if chosen else None
