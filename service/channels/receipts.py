"""Pure: what receivers have confirmed. A receipt is cumulative: it confirms everything up to its offset.

A *trail* knows the subscribers of one channel here; *kept* positions outlive them, for users who lose theirs.
"""

from bisect import bisect_right
from itertools import islice
from typing import Any, Final

import msgspec

ANONYMOUS: Final = "\0"  # begins the name of a connection without a user
BURST: Final = 2.0  # receipts at once, then one a second: clients' timers are not exact


class Kept(msgspec.Struct, gc=False):
    """How far one user has confirmed one channel."""

    offset: int
    epoch: str
    until: float  # wall seconds; then it is forgotten
    demanded: int = -1  # the offset after which redelivery was demanded last: once is enough


def confirmer(user: str, client: str) -> str:
    """Whose receipts they are: the user's, or those of an anonymous one's connection."""
    return user or ANONYMOUS + client


class Positions:
    """Kept positions, bounded in number and in time; beyond, those that were confirmed longest ago are forgotten."""

    __slots__ = ("_channels", "_limit", "_order")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._channels: dict[str, dict[str, Kept]] = {}
        self._order: dict[tuple[str, str], None] = {}  # confirmed longest ago in front

    def __len__(self) -> int:
        return len(self._order)

    def keep(self, channel: str, who: str, kept: Kept) -> None:
        """Keep this one instead of the one before."""
        self._order.pop((channel, who), None)
        self._order[channel, who] = None
        self._channels.setdefault(channel, {})[who] = kept
        if len(self._order) > self._limit:
            self._forget(*next(iter(self._order)))

    def find(self, channel: str, who: str, now: float) -> Kept | None:
        """What is kept of this one, unless its time is over."""
        kept = self._channels.get(channel, {}).get(who)
        if kept is not None and now >= kept.until:
            self._forget(channel, who)
            return None
        return kept

    def confirmed(self, channel: str, offset: int, epoch: str, now: float) -> int:
        """How many have confirmed this offset."""
        kept = self._channels.get(channel, {}).values()
        return sum(each.offset >= offset and each.epoch == epoch and now < each.until for each in kept)

    def expire(self, now: float, most: int) -> None:
        """Forget those in front whose time is over, at most so many."""
        for channel, who in list(islice(self._order, most)):
            if now < self._channels[channel][who].until:
                return
            self._forget(channel, who)

    def _forget(self, channel: str, who: str) -> None:
        del self._order[channel, who]
        users = self._channels[channel]
        del users[who]
        if not users:
            del self._channels[channel]


class Reader(msgspec.Struct, gc=False):
    """One subscriber that confirms."""

    who: str  # as ``confirmer`` says
    offset: int  # confirmed up to here
    due: float = 0.0  # wall seconds, for the rate


class Trail:
    """Who confirms in one channel, and how far the channel was when."""

    __slots__ = ("_times", "_tops", "readers", "total")

    def __init__(self) -> None:
        self.readers: dict[Any, Reader] = {}
        self.total = 0  # the sum of their offsets
        self._times: list[float] = []  # wall seconds at which …
        self._tops: list[int] = []  # … the stream's top was seen here for the first time

    def enter(self, member: Any, who: str, offset: int) -> Reader:
        """A subscriber confirms from here on."""
        self.leave(member)
        reader = self.readers[member] = Reader(who, offset)
        self.total += offset
        return reader

    def leave(self, member: Any) -> None:
        """It is no subscriber any more, or never confirmed."""
        reader = self.readers.pop(member, None)
        if reader is not None:
            self.total -= reader.offset

    def confirm(self, reader: Reader, offset: int) -> bool:
        """Everything up to ``offset`` is confirmed; whether that is news."""
        if offset <= reader.offset:
            return False
        self.total += offset - reader.offset
        reader.offset = offset
        return True

    def unconfirmed(self, top: int) -> int:
        """Messages that were given to somebody who has not confirmed them."""
        return len(self.readers) * top - self.total

    def received(self, offset: int) -> int:
        """How many subscribers have confirmed this offset."""
        return sum(reader.offset >= offset for reader in self.readers.values())

    def note(self, now: float, top: int, memory: float) -> None:
        """The stream's top is seen; what is older than ``memory`` seconds is forgotten, but for the last of it."""
        if not self._tops or self._tops[-1] != top:
            self._times.append(now)
            self._tops.append(top)
        old = bisect_right(self._times, now - memory) - 1
        if old > 0:
            del self._times[:old], self._tops[:old]

    def top_at(self, then: float) -> int:
        """The top at that time, as far as it was noted; 0 before."""
        place = bisect_right(self._times, then) - 1
        return self._tops[place] if place >= 0 else 0


def in_time(reader: Reader, now: float) -> bool:
    """Whether another receipt is welcome: a few at once, then one a second."""
    if now < reader.due - BURST + 1.0:
        return False
    reader.due = max(now, reader.due) + 1.0
    return True
