"""The flight recorder: what happened to each connection lately, in a slab that all of them share.

A connection has a place of 304 bytes: a head with sums, and the last 32 events of eight bytes. Places are numbers that
the registry of connections gives out and takes back; a place begins anew with each owner. The slab grows in steps and
never moves; noting an event allocates nothing that stays.
"""

import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

from observability import recorder_names as kinds
from observability.names import COMMANDS
from observability.recorder_names import KINDS, METHOD_BITS

EVENTS: Final = 32  # a connection
STEP: Final = 512  # places that the slab grows by; a power of two
REMEMBERED: Final = 256  # ended connections whose story and events can still be asked for
NOBODY: Final = -1  # the place of who has none: nothing is noted

_HEAD = 6  # words: start, events, pings and pongs, round trips, bytes received, high waters
_WORDS = _HEAD + EVENTS
_MOST = (1 << 24) - 1  # an argument; more is shown as this
_LOW = (1 << 32) - 1
_ROTATION = 1 << 32  # milliseconds until an event's time begins anew: 49 days
_METHODS = {method: number for number, method in enumerate(COMMANDS)}


class Event(NamedTuple):
    """What happened, when (seconds since the 101), and the kind's number."""

    at: float
    kind: int
    argument: int

    def told(self) -> dict[str, Any]:
        """As the log and the debug API show it."""
        row = KINDS[self.kind - 1]
        shown: dict[str, Any] = {"at": self.at, "event": row.name}
        if self.kind == kinds.COMMAND:
            shown["method"] = COMMANDS[self.argument >> METHOD_BITS]
            shown["code"] = self.argument & ((1 << METHOD_BITS) - 1)
        elif row.argument:
            shown[row.argument] = self.argument
        return shown


class Aggregates(NamedTuple):
    """What comes too often to be an event."""

    pings: int
    pongs: int
    rtt: float  # seconds; 0 for none
    rtt_high: float
    received_bytes: int
    queued_bytes_high: int
    kernel_bytes_high: int


def command(method: str, code: int) -> int:
    """The argument of a command's event."""
    return _METHODS.get(method, 0) << METHOD_BITS | code


class FlightRecorder:
    """All places of a process. Call it from the event loop's thread."""

    __slots__ = ("_clock", "_slab", "_wall", "ended")

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        remembered: int = REMEMBERED,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._slab: list[array[int]] = []
        self.ended: deque[dict[str, Any]] = deque(maxlen=remembered)  # stories, the abnormal ones with their events

    def open(self, place: int) -> None:
        """A new connection has this place; whatever stood there is gone."""
        if place < 0:
            return
        while place >= len(self._slab) * STEP:
            self._slab.append(array("Q", (0,)) * (_WORDS * STEP))
        page, base = self._slab[place // STEP], place % STEP * _WORDS
        page[base] = int(self._clock() * 1000)
        for word in range(base + 1, base + _HEAD):
            page[word] = 0

    def note(self, place: int, kind: int, argument: int = 0) -> None:
        """An event; one like the newest only counts how often and says when last."""
        if place < 0:
            return
        page, base = self._slab[place // STEP], place % STEP * _WORDS
        count = page[base + 1]
        events = base + _HEAD
        since = (int(self._clock() * 1000) - page[base]) & _LOW
        what = kind << 24 | (argument if 0 <= argument < _MOST else _MOST)
        if count:
            newest = page[events + (count - 1) % EVENTS] >> 32
            if newest == what:
                what = kinds.REPEATED << 24 | 1
            elif newest >> 24 == kinds.REPEATED and count > 1 and page[events + (count - 2) % EVENTS] >> 32 == what:
                what = kinds.REPEATED << 24 | min(newest + 1 & _MOST, _MOST)
                count -= 1
        page[events + count % EVENTS] = what << 32 | since
        page[base + 1] = count + 1

    # ------------------------------------------------------------------- sums

    def pinged(self, place: int) -> None:
        """A ping was sent."""
        if place >= 0:
            self._slab[place // STEP][place % STEP * _WORDS + 2] += 1

    def ponged(self, place: int, rtt: float) -> None:
        """Its pong came."""
        if place < 0:
            return
        page, base = self._slab[place // STEP], place % STEP * _WORDS
        page[base + 2] += 1 << 32
        took = min(int(rtt * 1e6), _LOW)
        page[base + 3] = took | max(page[base + 3] >> 32, took) << 32

    def answered(self, place: int, rtt: float, size: int) -> None:
        """``ponged`` and ``received`` at once."""
        if place < 0:
            return
        page, base = self._slab[place // STEP], place % STEP * _WORDS
        page[base + 2] += 1 << 32
        took = min(int(rtt * 1e6), _LOW)
        page[base + 3] = took | max(page[base + 3] >> 32, took) << 32
        page[base + 4] += size

    def received(self, place: int, size: int) -> None:
        """So many bytes came."""
        if place >= 0:
            self._slab[place // STEP][place % STEP * _WORDS + 4] += size

    def waiting(self, place: int, queued: int, kernel: int) -> None:
        """So many bytes wait here and in the kernel: the highest ones are kept."""
        if place < 0:
            return
        page, word = self._slab[place // STEP], place % STEP * _WORDS + 5
        known = page[word]
        page[word] = max(known & _LOW, min(queued, _LOW)) | max(known >> 32, min(kernel, _LOW)) << 32

    # ---------------------------------------------------------------- reading

    def remember(self, story: dict[str, Any], trace_id: str = "") -> None:
        """A connection ended; its story can be asked for until ``REMEMBERED`` others have ended."""
        if self.ended.maxlen:
            self.ended.append(
                {"ended": round(self._wall(), 3), **({"trace_id": trace_id} if trace_id else {}), **story}
            )

    def events(self, place: int) -> list[Event]:
        """The last events, oldest first."""
        if not 0 <= place < len(self._slab) * STEP:
            return []
        page, base = self._slab[place // STEP], place % STEP * _WORDS
        now = int(self._clock() * 1000) - page[base]
        count = page[base + 1]
        words = [page[base + _HEAD + index % EVENTS] for index in range(max(0, count - EVENTS), count)]
        return list(reversed(list(_unrolled(reversed(words), now))))

    def sums(self, place: int) -> Aggregates:
        """What was summed up."""
        if not 0 <= place < len(self._slab) * STEP:
            return Aggregates(0, 0, 0.0, 0.0, 0, 0, 0)
        page, base = self._slab[place // STEP], place % STEP * _WORDS
        beats, trips, received, high = page[base + 2 : base + _HEAD]
        return Aggregates(
            beats & _LOW, beats >> 32, (trips & _LOW) / 1e6, (trips >> 32) / 1e6, received, high & _LOW, high >> 32
        )

    @property
    def size(self) -> int:
        """Bytes of the slab."""
        return len(self._slab) * STEP * _WORDS * 8


def _unrolled(words: Iterable[int], now: int) -> Iterator[Event]:
    """Events, newest first, with the 49 days that their clock forgets given back."""
    latest = now
    for word in words:
        latest -= (latest - (word & _LOW)) % _ROTATION
        yield Event(latest / 1000, word >> 56, word >> 32 & _MOST)
