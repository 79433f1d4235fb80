"""The one fan-out of a node: every channel with something to say gets its turn.

A batch of at most 16 publications is encoded once a variant and handed out in slices. After 2 ms the loop has its turn;
what is published meanwhile is the next batch, so coalescing, order and bounded memory come by themselves.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from observability.observers.channels import ChannelsObserver
from service.broker.stream import Entry
from service.channels.channel import Batch, Channel, Run
from service.channels.patches import Patches
from service.channels.turns import FEW, Slices, Turns
from service.protocol.codec import MESSAGES_PER_FRAME
from service.protocol.messages import Publication

Encode: TypeAlias = Callable[[str, Sequence[Publication]], bytes]
SendMany: TypeAlias = Callable[[Sequence[Any], bytes, Any], int]
"""(members, bytes of one write, ``Flight``) -> how many members the kernel took it for."""

LINKS = 8  # receivers that a fan-out's span is linked to
LOOKED_AT = 64  # members among which they are looked for


class Timers(Protocol):
    """What is needed of an event loop."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Call back in the next turn."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> object:
        """Call back in ``delay`` seconds."""

    def call_exception_handler(self, context: dict[str, Any], /) -> None:
        """Tell of an exception that nobody expected."""


@dataclass(frozen=True, slots=True)
class FanoutSettings:
    """How the work is cut."""

    batch_messages: int = MESSAGES_PER_FRAME  # in one write
    batch_bytes: int = 32 * 1024  # half of a socket's send buffer
    slice_members: int = 256  # at most, 0.6 to 1 ms of the loop
    slice_time: float = 0.001  # seconds; on a machine that is busy otherwise a slice has fewer members
    tick: float = 0.002  # seconds until the loop has its turn again
    quiet: float = 0.0005  # seconds of silence after which a publication is sent at once instead of in the next turn
    kept_messages: int = 256  # sent ones that a ring keeps in a channel with history: who comes back soon needs no read


class Flight:
    """What is known of the bytes of one write, as long as some member has not got them."""

    __slots__ = ("_entries", "accepted", "book", "channel", "conflates", "messages", "namespace", "traceparent")

    def __init__(self, channel: Channel, entries: Sequence[Entry], loop_minus_wall: float) -> None:
        self.book = channel.book
        self.namespace = channel.namespace.name
        self.channel = channel.name
        self.conflates = channel.name if channel.namespace.slow_policy == "conflate" else ""
        self.messages = len(entries)
        self.accepted = entries[0].time + loop_minus_wall  # loop time of the oldest message
        self.traceparent: str | None = next((e.traceparent for e in entries if e.traceparent), None)
        self._entries = tuple((e.time + loop_minus_wall, e.traceparent, e.id) for e in entries)

    def delivered(self, observe: ChannelsObserver, count: int, now: float) -> None:
        """``count`` members have it, at loop time ``now``."""
        self.book.write(count * self.messages)
        for accepted, traceparent, entry_id in self._entries:
            seconds = now - accepted
            if seconds < observe.slow:
                trace_id = traceparent[3:35] if traceparent else None
                observe.delivered(max(0.0, seconds), count, trace_id)
            else:
                observe.delivered_late(
                    self.namespace, seconds, count, traceparent or None, channel=self.channel, entry_id=entry_id
                )


class Fanout:
    """Hands out what rings have pending. ``schedule`` tells it of a channel, it tells ``drained`` when it is done."""

    def __init__(
        self,
        encoders: Mapping[Any, Encode],
        send_many: SendMany,
        observe: ChannelsObserver,
        timers: Timers,
        drained: Callable[[Channel], None],
        *,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        settings: FanoutSettings = FanoutSettings(),
        patches: Patches | None = None,
    ) -> None:
        self._patches = patches or Patches()
        self._encoders = encoders
        self._send_many = send_many
        self._observe = observe
        self._timers = timers
        self._drained = drained
        self._now = now
        self._clock = clock
        self._settings = settings
        self._turns: Turns[Channel] = Turns()
        self._slices = Slices(settings.slice_members, settings.slice_time)
        self._armed = False
        self._serving = False
        self._corked = False
        self._last = 0.0  # when something was sent

    def schedule(self, channel: Channel) -> None:
        """The channel has something pending."""
        if not channel.queued:
            channel.queued = True
            self._turns.append(channel)
            if not self._corked:
                self._begin_or_wait()

    def cork(self) -> bool:
        """Send nothing until ``uncork`` is called with the answer: a publish is to be told of before its fan-out."""
        was, self._corked = self._corked, True
        return was

    def uncork(self, corked: bool) -> None:
        """Go on, unless it was corked before."""
        self._corked = corked
        if self._turns and not corked:
            self._begin_or_wait()

    def trim(self, channel: Channel) -> None:
        """Of what was sent the channel's ring keeps what its namespace is worth."""
        channel.ring.trim(self._kept(channel))

    def lag(self) -> float:
        """Age in seconds of the oldest publication that is not begun."""
        waiting = (c.ring for c in self._turns if c.ring.pending and c.batch is None)
        return max(0.0, self._now() - min((ring.take(1, 0)[0].time for ring in waiting), default=self._now()))

    def _begin_or_wait(self) -> None:
        """After a silence the first slice goes out at once; what comes right after it is gathered."""
        if self._serving or self._armed:
            return
        if len(self._turns) == 1 and self._clock() - self._last >= self._settings.quiet:
            self._serve(self._turns.next(0.0, self._settings.tick))
        if self._turns:
            self._arm()

    def _arm(self) -> None:
        if not self._armed:
            self._armed = True
            self._timers.call_soon(self._tick)

    def _tick(self) -> None:
        self._armed = False
        began = before = self._clock()
        tick, turns = self._settings.tick, self._turns
        while turns:
            self._serve(turns.next(before - began, tick))
            if 2 * self._last - before > began + tick:  # the next slice may take as long as this one
                break
            before = self._last
        if turns:
            self._arm()

    def _serve(self, channel: Channel) -> None:
        """One slice of one channel; it goes to the end of the line when more is to be done."""
        self._serving = True
        try:
            more = self._slice(channel)
        except Exception as fault:  # noqa: BLE001 - one channel's fault is not that of the others
            more = self._abandon(channel, fault)
        finally:
            self._serving = False
        self._last = self._clock()
        if more:
            self._turns.append(channel)
        else:
            channel.queued = False
            self._drained(channel)

    def _slice(self, channel: Channel) -> bool:
        batch = channel.batch or self._begin(channel)
        if batch is None:
            return False
        run = batch.runs[batch.run]
        if batch.written is None:
            self._encode(channel, batch, run)
        assert batch.written is not None, "a slice without bytes"
        stop = batch.at + self._slices.size
        members = run.members if len(run.members) <= stop and not batch.at else run.members[batch.at : stop]
        batch.at = stop
        heard = len(batch.entries) - run.skip
        if batch.gone:
            members = self._staying(channel, members, batch.gone, heard)
        sent = batch.flight.messages if batch.written else 0
        if sent < heard:
            channel.book.settle(channel, "filtered", len(members) * (heard - sent))
        if members and batch.written:
            channel.book.hand(channel, len(members) * sent)
            self._send(members, batch)
        if stop >= len(run.members):
            batch.run, batch.at, batch.written = batch.run + 1, 0, None
            if batch.run == len(batch.runs):
                self._finish(channel, batch)
        return channel.batch is not None or channel.ring.pending > 0

    @staticmethod
    def _staying(channel: Channel, members: Sequence[Any], gone: Mapping[Any, str], heard: int) -> list[Any]:
        """Without those who left since the batch began; what it had for them has ended as they have said."""
        staying = []
        for member in members:
            end = gone.get(member)
            if end is None:
                staying.append(member)
            else:
                channel.book.settle(channel, end, heard)
        return staying

    def _send(self, members: Sequence[Any], batch: Batch) -> None:
        """Write to these members, and learn from how long it takes."""
        began = self._clock()
        taken = self._send_many(members, batch.written or b"", batch.flight)
        now = self._clock()
        if len(members) > FEW:
            self._slices.took(len(members), now - began)
        if taken:
            batch.flight.delivered(self._observe, taken, now)

    def _begin(self, channel: Channel) -> Batch | None:
        settings = self._settings
        batch = channel.next_batch(settings.batch_messages, settings.batch_bytes)
        if batch is None:
            channel.finish(self._kept(channel))
            return None
        batch.began = self._clock()
        return batch

    def _encode(self, channel: Channel, batch: Batch, run: Run) -> None:
        entries = batch.entries[run.skip :] if run.skip else batch.entries
        if run.filter is not None:
            self._encode_filtered(channel, batch, run, entries)
            return
        if run.delta:
            publications = self._patched(channel, batch, run, entries)
        else:
            publications = [entry.publication for entry in entries]
        batch.written = self._encoders[run.variant](channel.name, publications)
        batch.flight = Flight(channel, entries, self._clock() - self._now())

    def _encode_filtered(self, channel: Channel, batch: Batch, run: Run, entries: Sequence[Entry]) -> None:
        """Each filter looks once at each entry, and filters that take the same share its bytes; none: no bytes."""
        assert run.filter is not None, "filtered without a filter"
        if batch.passed is None or batch.encoded is None:
            batch.passed, batch.encoded = {}, {}
        passed = batch.passed.get((run.filter, run.skip))
        if passed is None:
            passed = batch.passed[run.filter, run.skip] = run.filter.of(entries)
        if not passed:
            batch.written = b""
            return
        key = run.variant, tuple(map(id, passed))
        if key not in batch.encoded:
            written = self._encoders[run.variant](channel.name, [entry.publication for entry in passed])
            batch.encoded[key] = written, Flight(channel, passed, self._clock() - self._now())
        batch.written, batch.flight = batch.encoded[key]

    def _patched(self, channel: Channel, batch: Batch, run: Run, entries: Sequence[Entry]) -> list[Publication]:
        """The entries for members that take deltas."""
        before = batch.entries[run.skip - 1] if run.skip else batch.before
        base = before if run.based else None
        told = self._patches.live(entries, base, run.delta, channel.options.history_ttl)
        patched = [(entry, each) for entry, each in zip(entries, told, strict=True) if each.delta]
        saved = sum(len(entry.publication.data) - len(each.data) for entry, each in patched)
        members = len(run.members)
        self._observe.delta(channel.namespace.name, len(patched), len(told), saved, members)
        return told

    def _finish(self, channel: Channel, batch: Batch) -> None:
        channel.finish(self._kept(channel))
        traceparents = [entry.traceparent for entry in batch.entries if entry.traceparent]
        self._observe.fanned_out(
            channel.namespace.name,
            len(batch.entries),
            batch.members,
            self._clock() - batch.began,
            traceparents=traceparents,
            links=self._links(batch) if traceparents else (),
        )

    def _links(self, batch: Batch) -> list[Any]:
        """Of a few receivers that were sampled when they connected."""
        some = (member for run in batch.runs for member in run.members[:LOOKED_AT])
        links = [link for member in some if (link := getattr(member, "link", None)) is not None]
        return links[:LINKS]

    def _abandon(self, channel: Channel, fault: Exception) -> bool:
        """Give up a batch that cannot be encoded or written; what comes after it goes on."""
        batch = channel.batch
        lost = 0 if batch is None else self._give_up(channel, batch)
        channel.finish(0)
        self._observe.dropped(channel.namespace.name, "unknown", lost, channel.name)
        self._timers.call_exception_handler({"message": f"fan-out to {channel.name}", "exception": fault})
        return channel.ring.pending > 0

    def _give_up(self, channel: Channel, batch: Batch) -> int:
        """Settle what no writer has been handed; how many deliveries those were."""
        lost, at = 0, batch.at
        for run in batch.runs[batch.run :]:
            heard = len(batch.entries) - run.skip
            lost += heard * len(self._staying(channel, run.members[at:], batch.gone or {}, heard))
            at = 0
        channel.book.settle(channel, "unknown", lost)
        return lost

    def _kept(self, channel: Channel) -> int:
        return min(channel.options.history_size, self._settings.kept_messages)
