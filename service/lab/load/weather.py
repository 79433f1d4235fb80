"""Pure: what a weak network does to a user's bytes. TCP loses nothing: a lost segment costs a retransmission's time."""

from random import Random
from typing import Final

from service.lab.load.plan import Weak

RETRANSMISSION: Final = 0.2  # seconds until the first one, as Linux has it; each further one takes twice as long
_LONGEST: Final = 6.4


class Weather:
    """The network between one user and the server."""

    __slots__ = ("_free", "_random", "_weak")

    def __init__(self, weak: Weak, random: Random) -> None:
        self._weak = weak
        self._random = random
        self._free = 0.0  # when the line is free again

    def arrival(self, now: float, size: int) -> float:
        """When ``size`` bytes that are here at ``now`` count as arrived; never before those that came earlier."""
        weak = self._weak
        transfer = size / weak.rate if weak.rate else 0.0
        self._free = max(now, self._free) + transfer
        due = self._free + self._latency() + self._stall()
        return max(due, now)

    def _latency(self) -> float:
        weak = self._weak
        return max(0.0, weak.delay + self._random.uniform(-weak.jitter, weak.jitter))

    def _stall(self) -> float:
        stall, next_one = 0.0, RETRANSMISSION
        while self._weak.loss and self._random.random() * 100 < self._weak.loss and next_one <= _LONGEST:
            stall += next_one
            next_one *= 2
        return stall
