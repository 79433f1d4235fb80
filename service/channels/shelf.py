"""How much of what was heard a node keeps: bounds of a ring and of all rings together. A ring is a cache."""

from dataclasses import dataclass

from service.broker.stream import Entry, Tally
from service.channels.channel import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfSettings:
    """Bounds; what is pending beyond them is read from history later, or dropped where there is none."""

    pending_messages: int = 1024  # of one channel, that the fan-out has not sent
    ring_bytes: int = 4 * 1024 * 1024  # of one channel
    total_bytes: int = 64 * 1024 * 1024  # of all channels


class Shelf:
    """Keeps the rings of all channels within bounds."""

    def __init__(self, settings: ShelfSettings) -> None:
        self.tally = Tally()
        self._settings = settings
        self._full: dict[Channel, None] = {}  # channels whose ring may hold something, the ones filled first in front

    def has_room(self, channel: Channel) -> bool:
        """Whether the ring takes another entry. One whose pending entries are all sent always does."""
        settings, ring = self._settings, channel.ring
        if ring.size > settings.ring_bytes:
            ring.trim(0)
        if self.tally.used > settings.total_bytes:
            self._clear()
        full = (
            ring.pending >= settings.pending_messages
            or ring.size > settings.ring_bytes
            or self.tally.used > settings.total_bytes
        )
        return not full or not ring.pending

    def put(self, channel: Channel, entry: Entry) -> None:
        """Append to the ring."""
        channel.ring.append(entry)
        if not channel.shelved:
            channel.shelved = True
            self._full[channel] = None

    def make_room(self, channel: Channel) -> int:
        """Drop the oldest entries that nobody has been given; how many."""
        ring, batch = channel.ring, channel.batch
        on_its_way = max(0, batch.stop - ring.sent) if batch is not None else 0
        lost = min(max(1, ring.pending // 8), ring.pending - on_its_way)
        ring.trim(0)
        ring.drop(on_its_way + lost)
        return lost

    def remove(self, channel: Channel) -> None:
        """The channel is dropped."""
        channel.ring.drop(len(channel.ring.entries))
        self._full.pop(channel, None)

    def _clear(self) -> None:
        """Forget what was sent, channel by channel, until a tenth of the total is free."""
        enough = self._settings.total_bytes * 9 // 10
        while self._full and self.tally.used > enough:
            channel = next(iter(self._full))
            del self._full[channel]
            channel.shelved = False
            channel.ring.trim(0)
