"""Join and leave pushes: to those who want them, at a pace that neither publications nor the loop feel.

What waits is told together, whoever came and went meanwhile is not told at all, and the work takes at most a fifth of
the loop's time. So a storm costs the listeners time until they know, and nobody else anything; what waits is never more
than two announcements a client that the listeners know of, or are to know of.
"""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from observability.observers.presence import PresenceObserver
from service.broker.contract import Announcement
from service.channels.channel import Channel
from service.channels.fanout import SendMany, Timers
from service.channels.ledger import NOBODYS

EncodeAnnouncements: TypeAlias = Callable[[str, Sequence[Announcement]], bytes]
ENVELOPE = 160  # bytes of a push beside the client's user and infos, about


@dataclass(frozen=True, slots=True)
class AnnouncingSettings:
    """How the work is cut."""

    batch: int = 256  # announcements in one write, packed into frames as replies are
    batch_bytes: int = 32 * 1024  # half of a socket's send buffer
    slice_members: int = 256  # 0.3 to 1 ms of the loop
    tick: float = 0.001  # seconds until the loop has its turn again
    share: float = 0.2  # of the loop's time, at most


class _Flight:
    """What is known of one write (see ``connections.flush.Batch``)."""

    __slots__ = ("_observe", "messages")
    conflates = ""  # who is here is told whole
    book = NOBODYS  # joins and leaves are no publications: what is left out of them is not missing

    def __init__(self, observe: PresenceObserver, messages: int) -> None:
        self._observe = observe
        self.messages = messages

    def delivered(self, _observe: object, count: int, _now: float) -> None:
        """``count`` members have it."""
        self._observe.told(count * self.messages)


class _Batch:
    """Announcements on their way to everybody who listened when it began."""

    __slots__ = ("announcements", "at", "flight", "gone", "run", "runs", "written")

    def __init__(self, announcements: Sequence[Announcement], runs: Sequence[tuple[Any, Sequence[Any]]]) -> None:
        self.announcements = announcements
        self.runs = runs  # variant, members
        self.run = 0
        self.at = 0
        self.written: bytes | None = None
        self.flight: _Flight | None = None
        self.gone: set[Any] | None = None  # who left meanwhile


class Crowd:
    """The members of one channel who are told of joins and leaves, and what they are to be told."""

    __slots__ = ("batch", "members", "pending", "queued")

    def __init__(self) -> None:
        self.members: dict[Any, None] = {}
        self.pending: dict[tuple[str, bool], Announcement] = {}  # by client and direction, in their order
        self.batch: _Batch | None = None
        self.queued = False

    def discard(self, member: Any) -> None:
        """It is told nothing more, not even what is on its way."""
        if self.members.pop(member, self) is self or self.batch is None:
            return
        if self.batch.gone is None:
            self.batch.gone = set()
        self.batch.gone.add(member)

    def put(self, announcement: Announcement) -> None:
        """To be told. Who came and goes before anybody was told of it leaves no trace."""
        client = announcement.info.client
        if announcement.left and self.pending.pop((client, False), None) is not None:
            return
        key = (client, announcement.left)
        self.pending.pop(key, None)
        self.pending[key] = announcement

    def next_batch(self, count: int, size: int) -> _Batch | None:
        """The oldest announcements, with those whom they go to; None when there is nothing to tell, or nobody."""
        if not self.members:
            self.pending.clear()
        taken: list[Announcement] = []
        for announcement in islice(self.pending.values(), count):
            info = announcement.info
            size -= ENVELOPE + len(info.user) + len(info.conn_info) + len(info.chan_info)
            if size < 0 and taken:
                break
            taken.append(announcement)
        for announcement in taken:
            del self.pending[announcement.info.client, announcement.left]
        if not taken:
            return None
        groups: dict[Any, list[Any]] = defaultdict(list)
        for member in self.members:
            groups[member.variant].append(member)
        return _Batch(taken, list(groups.items()))


class Announcing:
    """Tells members who came and who went. ``Channel.crowd`` holds what concerns one channel."""

    def __init__(
        self,
        encoders: Mapping[Any, EncodeAnnouncements],
        send_many: SendMany,
        observe: PresenceObserver,
        timers: Timers,
        *,
        clock: Callable[[], float] = time.monotonic,
        settings: AnnouncingSettings = AnnouncingSettings(),
    ) -> None:
        self._encoders = encoders
        self._send_many = send_many
        self._observe = observe
        self._timers = timers
        self._clock = clock
        self._settings = settings
        self._ready: deque[Channel] = deque()
        self._armed = False
        self._rested = 0.0  # clock at which the next turn may begin

    @staticmethod
    def listen(channel: Channel, member: Any) -> None:
        """Tell this member from now on, its own join included."""
        if channel.crowd is None:
            channel.crowd = Crowd()
        channel.crowd.members[member] = None

    def put(self, channel: Channel, announcements: Sequence[Announcement]) -> None:
        """Tell the channel's listeners; never from within this call, so that replies come first."""
        crowd = channel.crowd
        if crowd is None or not crowd.members:
            return
        for announcement in announcements:
            crowd.put(announcement)
        if not crowd.queued:
            crowd.queued = True
            self._ready.append(channel)
            self._arm()

    def waiting(self) -> int:
        """Announcements that are not begun."""
        return sum(len(channel.crowd.pending) for channel in self._ready if channel.crowd is not None)

    def _arm(self) -> None:
        if self._armed:
            return
        self._armed = True
        rest = self._rested - self._clock()
        if rest > 0:
            self._timers.call_later(rest, self._tick)
        else:
            self._timers.call_soon(self._tick)

    def _tick(self) -> None:
        self._armed = False
        began = now = self._clock()
        while self._ready and now - began < self._settings.tick:
            channel = self._ready.popleft()
            if self._serve(channel):
                self._ready.append(channel)
            now = self._clock()
        self._rested = now + (now - began) * (1 / self._settings.share - 1)
        if self._ready:
            self._arm()

    def _serve(self, channel: Channel) -> bool:
        """One slice of one channel; whether more is to be done."""
        crowd: Crowd | None = channel.crowd
        assert crowd is not None, "announcements without listeners"
        try:
            crowd.queued = self._slice(channel, crowd)
        except Exception as fault:  # noqa: BLE001 - one channel's fault is not that of the others
            crowd.batch = None
            crowd.queued = bool(crowd.pending)
            context = {"message": f"announcements to {channel.name}", "exception": fault}
            self._timers.call_exception_handler(context)
        return crowd.queued

    def _slice(self, channel: Channel, crowd: Crowd) -> bool:
        batch = crowd.batch
        if batch is None:
            batch = crowd.batch = crowd.next_batch(self._settings.batch, self._settings.batch_bytes)
            if batch is None:
                return False
        variant, everybody = batch.runs[batch.run]
        if batch.written is None:
            batch.written = self._encoders[variant](channel.name, batch.announcements)
            batch.flight = _Flight(self._observe, len(batch.announcements))
        assert batch.flight is not None, "bytes without a flight"
        stop = batch.at + self._settings.slice_members
        members = everybody[batch.at : stop]
        if batch.gone:
            members = [member for member in members if member not in batch.gone]
        batch.at = stop
        taken = self._send_many(members, batch.written, batch.flight) if members else 0
        if taken:
            batch.flight.delivered(None, taken, 0.0)
        if stop >= len(everybody):
            batch.run, batch.at, batch.written = batch.run + 1, 0, None
            if batch.run == len(batch.runs):
                crowd.batch = None
        return crowd.batch is not None or bool(crowd.pending)
