"""When a publication does not follow on the last one, the node asks the broker once, and nobody notices.

A hole is filled from history, in order. When history cannot fill it, when the epoch is another one, or when the stream
fell behind what was heard (a failover that lost writes), everybody who relies on the position is told. Meanwhile what
is heard is held back, so that order is kept. A full ring is the same case: what it has no room for is read again later.
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

import msgspec

from service.broker.contract import Broker, Excerpt, HistoryFilter, Soon
from service.broker.stream import Entry, Ring
from service.channels.channel import Channel
from service.channels.fanout import Timers
from service.protocol.messages import StreamPosition

READ = 256  # entries in one read of history
HELD = 256  # entries held back while the broker is asked
TRIES = 6  # before the position is given up
PATIENCE = 0.1  # seconds before the second try; doubled each time


class Repair:
    """What was heard while a channel is out of step."""

    __slots__ = ("held", "more", "parked", "postponed", "tries")

    def __init__(self, *, parked: bool = False, postponed: int = 0) -> None:
        self.held: list[Entry] = []
        self.more = parked  # history has more than was held
        self.postponed = postponed  # how many were heard and left to history
        self.parked = parked  # nothing is asked until the ring has room
        self.tries = 0


class Yard(Protocol):
    """What the hub does for a repair."""

    def has_room(self, channel: Channel) -> bool:
        """Whether the ring takes another entry."""

    def put(self, channel: Channel, entry: Entry) -> None:
        """Append what was heard to the ring and let the fan-out know."""

    def read(self, channel: Channel, entry: Entry) -> None:
        """The same with what was read from history."""

    def lose(self, channel: Channel, position: StreamPosition, top_id: int) -> None:
        """Go on at ``position`` (no epoch: nobody knows it); who relied on the old one is told."""

    def drop(self, channel: Channel, cause: str, count: int = 1) -> None:
        """Publications that were heard can be given to nobody."""

    def run(self, name: str, soon: Soon[Any], answered: Callable[[Any], None]) -> None:
        """Call ``answered`` with the answer or the exception, at once when it is there."""


class Repairs:
    """Brings channels back into step."""

    def __init__(self, broker: Broker, timers: Timers, yard: Yard) -> None:
        self._broker = broker
        self._timers = timers
        self._yard = yard

    def begin(self, channel: Channel, entry: Entry | None = None, postponed: int = 0) -> None:
        """Something is wrong with the position; ``entry`` is what showed it."""
        assert channel.repair is None, "a channel is repaired twice"
        repair = channel.repair = Repair(postponed=postponed)
        if entry is not None:
            repair.held.append(entry)
        self._ask(channel, repair)

    def park(self, channel: Channel) -> None:
        """The ring is full: from here on history keeps what is heard, the newest included."""
        channel.repair = Repair(parked=True, postponed=1)

    def resume(self, channel: Channel) -> None:
        """The ring has room again."""
        repair = channel.repair
        if repair is not None and repair.parked:
            repair.parked = False
            self._ask(channel, repair)

    def hold(self, channel: Channel, entry: Entry) -> None:
        """Something was heard meanwhile."""
        repair = channel.repair
        if not repair.more and len(repair.held) < HELD:
            repair.held.append(entry)
        elif entry.offset:
            repair.more = True
            repair.postponed += 1
        else:
            self._yard.drop(channel, "fanout_overload")

    # ---------------------------------------------------------------- questions

    def _ask(self, channel: Channel, repair: Repair) -> None:
        wanted = HistoryFilter(READ, channel.ring.position)
        self._question(
            channel, repair, self._answered, lambda: self._broker.history(channel.name, wanted, channel.options)
        )

    def _question(
        self,
        channel: Channel,
        repair: Repair,
        follow: Callable[[Channel, Repair, Any], None],
        ask: Callable[[], Soon[Any]],
    ) -> None:
        try:
            soon = ask()
        except Exception:  # noqa: BLE001 - whatever the broker has, we try again
            self._failed(channel, repair)
        else:
            self._yard.run(f"repair {channel.name}", soon, partial(self._told, channel, repair, follow))

    def _told(
        self, channel: Channel, repair: Repair, follow: Callable[[Channel, Repair, Any], None], outcome: Any
    ) -> None:
        if channel.closed or channel.repair is not repair:
            return
        if isinstance(outcome, BaseException):
            self._failed(channel, repair)
        else:
            follow(channel, repair, outcome)

    def _failed(self, channel: Channel, repair: Repair) -> None:
        repair.tries += 1
        if repair.tries >= TRIES:
            self._lose(channel, repair, Excerpt((), StreamPosition()))
            return
        self._timers.call_later(PATIENCE * 2.0 ** (repair.tries - 1), partial(self._again, channel, repair))

    def _again(self, channel: Channel, repair: Repair) -> None:
        if not channel.closed and channel.repair is repair:
            self._ask(channel, repair)

    # ------------------------------------------------------------------ answers

    def _answered(self, channel: Channel, repair: Repair, excerpt: Excerpt) -> None:
        ring = channel.ring
        if excerpt.position.epoch != ring.epoch:
            self._lose(channel, repair, excerpt)
        elif not agrees(ring, excerpt) or _contradicts(ring, repair.held):
            self._question(
                channel, repair, self._lose, lambda: self._broker.renew_epoch(channel.name, ring.epoch, channel.options)
            )
        else:
            self._fill(channel, repair, excerpt)

    def _fill(self, channel: Channel, repair: Repair, excerpt: Excerpt) -> None:
        ring, position = channel.ring, excerpt.position
        read = deque(entry for entry in excerpt.entries if entry.offset > ring.top)
        if (read[0].offset != ring.top + 1) if read else (ring.top != position.offset):
            self._lose(channel, repair, excerpt)
            return
        for entry in _merged(channel, repair.held, read):
            if not self._yard.has_room(channel):
                repair.parked = repair.more = True
                return
            if read and entry is read[0]:
                self._yard.read(channel, read.popleft())
            else:
                self._yard.put(channel, repair.held.pop(0))
        if ring.top < position.offset:
            self._ask(channel, repair)  # there is more than one read gives
        elif repair.held:
            self._failed(channel, repair)  # heard, but not in history: not yet, or it was taken back
        else:
            channel.repair = None
            if repair.more:
                self.begin(channel, postponed=repair.postponed)
            elif repair.postponed:
                channel.dismiss("repeated", repair.postponed)

    def _put(self, channel: Channel, entry: Entry) -> None:
        if channel.repair is not None:
            self.hold(channel, entry)
        elif self._yard.has_room(channel):
            self._yard.put(channel, entry)
        elif entry.offset:
            self.park(channel)
        else:
            self._yard.drop(channel, "fanout_overload")

    def _lose(self, channel: Channel, repair: Repair, excerpt: Excerpt) -> None:
        channel.repair = None
        self._yard.lose(channel, excerpt.position, excerpt.top_id)
        if repair.postponed:
            self._yard.drop(channel, "history_lost", repair.postponed)
        if repair.held:
            channel.dismiss("repeated", len(repair.held))
        for entry in repair.held:
            channel.heard()  # by those who are left
            self._put(channel, entry if channel.ring.continues(entry) else _unplaced(entry))


def agrees(ring: Ring, excerpt: Excerpt) -> bool:
    """Whether the stream is still the one that the ring heard: not behind it, and the same publication at its top."""
    if excerpt.position.offset < ring.top:
        return False
    if excerpt.position.offset == ring.top:
        return not ring.top_id or excerpt.top_id == ring.top_id
    following = next((entry for entry in excerpt.entries if entry.offset == ring.top + 1), None)
    return following is None or ring.continues(following)


def _contradicts(ring: Ring, held: list[Entry]) -> bool:
    """Whether something came that has another's offset."""
    for entry in held:
        if entry.offset and entry.epoch == ring.epoch:
            known = ring.find(entry.offset)
            if known is not None and known.id != entry.id:
                return True
    return False


def _merged(channel: Channel, held: list[Entry], read: deque[Entry]) -> Iterator[Entry]:
    """What comes next, until something is missing: of what was read and what was held, as it was said.

    Whoever takes an entry takes it out of ``read`` or off the front of ``held``, and puts it into the ring.
    """
    ring = channel.ring
    while read or held:
        first = held[0] if held else None
        if first is not None and first.offset and (first.epoch != ring.epoch or first.offset <= ring.top):
            held.pop(0)  # it came late: of an epoch that is over, or it was read
            channel.dismiss("repeated")
        elif first is not None and not first.offset:
            yield first
        elif read:
            yield read[0]
        elif first is not None and ring.continues(first):
            yield first
        else:
            return


def _unplaced(entry: Entry) -> Entry:
    return msgspec.structs.replace(entry, offset=0) if entry.offset else entry
