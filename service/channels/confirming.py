"""Receipts at work: subscribers confirm, come back where they confirmed, and what stays unconfirmed is redelivered.

A subscriber takes part from its first receipt on, or when something is kept of its user. Nothing is kept per delivery:
once a second a walk over those who take part finds out who is behind, in slices.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from observability import names
from observability.names import Figure
from observability.observers.receivers import ReceiversObserver
from service.channels.channel import Channel
from service.channels.fanout import Timers
from service.channels.joining import Joined, JoinRequest
from service.channels.notices import Notices
from service.channels.receipts import ANONYMOUS, Kept, Positions, Trail, in_time
from service.protocol.errors import BAD_REQUEST, NOT_AVAILABLE, PERMISSION_DENIED, TOO_MANY_REQUESTS, ClientMistake
from service.protocol.messages import StreamPosition

PERIOD: Final = 1.0  # seconds between two walks
SLICE: Final = 2000  # subscribers in one turn of the loop: about a millisecond
GRACE: Final = 2.5  # seconds until what is not confirmed counts as backlog: receipts come once a second
FORGOTTEN: Final = 1000  # kept positions that are forgotten in one walk


@dataclass(frozen=True, slots=True)
class ReceiptSettings:
    """Bounds."""

    positions: int = 100_000  # kept over all channels, some 300 bytes each; a tenth more for the anonymous
    redeliveries: float = 500.0  # subscribers a second that are asked to come back


class Received(msgspec.Struct, frozen=True, gc=False):
    """Who has confirmed an offset."""

    offset: int
    subscribers: int  # here, now
    confirming: int  # of them, who take part
    received: int  # of those, who have confirmed it
    users: int  # whose confirmation of it is kept, whether they are here or not


class Place(Protocol):
    """What the hub does for receipts."""

    def let_go(self, channel: Channel, member: Any) -> None:
        """Take a member out."""

    def call_back(self, subscriber: Any, channel: str) -> None:
        """Have it come back; called at a pace."""


class Confirming:
    """The receipts of a node's channels."""

    def __init__(
        self,
        channels: dict[str, Channel],
        timers: Timers,
        observe: ReceiversObserver,
        place: Place,
        *,
        now: Callable[[], float] = time.time,
        settings: ReceiptSettings = ReceiptSettings(),
    ) -> None:
        self._channels = channels
        self._timers = timers
        self._observe = observe
        self._place = place
        self._now = now
        self._positions = Positions(settings.positions)
        self._strangers = Positions(max(1, settings.positions // 10))  # apart, so that they displace nobody
        self._trails: dict[Channel, Trail] = {}
        self._notices = Notices(timers, place.call_back, settings.redeliveries)
        self._armed = False
        self._overdue = 0  # messages, at the last walk

    # ------------------------------------------------------------------ receipts

    def confirm(self, member: Any, who: str, name: str, offset: int) -> int:
        """``member`` has everything up to ``offset``; the offset up to which it has confirmed by now.

        Raises:
            ClientMistake: PERMISSION_DENIED when it is not in the channel, NOT_AVAILABLE without receipts, BAD_REQUEST
                for what it was never given, TOO_MANY_REQUESTS above one a second.

        """
        channel = self._channels.get(name)
        if channel is None or member not in channel.members:
            self._refused("", PERMISSION_DENIED)
        assert channel is not None, "just refused"
        namespace = channel.namespace
        if not namespace.receipts:
            self._refused(namespace.name, NOT_AVAILABLE)
        if offset > channel.ring.top:
            self._refused(namespace.name, BAD_REQUEST)
        now = self._now()
        trail = self._trail(channel)
        reader = trail.readers.get(member)
        first = reader is None
        reader = reader or trail.enter(member, who, offset)
        if not in_time(reader, now):
            self._refused(namespace.name, TOO_MANY_REQUESTS)
        news = trail.confirm(reader, offset) or first
        self._keep(channel, who, reader.offset, now)
        self._observe.receipt(namespace.name, "confirmed" if news else "repeated")
        return reader.offset

    def _refused(self, namespace: str, error: Any) -> None:
        self._observe.receipt(namespace, "refused")
        raise ClientMistake(error)

    def received(self, name: str, offset: int) -> Received:
        """Who has confirmed ``offset``; 0: the newest one."""
        channel = self._channels.get(name)
        if channel is None:
            return Received(offset, 0, 0, 0, 0)
        asked = offset or channel.ring.top
        trail = self._trails.get(channel)
        users = self._positions.confirmed(name, asked, channel.ring.epoch, self._now())
        if trail is None:
            return Received(asked, len(channel.members), 0, 0, users)
        return Received(asked, len(channel.members), len(trail.readers), trail.received(asked), users)

    def _keep(self, channel: Channel, who: str, offset: int, now: float) -> None:
        """What a user has confirmed on any device is confirmed."""
        epoch, until = channel.ring.epoch, now + channel.namespace.receipt_ttl
        kept = self._kept(channel, who, now)
        if kept is None or kept.epoch != epoch:
            kept = Kept(offset, epoch, until)
        kept.offset, kept.until = max(kept.offset, offset), until
        self._store(who).keep(channel.name, who, kept)

    def _kept(self, channel: Channel, who: str, now: float) -> Kept | None:
        return self._store(who).find(channel.name, who, now)

    def _store(self, who: str) -> Positions:
        return self._strangers if who.startswith(ANONYMOUS) else self._positions

    # ------------------------------------------------------------- come and leave

    def resumed(self, channel: Channel, request: JoinRequest) -> JoinRequest:
        """The request, with the place where the user's receipts end: what comes after it is given once more."""
        if not channel.namespace.receipts or not request.recoverable or not request.who:
            return request
        kept = self._kept(channel, request.who, self._now())
        if kept is None:
            return request
        since = request.since
        if not request.recover:
            return msgspec.structs.replace(
                request, recover=True, since=StreamPosition(kept.offset, kept.epoch), strict=False
            )
        if since.epoch not in ("", kept.epoch) or since.offset <= kept.offset:
            return request
        return msgspec.structs.replace(request, since=StreamPosition(kept.offset, since.epoch))

    def entered(self, channel: Channel, member: Any, who: str, joined: Joined) -> None:
        """A subscriber came; it takes part when its user did before."""
        if not channel.namespace.receipts or not joined.positioned or not who:
            return
        kept = self._kept(channel, who, self._now())
        if kept is None:
            return
        if not joined.recovered or kept.epoch != joined.epoch:
            kept.offset, kept.epoch = channel.ring.top, channel.ring.epoch  # it was told of what is missing
        self._trail(channel).enter(member, who, min(kept.offset, channel.ring.top))
        self._observe.resumed()

    def left(self, channel: Channel, member: Any) -> None:
        """A subscriber went; what it confirmed is kept."""
        self._notices.discard(member, channel.name)
        trail = self._trails.get(channel)
        if trail is not None:
            trail.leave(member)
            if not trail.readers:
                del self._trails[channel]

    def _trail(self, channel: Channel) -> Trail:
        trail = self._trails.get(channel)
        if trail is None:
            trail = self._trails[channel] = Trail()
            trail.note(self._now(), channel.ring.top, 0.0)
            self._arm(PERIOD)
        return trail

    # ---------------------------------------------------------------------- walks

    def _arm(self, delay: float) -> None:
        if not self._armed:
            self._armed = True
            self._timers.call_later(delay, self._begin)

    def _begin(self) -> None:
        for store in (self._positions, self._strangers):
            store.expire(self._now(), FORGOTTEN)
        self._go_on(self._walk(self._now()), 0)

    def _go_on(self, walk: Iterator[int], overdue: int) -> None:
        """A slice of the walk, then the loop has its turn."""
        room = SLICE
        for found in walk:
            overdue += found
            room -= 1
            if not room:
                self._timers.call_later(0.0, partial(self._go_on, walk, overdue))
                return
        self._overdue = overdue
        self._armed = False
        if self._trails or len(self._positions) or len(self._strangers):
            self._arm(PERIOD)

    def _walk(self, now: float) -> Iterator[int]:
        """How many messages each subscriber has not confirmed for too long; demands redelivery where it is due."""
        for channel, trail in list(self._trails.items()):
            timeout = channel.namespace.receipt_timeout
            trail.note(now, channel.ring.top, max(GRACE, timeout) + PERIOD)
            grace, late = trail.top_at(now - GRACE), trail.top_at(now - timeout) if timeout else 0
            for member, reader in list(trail.readers.items()):
                if trail.readers.get(member) is reader:
                    yield max(0, grace - reader.offset)
                    if reader.offset < late:
                        self._demand(channel, member, reader.who, reader.offset, now)

    def _demand(self, channel: Channel, member: Any, who: str, offset: int, now: float) -> None:
        """Have it come back for what it has not confirmed; once for the same offset, lest it goes on for ever."""
        kept = self._kept(channel, who, now)
        if kept is None or kept.demanded == offset or kept.offset > offset:
            return
        kept.demanded = offset
        self._place.let_go(channel, member)
        self._notices.add([member], channel.name)
        self._observe.redelivered(channel.namespace.name, channel.name, channel.ring.top - offset)

    # -------------------------------------------------------------------- figures

    def figures(self) -> Iterator[Figure]:
        """Numbers for a scrape."""
        unconfirmed = sum(trail.unconfirmed(channel.ring.top) for channel, trail in self._trails.items())
        yield Figure(names.UNCONFIRMED.name, (), unconfirmed)
        yield Figure(names.RECEIPT_POSITIONS.name, (), len(self._positions) + len(self._strangers))

    @property
    def overdue(self) -> int:
        """Messages that were given to subscribers seconds ago and are not confirmed: they count into the backlog."""
        return self._overdue
