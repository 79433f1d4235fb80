"""Is every channel still where the broker's stream is? One question a channel, when it was silent for a while."""

import heapq
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from service.broker.contract import Broker, Excerpt, HistoryFilter
from service.broker.stream import Entry
from service.channels.channel import Channel
from service.channels.fanout import Timers
from service.channels.repair import Repairs, Yard, agrees

AT_ONCE = 64  # channels in one turn


class Checks:
    """Looks at each watched channel ``delay`` seconds after it was last known to be right."""

    def __init__(
        self,
        broker: Broker,
        timers: Timers,
        yard: Yard,
        repairs: Repairs,
        *,
        now: Callable[[], float],
        delay: float,
        max_lag: float = 0.0,
    ) -> None:
        self._max_lag = max_lag
        self._broker = broker
        self._timers = timers
        self._yard = yard
        self._repairs = repairs
        self._now = now
        self._delay = delay
        self._due: list[tuple[float, int, Channel]] = []
        self._numbers = count()
        self._armed = False

    def watch(self, channel: Channel) -> None:
        """Somebody relies on this channel's position."""
        if not channel.watched and self._delay > 0:
            channel.watched = True
            self._push(channel, self._now() + self._delay)

    def too_late(self, channel: Channel, entry: Entry) -> bool:
        """Whether who relies on the position should rather be told than go on with this one, by the nodes' clocks."""
        lag = self._max_lag
        return lag > 0 and channel.positioned > 0 and entry.offset > 0 and self._now() - entry.time > lag

    def _push(self, channel: Channel, due: float) -> None:
        heapq.heappush(self._due, (due, next(self._numbers), channel))
        if not self._armed:
            self._armed = True
            self._timers.call_later(min(1.0, self._delay / 4), self._look)

    def _look(self) -> None:
        now = self._now()
        room = AT_ONCE
        while room and self._due and self._due[0][0] <= now:
            self._visit(heapq.heappop(self._due)[2], now)
            room -= 1
        self._armed = bool(self._due)
        if self._armed:
            self._timers.call_later(min(1.0, self._delay / 4) if room else 0.0, self._look)

    def _visit(self, channel: Channel, now: float) -> None:
        if channel.closed or not channel.positioned:
            channel.watched = False
            return
        channel.ring.expire(now, channel.options.history_ttl)
        due = channel.ring.touched + self._delay
        if due <= now:
            self._ask(channel)
            due = now + self._delay
        self._push(channel, due)

    def _ask(self, channel: Channel) -> None:
        ring = channel.ring
        if channel.repair is not None or not ring.epoch:
            return
        wanted = HistoryFilter(1, ring.position)
        answered = partial(self._answered, channel, channel.generation, ring.top, ring.top_id)
        try:
            soon = self._broker.history(channel.name, wanted, channel.options)
        except Exception:  # noqa: BLE001 - it is counted where it happened; there is a next time
            return
        self._yard.run(f"position of {channel.name}", soon, answered)

    def _answered(self, channel: Channel, generation: int, top: int, top_id: int, outcome: Any) -> None:
        if not isinstance(outcome, Excerpt) or channel.closed or channel.repair is not None:
            return
        ring = channel.ring
        if generation != channel.generation:
            return
        moved = ring.top != top or ring.top_id != top_id
        right = outcome.position.epoch == ring.epoch and top <= outcome.position.offset <= ring.top
        if right and (moved or agrees(ring, outcome)):
            ring.touched = max(ring.touched, self._now())
        else:
            self._repairs.begin(channel)
