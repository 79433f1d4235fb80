"""The embedded broker of a single node: everything in memory, every answer at once."""

import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from observability.names import Figure
from service.broker.contract import (
    Announcement,
    Excerpt,
    HistoryFilter,
    OnAnnounced,
    Published,
    PublishOptions,
    nobody_hears,
)
from service.broker.stream import Entry, Stream, Tally, new_epoch
from service.protocol.messages import Publication

OVERHEAD = 512  # bytes that a publication costs beside its data
STREAM_OVERHEAD = 1024  # bytes that a stream costs beside its publications
EXPIRIES = 1000  # in one turn of the loop
NEVER = float("inf")


class Timers(Protocol):
    """What the broker needs of an event loop."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call back in ``delay`` seconds."""


@dataclass(frozen=True, slots=True)
class MemoryBrokerSettings:
    """How much is kept, whatever the namespaces promise."""

    max_bytes: int = 256 * 1024 * 1024  # of all histories; the ones published to least recently are cut first
    idempotency_ttl: float = 300.0  # seconds, as Centrifugo
    idempotency_keys: int = 100_000  # beyond that the oldest are forgotten early
    sweep: float = 1.0  # seconds between looks for what has expired


class _Kept(Stream):
    """One channel's history with its clocks (wall seconds) and its newest version."""

    __slots__ = ("ends_at", "forgets_at", "version", "version_epoch", "watched")

    def __init__(self, tally: Tally, epoch: str) -> None:
        super().__init__(tally, epoch)
        self.forgets_at = 0.0  # the publications; 0: there are none
        self.ends_at = 0.0  # offset and epoch; 0: never
        self.version = 0
        self.version_epoch = ""
        self.watched = NEVER  # when the heap will have it looked at

    def forget(self) -> None:
        """Drop the publications, keep the position."""
        self.drop(len(self.entries))
        self.forgets_at = 0.0

    def due(self) -> float:
        """When the first of its clocks runs out."""
        return min(self.forgets_at or NEVER, self.ends_at or NEVER)

    def outdated(self, options: PublishOptions) -> bool:
        """Whether a publication's version is not above the newest."""
        if not options.version or (options.version_epoch and options.version_epoch != self.version_epoch):
            return False
        return options.version <= self.version


class MemoryBroker:
    """See ``contract.Broker``; no other node exists."""

    def __init__(
        self,
        timers: Timers,
        *,
        now: Callable[[], float] = time.time,
        random: Random | None = None,
        settings: MemoryBrokerSettings = MemoryBrokerSettings(),
    ) -> None:
        self._timers = timers
        self._now = now
        self._random = random if random is not None else Random()
        self._settings = settings
        self._tally = Tally()
        self._streams: dict[str, _Kept] = {}  # the ones published to last are at the end
        self._expiries: list[tuple[float, str]] = []
        self._results: dict[tuple[str, str], tuple[float, Published]] = {}
        self._subscribed: set[str] = set()
        self._on_publication: Callable[[str, Entry], None] = lambda _channel, _entry: None
        self._on_removed: Callable[[str], None] = lambda _channel: None
        self._on_announced: OnAnnounced = nobody_hears
        self._running = False

    def start(
        self,
        on_publication: Callable[[str, Entry], None],
        on_removed: Callable[[str], None],
        on_announced: OnAnnounced = nobody_hears,
    ) -> None:
        """See ``Broker.start``."""
        self._on_publication, self._on_removed, self._on_announced = on_publication, on_removed, on_announced
        self._running = True
        self._timers.call_later(self._settings.sweep, self._sweep)

    def stop(self) -> None:
        """See ``Broker.stop``."""
        self._running = False
        self._subscribed.clear()

    def subscribe(self, channel: str) -> None:
        """See ``Broker.subscribe``."""
        self._subscribed.add(channel)

    def unsubscribe(self, channel: str) -> None:
        """See ``Broker.unsubscribe``."""
        self._subscribed.discard(channel)

    def publish(self, channel: str, publication: Publication, options: PublishOptions) -> Published:
        """See ``Broker.publish``."""
        now = self._now()
        key = (channel, options.idempotency_key)
        if options.idempotency_key:
            earlier = self._results.get(key)
            if earlier is not None and now < earlier[0]:
                return earlier[1]
        published, entry = self._append(channel, publication, options, now)
        if options.idempotency_key:
            self._remember(key, published, now)
        if entry is not None and channel in self._subscribed:
            self._on_publication(channel, entry)
        return published

    def announce(self, channel: str, announcements: Sequence[Announcement]) -> None:
        """See ``Broker.announce``."""
        if channel in self._subscribed:
            self._on_announced(channel, announcements)

    def history(self, channel: str, wanted: HistoryFilter, options: PublishOptions) -> Excerpt:
        """See ``Broker.history``."""
        now = self._now()
        stream = self._stream(channel, now)
        self._renew(channel, stream, options, now)
        since = wanted.since.offset if wanted.since is not None else None
        entries: list[Entry] = []
        if wanted.limit and wanted.reverse:
            entries = stream.before(stream.top + 1 if since is None else since, wanted.limit)
        elif wanted.limit:
            entries = stream.since(since or 0, wanted.limit)
        return Excerpt(entries, stream.position, stream.top_id)

    def remove_history(self, channel: str) -> None:
        """See ``Broker.remove_history``."""
        stream = self._streams.get(channel)
        if stream is not None:
            stream.forget()
        if channel in self._subscribed:
            self._on_removed(channel)

    def renew_epoch(self, channel: str, epoch: str, options: PublishOptions) -> Excerpt:
        """See ``Broker.renew_epoch``."""
        now = self._now()
        stream = self._stream(channel, now)
        if stream.epoch == epoch:
            stream.epoch = self._epoch()
        self._renew(channel, stream, options, now)
        return Excerpt((), stream.position, stream.top_id)

    def figures(self) -> Iterable[Figure]:
        """See ``Broker.figures``; the embedded broker has nothing to tell."""
        return ()

    # ------------------------------------------------------------------ streams

    def _append(
        self, channel: str, publication: Publication, options: PublishOptions, now: float
    ) -> tuple[Published, Entry | None]:
        if not options.keeps:
            return Published(), self._entry(publication, options, now)
        stream = self._stream(channel, now)
        if stream.outdated(options):
            return Published(stream.position, repeated=True), None
        publication.offset = stream.top + 1
        if publication.offset == 1:
            publication.epoch = stream.epoch
        entry = self._entry(publication, options, now, stream.epoch, stream.top_id)
        stream.append(entry)
        stream.bound(options.history_size, self._settings.max_bytes)
        stream.forgets_at = now + options.history_ttl
        if options.version:
            stream.version, stream.version_epoch = options.version, options.version_epoch
        self._renew(channel, stream, options, now)
        self._streams[channel] = self._streams.pop(channel)
        self._cut()
        return Published(stream.position), entry

    def _entry(
        self, publication: Publication, options: PublishOptions, now: float, epoch: str = "", after: int = 0
    ) -> Entry:
        return Entry(
            publication,
            publication.offset,
            epoch,
            self._random.getrandbits(63) | 1,
            now,
            len(publication.data) + OVERHEAD,
            options.traceparent,
            after,
            options.delta,
        )

    def _stream(self, channel: str, now: float) -> _Kept:
        stream = self._streams.get(channel)
        if stream is not None and stream.ends_at and now >= stream.ends_at:
            self._end(channel)
            stream = None
        if stream is None:
            stream = self._streams[channel] = _Kept(self._tally, self._epoch())
            self._tally.used += STREAM_OVERHEAD
            self._cut()
        elif stream.forgets_at and now >= stream.forgets_at:
            stream.forget()
        return stream

    def _epoch(self) -> str:
        return new_epoch(self._random.choice)

    def _renew(self, channel: str, stream: _Kept, options: PublishOptions, now: float) -> None:
        if options.history_meta_ttl:
            stream.ends_at = now + options.history_meta_ttl
        self._watch(channel, stream)

    def _watch(self, channel: str, stream: _Kept) -> None:
        due = stream.due()
        if due < stream.watched:
            stream.watched = due
            heapq.heappush(self._expiries, (due, channel))

    def _end(self, channel: str) -> None:
        self._streams.pop(channel).forget()
        self._tally.used -= STREAM_OVERHEAD

    def _cut(self) -> None:
        """Free a tenth when it is too much: first what the channels have that were published to least recently."""
        if self._tally.used <= self._settings.max_bytes:
            return
        enough = self._settings.max_bytes * 9 // 10
        *others, _newest = self._streams.items()
        for channel, stream in others:
            if self._tally.used <= enough:
                return
            if stream.entries:
                stream.forget()
            else:
                self._end(channel)  # its next epoch is a new one: whoever relies on this one is told

    # ------------------------------------------------------------------- expiry

    def _remember(self, key: tuple[str, str], published: Published, now: float) -> None:
        repeated = Published(published.position, repeated=True)
        self._results.pop(key, None)  # so that the oldest stays in front
        self._results[key] = (now + self._settings.idempotency_ttl, repeated)
        if len(self._results) > self._settings.idempotency_keys:
            del self._results[next(iter(self._results))]

    def _sweep(self) -> None:
        if not self._running:
            return
        now = self._now()
        room = EXPIRIES
        while room and self._expiries and self._expiries[0][0] <= now:
            self._expire(*heapq.heappop(self._expiries), now)
            room -= 1
        while room and self._results and self._results[key := next(iter(self._results))][0] <= now:
            del self._results[key]
            room -= 1
        self._timers.call_later(self._settings.sweep if room else 0.0, self._sweep)

    def _expire(self, due: float, channel: str, now: float) -> None:
        stream = self._streams.get(channel)
        if stream is None or stream.watched != due:
            return
        stream.watched = NEVER
        if now >= (stream.ends_at or NEVER):
            self._end(channel)
            return
        if now >= (stream.forgets_at or NEVER):
            stream.forget()
        self._watch(channel, stream)
