"""Pure: a bounded run of publications with offsets; the memory broker's history and, with a cursor, the hub's ring.

``top`` is the newest offset, ``floor`` the one below the oldest that is kept: everything in between is here.
Publications without an offset (history skipped or off) lie between the others in the order in which they came.
"""

from collections.abc import Callable, Sequence
from random import SystemRandom
from string import ascii_letters

import msgspec

from service.protocol.messages import Publication, StreamPosition

EPOCH_LETTERS = 8

_system = SystemRandom()


def new_epoch(choose: Callable[[str], str] = _system.choice) -> str:
    """A random epoch: 8 letters."""
    return "".join(choose(ascii_letters) for _ in range(EPOCH_LETTERS))


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A publication on its way, with its place. Nodes share it; it never changes."""

    publication: Publication
    offset: int  # place in the stream; 0: none
    epoch: str  # of that place; "" without
    id: int  # random, 63 bits, never 0: tells two publications with the same offset apart
    time: float  # wall seconds at which it was accepted
    size: int  # bytes that it counts for
    traceparent: str = ""  # of a sampled publication
    after: int = 0  # id of the one with the offset before; 0: not known, or there is none
    delta: bool = False  # subscribers that asked for deltas may be given what differs from the one before


class Tally:
    """Bytes of many streams together."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0


class Stream:
    """Entries in order; the caller says when to drop the oldest."""

    __slots__ = ("entries", "epoch", "floor", "size", "tally", "top", "top_id", "unplaced")

    def __init__(self, tally: Tally, epoch: str = "", top: int = 0) -> None:
        self.entries: list[Entry] = []
        self.epoch = epoch  # "" while it is not known
        self.top = top
        self.top_id = 0  # id of the publication at the top, also when it is not kept any more; 0: none, or not known
        self.floor = top
        self.size = 0  # bytes
        self.unplaced = 0  # entries without offset
        self.tally = tally

    @property
    def position(self) -> StreamPosition:
        """The top."""
        return StreamPosition(self.top, self.epoch)

    def append(self, entry: Entry) -> None:
        """Take the next entry: the one after ``top``, or one without a place."""
        if entry.offset:
            assert entry.offset == self.top + 1, "an entry was appended that does not follow the top"
            self.top = entry.offset
            self.top_id = entry.id
        else:
            self.unplaced += 1
        self.entries.append(entry)
        self.size += entry.size
        self.tally.used += entry.size

    def drop(self, count: int) -> None:
        """Forget the ``count`` oldest entries."""
        for entry in self.entries[:count]:
            self.size -= entry.size
            self.tally.used -= entry.size
            if entry.offset:
                self.floor = entry.offset
            else:
                self.unplaced -= 1
        del self.entries[:count]

    def bound(self, count: int, size: int) -> int:
        """Forget the oldest entries beyond ``count`` or beyond ``size`` bytes, but never the newest; how many."""
        excess = max(0, len(self.entries) - max(count, 1))
        over = self.size - size
        if over > 0:
            over -= sum(entry.size for entry in self.entries[:excess])
            while over > 0 and excess < len(self.entries) - 1:
                over -= self.entries[excess].size
                excess += 1
        if excess:
            self.drop(excess)
        return excess

    def since(self, offset: int, limit: int = -1) -> list[Entry]:
        """Entries with offsets above ``offset``, oldest first; at most ``limit`` unless that is negative."""
        found = self.entries[self._above(offset) :]
        if self.unplaced:
            found = [entry for entry in found if entry.offset]
        return found if limit < 0 else found[:limit]

    def before(self, offset: int, limit: int = -1) -> list[Entry]:
        """Entries with offsets below ``offset``, newest first; none unless ``offset - 1`` is kept, as in Centrifugo."""
        if not self.floor < offset - 1 <= self.top:
            return []
        found = [entry for entry in self.entries[: self._above(offset - 1)] if entry.offset]
        found.reverse()
        return found if limit < 0 else found[:limit]

    def find(self, offset: int) -> Entry | None:
        """The entry of this offset, while it is kept."""
        if not self.floor < offset <= self.top:
            return None
        return self.entries[self._above(offset - 1)]

    def _above(self, offset: int) -> int:
        """Index of the first entry with an offset above ``offset``; the number of entries when there is none."""
        if offset >= self.top:
            return len(self.entries)
        if not self.unplaced:
            return max(0, offset - self.floor)
        index = found = len(self.entries)
        while index:
            index -= 1
            place = self.entries[index].offset
            if place > offset:
                found = index
            elif place:
                break
        return found


class Ring(Stream):
    """A stream of which live subscribers have been given what lies before ``sent``.

    Entries are numbered in the order in which they came, placed or not; ``first`` is the number of the oldest one here.
    """

    __slots__ = ("first", "sent", "touched")

    def __init__(self, tally: Tally) -> None:
        super().__init__(tally)
        self.first = 0
        self.sent = 0
        self.touched = 0.0  # wall seconds of the last sign of life of the broker's stream

    @property
    def end(self) -> int:
        """The number that the next entry will get."""
        return self.first + len(self.entries)

    @property
    def pending(self) -> int:
        """How many entries have not been given to live subscribers."""
        return self.first + len(self.entries) - self.sent

    def append(self, entry: Entry) -> None:
        """See ``Stream.append``; the cursor stays."""
        super().append(entry)
        self.touched = entry.time

    @property
    def last(self) -> Entry | None:
        """What live subscribers were given last, while it is kept."""
        return self.entries[self.sent - self.first - 1] if self.sent > self.first else None

    def take(self, count: int, size: int) -> list[Entry]:
        """The next pending entries, at most ``count`` and, beyond the first, ``size`` bytes."""
        start = self.sent - self.first
        taken = self.entries[start : start + count]
        total = 0
        for index, entry in enumerate(taken):
            total += entry.size
            if total > size and index:
                return taken[:index]
        return taken

    def advance(self, to: int) -> None:
        """Live subscribers have everything before the number ``to``."""
        self.sent = max(self.sent, to)

    def trim(self, keep: int) -> None:
        """Forget sent entries, all but the newest ``keep``."""
        excess = self.sent - self.first - keep
        if excess > 0:
            self.drop(excess)

    def expire(self, now: float, ttl: float) -> None:
        """Forget what was sent when the newest entry is older than ``ttl`` seconds."""
        if self.entries and now >= self.entries[-1].time + ttl:
            self.trim(0)

    def drop(self, count: int) -> None:
        """See ``Stream.drop``; pending entries that are dropped count as sent."""
        count = min(count, len(self.entries))
        super().drop(count)
        self.first += count
        self.sent = max(self.sent, self.first)

    def adopt(self, position: StreamPosition, top_id: int, time: float) -> None:
        """Learn where the broker's stream stands, ``time`` wall seconds; only for a ring that does not know."""
        assert not self.epoch, "a ring that knows its place was told another one"
        self.restart(position, top_id)
        self.touched = time

    def restart(self, position: StreamPosition, top_id: int) -> None:
        """Go on at another position. Pending entries lose their place, sent ones are forgotten."""
        self.trim(0)
        self.entries = [msgspec.structs.replace(entry, offset=0) for entry in self.entries]
        self.unplaced = len(self.entries)
        self.epoch = position.epoch
        self.top = self.floor = position.offset
        self.top_id = top_id

    def continues(self, entry: Entry) -> bool:
        """Whether the entry is the one after the top, and not only by its offset."""
        return (
            entry.epoch == self.epoch
            and entry.offset == self.top + 1
            and (entry.after == self.top_id or not entry.after or not self.top_id)
        )

    def prepend(self, older: Sequence[Entry], keep: int) -> None:
        """Put the entries right below ``floor`` back, as sent; so that at most ``keep`` sent ones are here."""
        room = keep - (self.sent - self.first)
        fitting = [entry for entry in older if entry.offset <= self.floor][-room:] if room > 0 else []
        if not fitting or self.unplaced or fitting[-1].offset != self.floor:
            return
        if fitting[-1].offset - fitting[0].offset != len(fitting) - 1:
            return
        self.entries[:0] = fitting
        self.first -= len(fitting)
        self.floor = fitting[0].offset - 1
        size = sum(entry.size for entry in fitting)
        self.size += size
        self.tally.used += size
