"""Who lost its position is told, at a pace: each of them comes back at once and reads history."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from service.channels.fanout import Timers

PERIOD = 0.02  # seconds between two bursts


class Notices:
    """A queue of (subscriber, channel); ``tell`` is called for ``rate`` of them a second."""

    def __init__(self, timers: Timers, tell: Callable[[Any, str], None], rate: float = 500.0) -> None:
        self._timers = timers
        self._tell = tell
        self._burst = max(1, round(rate * PERIOD))
        self._waiting: dict[tuple[Any, str], None] = {}
        self._armed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, subscribers: Iterable[Any], channel: str) -> None:
        """Tell these, in this order, never from within this call."""
        for subscriber in subscribers:
            self._waiting[subscriber, channel] = None
        if self._waiting and not self._armed:
            self._armed = True
            self._timers.call_soon(self._some)

    def discard(self, subscriber: Any, channel: str) -> None:
        """It left: nothing to tell any more."""
        if self._waiting:
            self._waiting.pop((subscriber, channel), None)

    def _some(self) -> None:
        for subscriber, channel in list(islice(self._waiting, self._burst)):
            if self._waiting.pop((subscriber, channel), self) is not self:  # an earlier one may have taken it out
                self._tell(subscriber, channel)
        self._armed = bool(self._waiting)
        if self._armed:
            self._timers.call_later(PERIOD, self._some)
