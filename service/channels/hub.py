"""Who hears what on this node. The hub knows no sockets: members are opaque, bytes go out through one batch function.

Join takes two steps: ``join`` finds out whatever takes time, ``Ticket.enter`` merges, answers and enters the live list
in one synchronous step. All live members of a channel stand at the same place of its ring; none has its own position.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from observability import names
from observability.names import Figure
from observability.observers.broker import BrokerObserver, SilentBrokerObserver
from observability.observers.channels import ChannelsObserver
from observability.observers.presence import PresenceObserver, SilentPresenceObserver
from observability.observers.receivers import ReceiversObserver, SilentReceiversObserver
from service.broker.contract import (
    Announcement,
    Broker,
    BrokerUnavailable,
    PublishOptions,
    Soon,
)
from service.broker.watched import WatchedBroker
from service.channels.announcing import Announcing, EncodeAnnouncements
from service.channels.attending import Attendance, Attending
from service.channels.channel import Channel
from service.channels.confirming import Confirming, ReceiptSettings
from service.channels.emptying import Emptying
from service.channels.fanout import Encode, Fanout, FanoutSettings, SendMany
from service.channels.hearing import Hearing
from service.channels.joining import Joined, Joining, JoinRequest, Ticket
from service.channels.ledger import NAMESPACES_A_STEP, TOLD, Ledger
from service.channels.namespaces import Namespace, Namespaces
from service.channels.notices import Notices
from service.channels.patches import Patches
from service.channels.patterns import matcher
from service.channels.publishing import Publishing
from service.channels.reading import Reading
from service.channels.shelf import Shelf, ShelfSettings
from service.presence.contract import Presence
from service.presence.memory_presence import MemoryPresence

__all__ = ["Hub", "HubSettings", "JoinRequest", "Joined", "ShelfSettings", "Subscriber", "Ticket"]


class Subscriber(Protocol):
    """A member of channels, hashable by identity. May have ``link``: its ``websocket.connect`` span, when sampled."""

    variant: Any  # which bytes it takes; a key of ``encoders``


class Run(Protocol):
    """Runs an awaitable and hands over its result or exception; None when it cannot (``connections.errands``)."""

    def __call__(self, name: str, awaitable: Awaitable[Any], answered: Callable[[Any], None], /) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Bounds of what a node keeps for its channels, and its pace."""

    fanout: FanoutSettings = FanoutSettings()
    recovery_max_publication_limit: int = 300  # 0: no limit
    position_check_delay: float = 40.0  # seconds of silence after which a position is checked; 0: never
    position_max_time_lag: float = 0.0  # seconds on its way that make a publication come too late; 0: any time will do
    rings: ShelfSettings = ShelfSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    notices: float = 500.0  # subscribers a second who are told that their position is lost


class Hub:
    """The channels of this node."""

    def __init__(
        self,
        namespaces: Namespaces,
        broker: Broker,
        encoders: Mapping[Any, Encode],
        send_many: SendMany,
        observe: ChannelsObserver,
        *,
        loop: asyncio.AbstractEventLoop,
        run: Run | None = None,
        presence: Presence | None = None,
        announcers: Mapping[Any, EncodeAnnouncements] = MappingProxyType({}),
        observe_presence: PresenceObserver | None = None,
        observe_broker: BrokerObserver | None = None,
        observe_receivers: ReceiversObserver | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        settings: HubSettings = HubSettings(),
    ) -> None:
        """``run`` is for a broker whose answers take time. ``now`` is wall time, ``clock`` the loop's, but finer."""
        self.on_insufficient: Callable[[Any, str], None] = lambda _subscriber, _channel: None
        """Told, at a pace, of (subscriber, channel) whose position is lost; it is no member any more by then."""
        self._namespaces = namespaces
        self._observe = observe
        self._loop = loop
        self._run = run
        self._now = now
        self._broker = WatchedBroker(broker, observe_broker or SilentBrokerObserver(), clock)
        self._channels: dict[str, Channel] = {}
        self.ledger = Ledger(namespace.name for namespace in namespaces)
        """What became of every delivery."""
        self._options = {namespace.name: _options(namespace) for namespace in namespaces}
        self._counts = {namespace.name: [0, 0] for namespace in namespaces}  # channels with members, members
        self._shelf = Shelf(settings.rings)
        self._emptying = Emptying(self._channels, self._shelf, self._broker, loop, self.run)
        patches = Patches()
        self._fanout = Fanout(
            encoders,
            send_many,
            observe,
            loop,
            self._drained,
            now=now,
            clock=clock,
            settings=settings.fanout,
            patches=patches,
        )
        observe_presence = observe_presence or SilentPresenceObserver()
        self._announcing = Announcing(announcers, send_many, observe_presence, loop, clock=clock)
        self.attending = Attending(
            presence or MemoryPresence(), self._broker, namespaces, observe_presence, turns=loop, run=self.run
        )
        """Who is here."""
        self._notices = Notices(loop, self._tell, settings.notices)
        hearing = self._hearing(settings)
        self._repairs, self._checks = hearing.repairs, hearing.checks
        self.deliver, self.removed, self.lose = hearing.deliver, hearing.removed, hearing.lose
        """See ``Hearing``; the first two are given to ``Broker.start``."""
        self.publish = Publishing(
            namespaces, self._options, self._broker, self._fanout, observe, audience=self._audience, clock=clock
        ).publish
        """See ``Publishing.publish``."""
        told = observe_receivers or SilentReceiversObserver()
        self.receipts = Confirming(self._channels, loop, told, self, now=now, settings=settings.receipts)
        reading = Reading(namespaces, self._options, self._broker, now=now)
        self.history, self.remove_history = reading.history, reading.remove_history
        self._joining = Joining(
            self._broker,
            hearing,
            self,
            now=now,
            limit=settings.recovery_max_publication_limit,
            kept=settings.fanout.kept_messages,
            patches=patches,
            resumed=self.receipts.resumed,
        )

    def _hearing(self, settings: HubSettings) -> Hearing:
        return Hearing(
            self._channels,
            self._shelf,
            self._fanout,
            self._broker,
            self._loop,
            observe=self._observe,
            now=self._now,
            check_delay=settings.position_check_delay,
            max_lag=settings.position_max_time_lag,
            run=self.run,
            forsaken=self._forsaken,
        )

    # ------------------------------------------------------------------ members

    def join(self, subscriber: Subscriber, channel: str, request: JoinRequest) -> Soon[Ticket]:
        """Prepare to enter a channel.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL; UNRECOVERABLE_POSITION when the request is strict.
            BrokerUnavailable: the channel cannot be heard, or its history not read.

        """
        found = self._channels.get(channel)
        if found is None:
            namespace = self._namespaces.resolve(channel)
            book = self.ledger.books[namespace.name]
            found = Channel(channel, namespace, self._options[namespace.name], self._shelf.tally, book)
            self._channels[channel] = found
        return self._joining.prepare(found, subscriber, request)

    def leave(
        self, subscriber: Subscriber, channel: str, attendance: Attendance | None = None, end: str = "unsubscribed"
    ) -> None:
        """Out at once: nothing is sent to it any more. Not being a member is no mistake.

        Args:
            subscriber: who leaves.
            channel: what it leaves.
            attendance: what others knew of it; None when they knew nothing, or when it stays all the same.
            end: what becomes of that which it was to get, one of ``ledger.ENDS``.

        """
        if attendance is not None:
            self.attending.went(channel, attendance)
        self._notices.discard(subscriber, channel)
        found = self._channels.get(channel)
        if found is not None and found.remove(subscriber, end):
            self.receipts.left(found, subscriber)
            self._left(found, 1)

    def let_go(self, channel: Channel, member: Any) -> None:
        """Out, to come back (for ``Confirming``)."""
        self.leave(member, channel.name, end=TOLD)

    def leave_all(
        self, subscriber: Subscriber, channels: Iterable[tuple[str, Attendance | None]], end: str = "connection_closed"
    ) -> None:
        """Leave many; what the broker has to do about it comes later."""
        for channel, attendance in channels:
            self.leave(subscriber, channel, attendance, end)

    def admit(self, channel: Channel, subscriber: Any, joined: Joined, request: JoinRequest) -> None:
        """Into the live list (for ``Joining``)."""
        self.leave(subscriber, channel.name)
        counts = self._counts[channel.namespace.name]
        counts[0] += not channel.members
        counts[1] += 1
        channel.add(
            subscriber, positioned=joined.positioned, delta=joined.delta, based=joined.based, wanted=request.filter
        )
        if request.told:
            self._announcing.listen(channel, subscriber)
        if request.attendance is not None:
            self.attending.came(channel.name, request.attendance)
        if joined.positioned:
            self._checks.watch(channel)
        self.receipts.entered(channel, subscriber, request.who, joined)
        if joined.recovered:
            channel.book.recover(len(joined.publications), joined.filtered)
        else:
            channel.book.lose(TOLD, joined.missing)
        told = "recovered" if joined.recovered else "told" if joined.was_recovering else "none"
        self._observe.joined(channel.namespace.name, told)

    def unpin(self, channel: Channel) -> None:
        """A ticket is done with (for ``Ticket``)."""
        channel.pins -= 1
        self._emptying.consider(channel)

    def _left(self, channel: Channel, count: int) -> None:
        counts = self._counts[channel.namespace.name]
        counts[0] -= not channel.members
        counts[1] -= count
        self._observe.left(count)
        self._emptying.consider(channel)

    def _audience(self, channel: str) -> int:
        found = self._channels.get(channel)
        return len(found.members) if found is not None else 0

    # ------------------------------------------------------------------ hearing

    def announced(self, channel: str, announcements: Sequence[Announcement]) -> None:
        """Somebody came or went, here or elsewhere (given to ``Broker.start``)."""
        found = self._channels.get(channel)
        if found is not None:
            self._announcing.put(found, announcements)

    def _forsaken(self, channel: Channel, relying: list[Any]) -> None:
        """They are no members any more, and are told."""
        for member in relying:
            self.receipts.left(channel, member)
        self._notices.add(relying, channel.name)
        self._left(channel, len(relying))

    def run(self, name: str, soon: Soon[Any], answered: Callable[[Any], None]) -> None:
        """Hand over an answer when it is there (for ``Repairs``)."""
        if not isinstance(soon, Awaitable):
            answered(soon)
            return
        assert self._run is not None, "a broker whose answers take time needs somebody who runs errands"
        if self._run(name, soon, answered) is None:
            answered(BrokerUnavailable("too many errands"))

    def _drained(self, channel: Channel) -> None:
        channel.rest()
        if channel.repair is not None:
            self._repairs.resume(channel)
        self._emptying.consider(channel)

    def call_back(self, subscriber: Any, channel: str) -> None:
        """It was let go, and has to come back (for ``Confirming``)."""
        self.on_insufficient(subscriber, channel)

    def _tell(self, subscriber: Any, channel: str) -> None:
        self._observe.gap(self._namespaces.resolve(channel).name, channel)
        self.on_insufficient(subscriber, channel)

    # -------------------------------------------------------------------- views

    def channels(self, pattern: str = "") -> dict[str, int]:
        """Channels with subscribers here whose name the glob ``pattern`` takes, and how many they have.

        Raises:
            BadPattern: it is not a glob.

        """
        takes = matcher(pattern)
        return {name: len(found.members) for name, found in self._channels.items() if found.members and takes(name)}

    def look(self, name: str) -> Channel | None:
        """A channel that has subscribers here, for those who only look."""
        found = self._channels.get(name)
        return found if found is not None and found.members else None

    def names(self) -> list[str]:
        """All channels here, a list of its own."""
        return list(self._channels)

    def totals(self) -> tuple[int, int]:
        """Channels with subscribers here, and subscriptions."""
        counts = self._counts.values()
        return sum(channels for channels, _ in counts), sum(members for _, members in counts)

    def figures(self) -> Iterator[Figure | None]:
        """Numbers for a scrape, with pauses."""
        for number, (name, (channels, members)) in enumerate(self._counts.items(), 1):
            labels = (name or names.NO_NAMESPACE,)
            yield Figure(names.CHANNELS.name, labels, channels)
            yield Figure(names.SUBSCRIPTIONS.name, labels, members)
            if not number % NAMESPACES_A_STEP:
                yield None
        yield Figure(names.FANOUT_LAG.name, (), self._fanout.lag())
        yield from self.ledger.figures()
        yield from self.attending.figures()
        yield from self.receipts.figures()


def _options(namespace: Namespace) -> PublishOptions:
    return PublishOptions(
        history_size=namespace.history_size if namespace.has_history else 0,
        history_ttl=namespace.history_ttl,
        history_meta_ttl=namespace.history_meta_ttl,
        delta=namespace.delta_publish,
    )
