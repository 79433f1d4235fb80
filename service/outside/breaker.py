"""Pure: when another server fails too often it is left alone for a while, then tried with care.

Closed: everybody may ask. Open: nobody may. Half open: one may, then five; if all of them are answered, it is closed.
Time is an argument, in seconds of any clock that does not run backwards.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

BUCKETS: Final = 10


class State(Enum):
    """Of a breaker; the values are those of the metric's label."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When it opens and how it closes."""

    window: float = 10.0  # seconds that are looked at
    volume: int = 20  # calls in them, below which nothing is concluded
    share: float = 0.5  # of failed ones, from which on it opens
    rest: float = 5.0  # seconds for which it stays open
    trials: tuple[int, ...] = (1, 5)  # calls at a time while half open


class Breaker:
    """Ask ``permit`` before each call, and tell its end, with the ticket, by exactly one of the other three.

    A ticket of an earlier state says nothing about this one: its end is not counted.
    """

    __slots__ = (
        "_answered",
        "_buckets",
        "_failed",
        "_out",
        "_settings",
        "_slot",
        "_stage",
        "_ticket",
        "_until",
        "state",
    )

    def __init__(self, settings: BreakerSettings = BreakerSettings()) -> None:
        self.state = State.CLOSED
        self._settings = settings
        self._ticket = 1  # of this state
        self._buckets = [0] * BUCKETS
        self._failed = [0] * BUCKETS
        self._slot = 0  # number of the newest bucket since time 0
        self._until = 0.0  # open until
        self._stage = 0  # of the trials
        self._out = 0  # trial calls under way
        self._answered = 0  # of this stage

    def refuses(self, now: float) -> bool:
        """Whether nobody may call now; takes no place."""
        return self.state is State.OPEN and now < self._until

    def permit(self, now: float) -> int:
        """A ticket for a call that may be made now, 0 for none."""
        if self.state is State.CLOSED:
            return self._ticket
        if self.state is State.OPEN:
            if now < self._until:
                return 0
            self._become(State.HALF_OPEN)
            self._stage = self._out = self._answered = 0
        if self._out + self._answered >= self._settings.trials[self._stage]:
            return 0
        self._out += 1
        return self._ticket

    def succeeded(self, ticket: int, now: float) -> None:
        """The call was answered."""
        if ticket != self._ticket:
            return
        if self.state is State.CLOSED:
            self._count(now, failed=0)
        else:
            self._out -= 1
            self._answered += 1
            self._next_stage()

    def failed(self, ticket: int, now: float) -> None:
        """The call was not answered, too late, or with nonsense."""
        if ticket != self._ticket:
            return
        if self.state is State.CLOSED:
            self._count(now, failed=1)
            calls, failures = sum(self._buckets), sum(self._failed)
            if calls < self._settings.volume or failures < calls * self._settings.share:
                return
        self._become(State.OPEN)
        self._until = now + self._settings.rest

    def abandoned(self, ticket: int) -> None:
        """Nobody waits for the call's end any more; it says nothing about the other server."""
        if ticket == self._ticket and self.state is State.HALF_OPEN:
            self._out -= 1

    def _become(self, state: State) -> None:
        self.state = state
        self._ticket += 1

    def _next_stage(self) -> None:
        if self._answered < self._settings.trials[self._stage]:
            return
        self._answered = 0
        self._stage += 1
        if self._stage == len(self._settings.trials):
            self._become(State.CLOSED)
            self._buckets = [0] * BUCKETS
            self._failed = [0] * BUCKETS

    def _count(self, now: float, *, failed: int) -> None:
        slot = int(now * BUCKETS / self._settings.window)
        for passed in range(self._slot + 1, min(slot, self._slot + BUCKETS) + 1):
            self._buckets[passed % BUCKETS] = self._failed[passed % BUCKETS] = 0
        self._slot = max(slot, self._slot)
        self._buckets[self._slot % BUCKETS] += 1
        self._failed[self._slot % BUCKETS] += failed
