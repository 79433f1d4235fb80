"""Pure: whose turn is it in the fan-out, and how much may be done in it.

Channels of few members go before those of many, for at most half of the time: what a few wait for costs next to
nothing, and nobody should wait for ten thousand others first. How many members make a slice is learned from how long
the last ones took: a machine that is busy with other things is slower, and the loop's turn must not be longer for it.
"""

from collections import deque
from collections.abc import Iterator, Sized
from typing import Final, Generic, Protocol, TypeVar

FEW: Final = 32  # members
SMALLEST: Final = 8  # a slice is never less than this part of its usual size
SMOOTH: Final = 0.25  # of a new measurement in the mean


class Membered(Protocol):
    """What waits for its turn."""

    @property
    def members(self) -> Sized:
        """Who hears it."""


C = TypeVar("C", bound=Membered)


class Turns(Generic[C]):
    """Two lines of channels, each in the order in which they came."""

    __slots__ = ("_few", "_many")

    def __init__(self) -> None:
        self._few: deque[C] = deque()
        self._many: deque[C] = deque()

    def __len__(self) -> int:
        return len(self._few) + len(self._many)

    def __iter__(self) -> Iterator[C]:
        yield from self._few
        yield from self._many

    def append(self, channel: C) -> None:
        """To the end of its line."""
        (self._few if len(channel.members) <= FEW else self._many).append(channel)

    def next(self, spent: float, tick: float) -> C:
        """Take out whose turn it is, when so many seconds of a tick are spent."""
        if self._few and (not self._many or spent < tick / 2):
            return self._few.popleft()
        return self._many.popleft()


class Slices:
    """How many members make one slice: as many as take ``target`` seconds, within bounds."""

    __slots__ = ("_each", "_least", "_most", "_target")

    def __init__(self, most: int, target: float) -> None:
        self._most = most
        self._least = max(1, most // SMALLEST)
        self._target = target
        self._each = 0.0  # seconds a member, smoothed

    @property
    def size(self) -> int:
        """Members."""
        if self._each * self._most <= self._target:
            return self._most
        return max(self._least, int(self._target / self._each))

    def took(self, members: int, seconds: float) -> None:
        """A slice of so many members took so long."""
        each = max(0.0, seconds) / members
        self._each = each if not self._each else self._each + SMOOTH * (each - self._each)
