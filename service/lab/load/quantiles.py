"""Pure: latencies of millions of messages in a few hundred numbers that can be added up."""

from collections import Counter
from collections.abc import Mapping
from math import ceil, exp, log
from typing import Final

_LEAST: Final = 1e-5  # seconds; what is quicker counts as this
_STEP: Final = log(1.02)  # a bucket is 2 % wide: so exact is a quantile


class Quantiles:
    """Counts seconds in buckets of 2 %."""

    __slots__ = ("_buckets", "longest")

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self.longest = 0.0

    def __len__(self) -> int:
        return self._buckets.total()

    def add(self, seconds: float) -> None:
        """One more."""
        self._buckets[0 if seconds <= _LEAST else ceil(log(seconds / _LEAST) / _STEP)] += 1
        self.longest = max(self.longest, seconds)

    def at(self, share: float) -> float:
        """Seconds that this share (0 to 1) did not take longer than; 0 when there is nothing."""
        wanted = ceil(share * len(self))
        for bucket in sorted(self._buckets):
            wanted -= self._buckets[bucket]
            if wanted <= 0:
                return min(self.longest, _LEAST * exp(bucket * _STEP))
        return 0.0

    def told(self) -> dict[str, float]:
        """As JSON."""
        return {**{str(bucket): count for bucket, count in self._buckets.items()}, "longest": self.longest}

    def include(self, told: Mapping[str, float]) -> None:
        """Add what another one told."""
        for bucket, count in told.items():
            if bucket != "longest":
                self._buckets[int(bucket)] += int(count)
        self.longest = max(self.longest, told["longest"])
