"""The way out of one connection: the kernel, or else the bounded outbox.

While all is well ``fd`` is the descriptor and ``flush`` writes to it. What the kernel does not take waits in the
outbox. The transport is given the next piece of it only to be woken by ``resume_writing``, since nobody else may
watch its descriptor.
"""

import asyncio
from typing import Protocol

from service.connections.flush import GONE, send_many, write_some
from service.connections.outbox import Frame, Outbox
from service.connections.station import Station

DRAIN_BYTES = 64 * 1024  # of the outbox in one write: as much as the send buffer takes


class Batch(Protocol):
    """What one write carries, as ``channels.fanout`` makes it."""

    messages: int
    accepted: float  # loop time


class Own:
    """The batch of what is no publication: answers, pushes, pings, close frames."""

    __slots__ = ("accepted", "messages")

    def __init__(self, messages: int, accepted: float) -> None:
        self.messages = messages
        self.accepted = accepted


class Outgoing:
    """Everything a connection needs to be written to. ``fd`` −1 means: not directly."""

    __slots__ = ("fd", "in_transport", "outbox", "sent", "socket", "station", "transport", "waiting")

    def __init__(self, station: Station) -> None:
        self.station = station
        self.transport: asyncio.Transport | None = None
        self.fd = -1
        self.socket = -1  # the descriptor behind fd; −1 with TLS, which must never be written beside its transport
        self.sent = 0  # messages accepted for this peer
        self.outbox: Outbox | None = None
        self.in_transport = 0  # bytes of the outbox that the transport holds
        self.waiting = False  # for resume_writing

    def attach(self, transport: asyncio.Transport) -> None:
        """The transport is ours. Bytes of the 101 may still be in it: then we wait for ``resume_writing``."""
        self.transport = transport
        if transport.get_extra_info("sslcontext") is None:
            self.socket = transport.get_extra_info("socket").fileno()
        transport.set_write_buffer_limits(high=0)
        self.waiting = transport.get_write_buffer_size() > 0
        self.fd = -1 if self.waiting else self.socket

    def pause_writing(self) -> None:
        """The transport holds bytes (see ``_drain``, which put them there)."""
        self.fd = -1
        self.waiting = True

    def resume_writing(self) -> None:
        """The transport is empty again."""
        self.waiting = False
        done, self.in_transport = self.in_transport, 0
        if self.outbox is not None:
            self._wrote(done)
        self._drain()

    def write(self, data: bytes, messages: int) -> None:
        """Send bytes of our own making, after everything that waits."""
        send_many((self,), data, Own(messages, self.station.now()))

    def hold(self, data: bytes, written: int, batch: Batch) -> None:
        """Take over what the kernel did not take (see ``flush.Writable``)."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if written == GONE:
            self.fd = -1
            transport.abort()
            return
        if self.outbox is None:
            self.outbox = Outbox(self.station.settings.outbox)
            self.station.sums.stalled += 1
        now = self.station.now()
        full = self.outbox.offer(data, batch.accepted, batch.messages, batch, written=written, now=now)
        if full is not None:
            self.cut(full.by)
            return
        self.sent += batch.messages
        self._count(batch.messages, len(data) - written)
        if not self.waiting:
            self._drain()

    def _drain(self) -> None:
        """Write what waits until the socket takes no more; directly again once nothing waits."""
        transport = self.transport
        assert transport is not None, "drained without a transport"
        self.fd = -1
        while self.outbox is not None and len(self.outbox):
            data = self.outbox.peek(DRAIN_BYTES)
            written = write_some(self.socket, data) if self.socket >= 0 else 0
            if written == GONE:
                transport.abort()
                return
            if written < len(data):
                transport.write(data[written:])
                self.in_transport = transport.get_write_buffer_size()
                written = len(data) - self.in_transport
            self._wrote(written)
            if self.in_transport:
                self.waiting = True
                return
        if self.outbox is not None:
            self.outbox = None
            self.station.sums.stalled -= 1
        self.drained()

    def drained(self) -> None:
        """Nothing waits any more; a connection that is closing goes on with that."""
        self.fd = self.socket

    def cut(self, by: str) -> None:
        """The reader is too slow, by "bytes" or by "age": the connection decides what becomes of it."""
        raise NotImplementedError

    def _wrote(self, count: int) -> None:
        assert self.outbox is not None, "bytes were written that nobody had"
        frames = self.outbox.wrote(count)
        self._count(-sum(frame.messages for frame in frames), -count)
        for frame in frames:
            self._delivered(frame)

    def _delivered(self, frame: Frame) -> None:
        batch = frame.trace
        if isinstance(batch, Own):
            return
        observe = self.station.observe_channels
        seconds = self.station.now() - frame.accepted_at
        if seconds > observe.slow:
            observe.delivered_late(batch.namespace, seconds, batch.messages, batch.traceparent, channel=batch.channel)
        else:
            observe.delivered(batch.namespace, seconds, batch.messages)

    def _count(self, messages: int, size: int) -> None:
        sums = self.station.sums
        sums.outbox_messages += messages
        sums.outbox_bytes += size

    def discard(self) -> int:
        """Give up what waits; how many messages that were."""
        outbox, self.outbox = self.outbox, None
        if outbox is None:
            return 0
        self.station.sums.stalled -= 1
        messages, size = outbox.messages, outbox.size
        outbox.clear()
        self._count(-messages, -size)
        return messages
