"""Pure: what was published and what of it each subscriber got. Publications of a channel are numbered from 1.

A number that came is *delivered*; again, *duplicated*; after a later one, *reordered*. One that never came is *lost*,
unless the server told that it might be missing (no recovery, or ``recovered: false``), or it is *void*: its publisher
never heard whether it was published.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_HOLES = 20_000  # numbers of missing publications that one worker keeps; beyond, they are only counted


@dataclass(slots=True)
class Tally:
    """What happened to publications, in one process."""

    delivered: int = 0
    duplicated: int = 0
    reordered: int = 0
    told: int = 0  # left out, and the server said so


class Place:
    """Where one subscriber stands in one channel."""

    __slots__ = ("_missing", "_tally", "epoch", "last", "live", "offset", "recoverable", "unknown")

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._missing: set[int] | None = None
        self.last = 0  # highest number that came
        self.unknown = False  # what lies between ``last`` and the next one is not owed to us
        self.live = False  # subscribed
        self.recoverable = False
        self.offset = 0
        self.epoch = ""

    @property
    def missing(self) -> Iterable[int]:
        """Numbers below ``last`` that have not come."""
        return self._missing or ()

    def late(self) -> None:
        """Publishing began before we were there."""
        self.unknown = True

    def subscribed(self, *, recoverable: bool, recovered: bool, offset: int, epoch: str, again: bool) -> None:
        """The reply to a subscribe came; its publications are handed to ``received`` afterwards."""
        self.live = True
        if again and not recovered:
            self.unknown = True
        self.recoverable = recoverable
        if not recovered:
            self.offset = offset
        self.epoch = epoch

    def received(self, number: int, offset: int = 0) -> None:
        """A publication came."""
        tally = self._tally
        behind = not offset or offset <= self.offset  # else the server heard it that late: another user published then
        self.offset = offset or self.offset
        if self.unknown:
            tally.told += max(0, number - self.last - 1)
            self.unknown = False
            if number > self.last:
                self.last = number - 1
        if number == self.last + 1:
            tally.delivered += 1
            self.last = number
        elif number > self.last:
            self._missing = {*(self._missing or ()), *range(self.last + 1, number)}
            tally.delivered += 1
            self.last = number
        elif self._missing and number in self._missing:
            self._missing.discard(number)
            tally.delivered += 1
            tally.reordered += behind
        else:
            tally.duplicated += 1


def owed(published: Mapping[str, int], void: Mapping[str, Iterable[int]]) -> dict[str, int]:
    """Up to which number each channel's subscribers must get everything: void ones at the end are not owed."""
    finals = {}
    for channel, final in published.items():
        excused = set(void.get(channel, ()))
        while final in excused:
            final -= 1  # noqa: PLW2901 - down to the last one that counts
        finals[channel] = final
    return finals


@dataclass(slots=True)
class Holes:
    """What subscribers of all channels lack; workers' are added up, and then void numbers are taken out."""

    by_channel: dict[str, Counter[int]] = field(default_factory=dict)  # number -> subscribers that lack it
    beyond: int = 0  # holes that were too many to keep

    def add(self, channel: str, place: Place, final: int) -> None:
        """What one subscriber lacks of ``final`` publications."""
        if place.unknown:
            missing: Iterable[int] = place.missing
        else:
            missing = [*place.missing, *range(place.last + 1, final + 1)]
        counter = self.by_channel.setdefault(channel, Counter())
        for number in missing:
            if len(counter) < MOST_HOLES or number in counter:
                counter[number] += 1
            else:
                self.beyond += 1

    def told(self) -> dict[str, Any]:
        """As JSON."""
        channels = {name: list(counter.items()) for name, counter in self.by_channel.items() if counter}
        return {"channels": channels, "beyond": self.beyond}

    def include(self, told: Mapping[str, Any]) -> None:
        """Add what another process told."""
        self.beyond += told["beyond"]
        for channel, holes in told["channels"].items():
            counter = self.by_channel.setdefault(channel, Counter())
            for number, count in holes:
                counter[number] += count

    def lost(self, void: Mapping[str, Iterable[int]]) -> int:
        """How many publications subscribers lack without a reason."""
        lost = self.beyond
        for channel, counter in self.by_channel.items():
            excused = set(void.get(channel, ()))
            lost += sum(count for number, count in counter.items() if number not in excused)
        return lost
