"""Counted pings: how many are open, which are overdue, when the peer counts as dead.

Pongs carry no number, but TCP keeps their order: a pong answers the oldest open ping. With a patience of some misses
several pings are open at a time, so a boolean would take the second pong of a slow but healthy client for unasked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf
from types import MappingProxyType
from typing import Final

MOST_MISSES = 3  # and so many pings are open at most


@dataclass(frozen=True, slots=True)
class HeartbeatSettings:
    """A profile. A dead peer is found within ``misses * interval + timeout`` seconds.

    Raises:
        ValueError: a figure that cannot work, with a sentence.

    """

    interval: float = 25.0  # seconds; below the 30 s after which many proxies cut silence; 0 switches pings off
    timeout: float = 8.0  # seconds until a pong is overdue
    misses: int = 1  # overdue pongs that make a peer dead

    def __post_init__(self) -> None:
        if not 1 <= self.misses <= MOST_MISSES:
            raise ValueError(f"misses must be 1 to {MOST_MISSES}")
        if self.interval < 0:
            raise ValueError("the ping interval must not be negative")
        if self.interval and not 0 < self.timeout <= self.interval:
            raise ValueError("the pong timeout must be positive and at most the ping interval")


PROFILES: Final[Mapping[str, HeartbeatSettings]] = MappingProxyType(
    {
        "realtime": HeartbeatSettings(5.0, 3.0, 2),  # games, trading: dead within 13 s
        "service": HeartbeatSettings(10.0, 8.0, 3),  # backends, slow but patient: several pings may be under way
        "iot": HeartbeatSettings(60.0, 15.0, 1),  # batteries: few wake-ups
    }
)


class Beat(Enum):
    """What a step asks for."""

    WAIT = "wait"
    PING = "ping"
    MISSED = "missed"
    DEAD = "dead"


class Heartbeat:
    """The pings of one connection; of those that are ``open`` the oldest ``missed`` are overdue."""

    __slots__ = ("_due", "_grace", "_sent", "missed", "settings")

    def __init__(self, settings: HeartbeatSettings, now: float, phase: float) -> None:
        """First ping in [interval/2, interval) after ``now``, where ``phase`` in [0, 1) says: no herd after a storm."""
        self.settings = settings
        self.missed = 0
        self._sent: tuple[
            float, ...
        ] = ()  # when the open pings were sent; empty nearly always, and then it costs nothing
        self._grace = 0.0
        self._due = now + settings.interval * (0.5 + phase / 2) if settings.interval else inf

    @property
    def open(self) -> int:
        """Pings that were not answered yet."""
        return len(self._sent)

    def step(self, now: float, stall: float = 0.0) -> Beat:
        """Decide what is due, one thing a call; call again until ``WAIT``.

        Args:
            now: loop time in seconds.
            stall: seconds that our own loop lately stood still: pongs may lie unread, so verdicts wait as much longer.

        """
        self._grace = stall
        if self.missed < len(self._sent) and now >= self._overdue_at():
            self.missed += 1
            return Beat.DEAD if self.missed >= self.settings.misses else Beat.MISSED
        if now >= self._due and len(self._sent) < MOST_MISSES:
            self._ping(now)
            return Beat.PING
        return Beat.WAIT

    def plain_ping(self, now: float) -> bool:
        """The usual step: every ping is answered and the next one is due, so it is sent. Else False: ``step``."""
        if self._sent or now < self._due:
            return False
        self._grace = 0.0
        self._ping(now)
        return True

    def pong(self, now: float) -> float | None:
        """Seconds since the ping that this pong answers; None when no ping is open (3501)."""
        if not self._sent:
            return None
        rtt = now - self._sent[0]
        self._sent = self._sent[1:]
        if self.missed:
            self.missed -= 1
        self._grace = 0.0
        return rtt

    def adapt(self, settings: HeartbeatSettings, now: float) -> None:
        """Go on with another profile: the next ping comes its interval after the last one, but not before now."""
        self._due = max(now, self._due - self.settings.interval + settings.interval)
        self.settings = settings

    def deadline(self) -> float:
        """When ``step`` has something to decide, loop time; inf for never."""
        if self.missed == len(self._sent):
            return self._due
        overdue = self._overdue_at()
        return overdue if len(self._sent) == MOST_MISSES else min(self._due, overdue)

    def _overdue_at(self) -> float:
        return self._sent[self.missed] + self.settings.timeout + self._grace

    def _ping(self, now: float) -> None:
        self._sent = (*self._sent, now)
        self._due += self.settings.interval  # a little late or not: phases stay spread
        if self._due < now + self.settings.timeout:  # far too late: pings would bunch up
            self._due = now + self.settings.interval
