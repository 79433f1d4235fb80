"""A hashed timing wheel: every item sits in one slot, that of its earliest deadline; placing and removing cost O(1).

Far deadlines are gathered: what is due in more than ``FAR`` ticks comes with its neighbours, a few ticks late. Ten
thousand idle connections are then visited four times a second, not twenty, and wake fewer sleepers.
"""

from collections.abc import Callable
from math import ceil, inf
from typing import Generic, Protocol, TypeVar

NOWHERE = -1
FAR = 40  # ticks


class Wheeled(Protocol):
    """An item. ``wheel_tick`` belongs to the wheel and starts as ``NOWHERE``; items are hashed by identity."""

    wheel_tick: int


W = TypeVar("W", bound=Wheeled)


class Wheel(Generic[W]):
    """Items by deadline. None comes before it, each at most one tick after it, far ones at most ``gathered`` ticks.

    ``advance`` has to be called at ``next_visit``, and as soon as ``on_sooner`` says.
    """

    __slots__ = ("_asleep_until", "_count", "_cursor", "_gathered", "_mask", "_slots", "_tick", "on_sooner")

    def __init__(self, now: float, tick: float = 0.05, slots: int = 1024, gathered: int = 1) -> None:
        """Start empty at ``now``, loop time in seconds.

        Args:
            now: loop time in seconds.
            tick: seconds a slot lasts.
            slots: a power of two; items due in more than ``tick * slots`` seconds are passed once a round.
            gathered: ticks; what is far sits in every so many-th slot. 1: in its own.

        """
        assert slots & (slots - 1) == 0, "the number of slots is a power of two"
        self._tick = tick
        self._mask = slots - 1
        self._slots: list[set[W] | None] = [None] * slots
        self._cursor = int(now / tick)  # the next tick to visit
        self._count = 0
        self._gathered = gathered
        self._asleep_until = 0  # the tick that ``next_visit`` told
        self.on_sooner: Callable[[float], None] = lambda _when: None

    def __len__(self) -> int:
        return self._count

    def place(self, item: W, deadline: float) -> None:
        """Put the item in the slot of its deadline (loop time), out of any other; inf takes it out."""
        if deadline == inf:
            self.remove(item)
            return
        tick = max(ceil(deadline / self._tick), self._cursor)
        if tick - self._cursor > FAR:
            tick += -tick % self._gathered
        before = item.wheel_tick
        if tick == before:
            return
        if before == NOWHERE:
            self._count += 1
        else:
            self._discard(item, before)
        item.wheel_tick = tick
        slot = self._slots[tick & self._mask]
        if slot is None:
            self._slots[tick & self._mask] = {item}
        else:
            slot.add(item)
        if tick < self._asleep_until:
            self._asleep_until = tick
            self.on_sooner(tick * self._tick)

    def next_visit(self, most: int) -> float:
        """When to call ``advance`` next: at the next slot with somebody in it, in at most so many ticks."""
        tick = self._cursor
        while tick < self._cursor + most and self._slots[tick & self._mask] is None:
            tick += 1
        self._asleep_until = tick
        return tick * self._tick

    def remove(self, item: W) -> None:
        """Take the item out; nothing happens when it is not in."""
        if item.wheel_tick == NOWHERE:
            return
        self._discard(item, item.wheel_tick)
        item.wheel_tick = NOWHERE
        self._count -= 1

    def advance(self, now: float, limit: int = 512) -> list[W]:
        """Take out what is due, earliest first, at most ``limit`` items; the rest comes with the next call."""
        due: list[W] = []
        self._asleep_until = 0
        last = int(now / self._tick)
        if not self._count:
            self._cursor = max(self._cursor, last + 1)
        while self._cursor <= last:
            if not self._visit(self._cursor, due, limit):
                break
            self._cursor += 1
        return due

    def _visit(self, tick: int, due: list[W], limit: int) -> bool:
        """Collect the due items of one slot; False when the limit came first."""
        slot = self._slots[tick & self._mask]
        if slot is None:
            return True
        ripe = [item for item in slot if item.wheel_tick <= tick]
        room = limit - len(due)
        for item in ripe[:room]:
            slot.remove(item)
            item.wheel_tick = NOWHERE
        self._count -= min(room, len(ripe))
        due += ripe[:room]
        if not slot:
            self._slots[tick & self._mask] = None
        return len(ripe) <= room

    def _discard(self, item: W, tick: int) -> None:
        slot = self._slots[tick & self._mask]
        assert slot is not None, "an item's slot is there"
        slot.remove(item)
        if not slot:
            self._slots[tick & self._mask] = None
