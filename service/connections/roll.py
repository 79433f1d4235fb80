"""Numbered places for all open sockets: who has which, and walking through them a page at a time while they change.

A place is a small number that its owner keeps until the end; then it is given to somebody else. So a walk that stops
and goes on later neither skips nor repeats anybody who stayed.
"""

from collections.abc import Iterator
from typing import Final, Generic, NamedTuple, TypeVar

NOWHERE: Final = -1
C = TypeVar("C")


class Page(NamedTuple, Generic[C]):
    """Some of them in the order of their places, and the place to go on from; ``NOWHERE`` at the end."""

    found: list[C]
    next: int


class Roll(Generic[C]):
    """Entering and leaving cost O(1), a page its size in places, taken or free."""

    __slots__ = ("_free", "_places")

    def __init__(self) -> None:
        self._places: list[C | None] = []
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._places) - len(self._free)

    def __iter__(self) -> Iterator[C]:
        return (one for one in self._places if one is not None)

    def enter(self, one: C) -> int:
        """Give out a place."""
        if self._free:
            place = self._free.pop()
            self._places[place] = one
            return place
        self._places.append(one)
        return len(self._places) - 1

    def leave(self, place: int) -> None:
        """Take a place back; nothing happens with ``NOWHERE``."""
        if place == NOWHERE:
            return
        assert self._places[place] is not None, "a place was left twice"
        self._places[place] = None
        self._free.append(place)

    def page(self, start: int, places: int) -> Page[C]:
        """Who is in so many places from ``start`` on."""
        stop = max(0, start) + places
        found = [one for one in self._places[max(0, start) : stop] if one is not None]
        return Page(found, stop if stop < len(self._places) else NOWHERE)
