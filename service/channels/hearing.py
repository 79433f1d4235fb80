"""From the broker to the ring: what is heard gets its place, or is held back, or has none.

Here the ledger learns what is expected: each publication, when it is heard, of everybody who is in the channel.
"""

from collections.abc import Callable
from typing import Any

from observability.observers.channels import ChannelsObserver
from service.broker.contract import Broker, Soon
from service.broker.stream import Entry
from service.channels.channel import Channel
from service.channels.checks import Checks
from service.channels.fanout import Fanout, Timers
from service.channels.repair import Repairs
from service.channels.shelf import Shelf
from service.protocol.messages import StreamPosition


class Hearing:
    """What a node hears of its channels, and in which order they get it."""

    def __init__(
        self,
        channels: dict[str, Channel],
        shelf: Shelf,
        fanout: Fanout,
        broker: Broker,
        timers: Timers,
        *,
        observe: ChannelsObserver,
        now: Callable[[], float],
        check_delay: float,
        max_lag: float,
        run: Callable[[str, Soon[Any], Callable[[Any], None]], None],
        forsaken: Callable[[Channel, list[Any]], None],
    ) -> None:
        """What a node hears of its channels.

        Args:
            channels: all that are here.
            shelf: keeps their rings.
            fanout: sends what is in them.
            broker: is asked for what is missing.
            timers: of the loop.
            observe: told of what is dropped.
            now: wall time.
            check_delay: see ``HubSettings.position_check_delay``.
            max_lag: see ``HubSettings.position_max_time_lag``.
            run: hands over answers that take time.
            forsaken: told of members that were taken out since their position is lost.

        """
        self._channels = channels
        self._shelf = shelf
        self._fanout = fanout
        self._observe = observe
        self._now = now
        self.run = run
        self._forsaken = forsaken
        self.repairs = Repairs(broker, timers, self)
        self.checks = Checks(broker, timers, self, self.repairs, now=now, delay=check_delay, max_lag=max_lag)

    def removed(self, channel: str) -> None:
        """History was removed (given to ``Broker.start``)."""
        found = self._channels.get(channel)
        if found is not None:
            found.ring.trim(0)

    def deliver(self, channel: str, entry: Entry) -> None:
        """A publication was heard (given to ``Broker.start``)."""
        found = self._channels.get(channel)
        if found is None:
            return
        found.heard()
        if found.repair is not None:
            self.repairs.hold(found, entry)
        elif not entry.offset or self._follows(found, entry):
            self._take(found, entry)

    def _follows(self, channel: Channel, entry: Entry) -> bool:
        """Whether the entry has its place at the ring's end; a repair begins when it should have another."""
        ring = channel.ring
        if not ring.epoch:
            ring.adopt(StreamPosition(entry.offset - 1, entry.epoch), entry.after, entry.time)
        if ring.continues(entry):
            return True
        if entry.epoch == ring.epoch:
            known = ring.find(entry.offset)
            if known is not None and known.id == entry.id:
                channel.dismiss("repeated")
                return False
        self.repairs.begin(channel, entry)
        return False

    def _take(self, channel: Channel, entry: Entry) -> None:
        if self.checks.too_late(channel, entry):
            self.lose(channel, channel.ring.position, channel.ring.top_id)
        if self.has_room(channel):
            self.put(channel, entry)
        elif not channel.namespace.has_history:
            self._make_room(channel)
            self.put(channel, entry)
        elif entry.offset:
            self.repairs.park(channel)
        else:
            self.drop(channel, "fanout_overload")

    def has_room(self, channel: Channel) -> bool:
        """Whether the ring takes another entry (for ``Repairs``)."""
        return self._shelf.has_room(channel)

    def read(self, channel: Channel, entry: Entry) -> None:
        """Append what was not heard, but read from history (for ``Repairs``)."""
        channel.heard()
        self.put(channel, entry)

    def put(self, channel: Channel, entry: Entry) -> None:
        """Append what was heard to the ring and let the fan-out know (for ``Repairs``)."""
        channel.aside -= 1
        self._shelf.put(channel, entry)
        if channel.members:
            self._fanout.schedule(channel)
        else:
            channel.ring.advance(channel.ring.end)
            self._fanout.trim(channel)

    def drop(self, channel: Channel, cause: str, count: int = 1) -> None:
        """Publications that were heard cannot be given to anybody (for ``Repairs``)."""
        self._tell(channel, cause, channel.dismiss(cause, count))

    def _make_room(self, channel: Channel) -> None:
        """The fan-out cannot keep up: the oldest that are pending go."""
        entries = self._shelf.make_room(channel)
        self._tell(channel, "fanout_overload", channel.passed_over("fanout_overload", entries))

    def _tell(self, channel: Channel, cause: str, lost: int) -> None:
        if lost:
            self._observe.dropped(channel.namespace.name, cause, lost, channel.name)

    def lose(self, channel: Channel, position: StreamPosition, top_id: int) -> None:
        """Go on at another position; who relied on the old one is told (for ``Repairs``)."""
        relying = channel.remove_positioned()
        channel.generation += 1
        channel.ring.restart(position, top_id)
        channel.ring.touched = self._now()
        if relying:
            self._forsaken(channel, relying)
