"""The way out of one connection: the kernel, or else the bounded outbox.

While all is well ``fd`` is the descriptor and ``flush`` writes to it. What the kernel does not take waits in the
outbox. The transport is given the next piece of it only to be woken by ``resume_writing``, since nobody else may
watch its descriptor.
"""

import asyncio
from math import inf
from typing import Any, Protocol

from service.channels.ledger import NOBODYS, Book
from service.connections.flush import send_many, write_some
from service.connections.outbox import Outbox
from service.connections.sockopts import acknowledged_bytes, unsent_bytes
from service.connections.station import Station

DRAIN_BYTES = 64 * 1024  # of the outbox in one write: as much as the send buffer takes


class Batch(Protocol):
    """What one write carries, as ``channels.fanout`` makes it."""

    messages: int
    accepted: float  # loop time
    conflates: str
    book: Book


class Own:
    """The batch of what is no publication: answers, pushes, pings, close frames."""

    __slots__ = ("accepted", "messages")
    conflates = ""
    book = NOBODYS

    def __init__(self, messages: int, accepted: float) -> None:
        self.messages = messages
        self.accepted = accepted


class Direct:
    """What a delivery touches. A base of its own: its slots come first, in the cache line of the reference count."""

    __slots__ = ("fd", "sent")

    fd: int
    sent: int


class Outgoing(Direct):
    """Everything a connection needs to be written to. ``fd`` −1 means: not directly."""

    __slots__ = (
        "_held",
        "_held_size",
        "_kernel_messages",
        "_seen_sent",
        "_waiting",
        "kernel_bytes",
        "outbox",
        "socket",
        "station",
        "transport",
    )

    def __init__(self, station: Station) -> None:
        self.station = station
        self.transport: asyncio.Transport | None = None
        self.fd = -1
        self.socket = -1  # the descriptor behind fd; −1 with TLS, which must never be written beside its transport
        self.sent = 0  # messages accepted for this peer
        self.outbox: Outbox | None = None
        self._held: list[tuple[Any, float]] | None = None  # batches whose bytes the transport holds, and since when
        self._held_size = 0
        self._waiting = False  # for resume_writing
        self._seen_sent = 0  # ``sent`` at the last look
        self.kernel_bytes = 0
        self._kernel_messages = 0

    # ---------------------------------------------------------------- transport

    def attach(self, transport: asyncio.Transport) -> None:
        """The transport is ours. Bytes of the 101 may still be in it: then we wait for ``resume_writing``."""
        self.transport = transport
        if transport.get_extra_info("sslcontext") is None:
            self.socket = transport.get_extra_info("socket").fileno()
            transport.set_write_buffer_limits(high=0)
        else:
            transport.set_write_buffer_limits(high=1, low=0)  # asyncio's TLS takes an empty buffer for a full one at 0
        self._waiting = transport.get_write_buffer_size() > 0
        self.fd = -1 if self._waiting else self.socket

    def pause_writing(self) -> None:
        """The transport holds bytes (see ``_give``, which put them there)."""
        self.fd = -1
        self._waiting = True

    def resume_writing(self) -> None:
        """The transport is empty again: write what waits, then directly again."""
        self._waiting = False
        if self._held is not None:
            held, self._held = self._held, None
            self._delivered(held, self._held_size)
        self._drain()
        if not self._waiting and self in self.station.stalled:
            self.station.stalled.discard(self)
            self.relieved()

    # ------------------------------------------------------------------ writing

    def write(self, data: bytes, messages: int) -> None:
        """Send bytes of our own making, after everything that waits."""
        send_many((self,), data, Own(messages, self.station.now()))

    def write_ping(self, data: bytes) -> None:
        """Send a ping. Its pong tells what became of it: no look at the socket is needed."""
        if self.fd < 0 or self.sent != self._seen_sent:
            self.write(data, 1)
            return
        written = write_some(self.fd, data)
        if written == len(data):
            self.sent += 1
            self._seen_sent += 1
        else:
            self.hold(data, written, Own(1, self.station.now()))

    def hold(self, data: bytes, written: int, batch: Batch) -> None:
        """Take over what the kernel did not take (see ``flush.Writable``)."""
        transport = self.transport
        if transport is None or transport.is_closing():
            batch.book.lose(self.loss, batch.messages)
            return
        if written < 0:
            self.broke(-written)
            batch.book.lose(self.loss, batch.messages)
            return
        now = self.station.now()
        rest = data[written:] if written else data
        if self._waiting:
            self._queue(rest, batch, now)
            return
        self._accept(batch, len(rest))
        if self._give(transport, rest, [(batch, now)]):
            self.drained()

    def _queue(self, data: bytes, batch: Batch, now: float) -> None:
        if self.outbox is None:
            self.outbox = Outbox(self.station.settings.outbox)
        if batch.conflates:
            self._displace(self.outbox, batch.conflates)
        full = self.outbox.offer(data, batch, now)
        if full is None:
            self._accept(batch, len(data))
            self.station.shedding.grown()
        else:
            self.cut(full)
            batch.book.lose(self.loss, batch.messages)

    def _displace(self, outbox: Outbox, channel: str) -> None:
        """The newest frame of this channel is all that its slow readers get (``slow_policy: conflate``)."""
        found = outbox.displace(channel)
        if found is None:
            return
        size, batch = found
        flight: Any = batch  # only publications conflate
        sums = self.station.sums
        sums.outbox_messages -= batch.messages
        sums.outbox_bytes -= size
        sums.release(batch)
        flight.book.free(batch.messages)
        flight.book.lose("conflated", batch.messages)
        self.station.observe_channels.dropped(flight.namespace, "conflated", batch.messages, channel)

    def _accept(self, batch: Batch, size: int) -> None:
        self.sent += batch.messages
        batch.book.keep(batch.messages)
        sums = self.station.sums
        sums.outbox_messages += batch.messages
        sums.outbox_bytes += size
        sums.hold(batch, size)

    def _give(self, transport: asyncio.Transport, data: bytes, batches: list[tuple[Any, float]]) -> bool:
        """Write by way of the transport; False when it holds bytes now and will call ``resume_writing``."""
        self.fd = -1
        transport.write(data)
        if transport.get_write_buffer_size() == 0:
            self._delivered(batches, len(data))
            return True
        self._waiting = True
        self._held, self._held_size = batches, len(data)
        if self not in self.station.stalled:
            self.station.stalled.add(self)
            self.stalled()
        return False

    def _drain(self) -> None:
        """Write what waits, many frames at once, until the socket takes no more."""
        transport, outbox = self.transport, self.outbox
        assert transport is not None, "drained without a transport"
        while outbox is not None and len(outbox):
            data, batches = outbox.take(DRAIN_BYTES)
            written = write_some(self.socket, data) if self.socket >= 0 else 0
            if written < 0:
                self._delivered(batches, len(data), lost=True)
                self.broke(-written)
                return
            if written == len(data):
                self._delivered(batches, len(data))
                continue
            self.station.sums.outbox_bytes -= written
            if not self._give(transport, data[written:], batches):
                return
        self.outbox = None
        self.drained()

    def drained(self) -> None:
        """Nothing waits any more; a connection that is closing goes on with that."""
        self.fd = self.socket

    def broke(self, number: int) -> None:
        """The kernel refuses our bytes with this error number: the socket is dropped."""
        del number
        self.fd = -1
        if self.transport is not None:
            self.transport.abort()

    def stalled(self) -> None:
        """The socket takes no more for now."""
        raise NotImplementedError

    def relieved(self) -> None:
        """It has taken all that waited."""
        raise NotImplementedError

    @property
    def loss(self) -> str:
        """The cause under which messages are counted that this peer will not get: one of ``names.DROP_CAUSES``."""
        return "connection_closed"

    def cut(self, by: str) -> None:
        """The reader is too slow, by "bytes" or by "age": the connection decides what becomes of it."""
        raise NotImplementedError

    def _delivered(self, batches: list[tuple[Any, float]], size: int, *, lost: bool = False) -> None:
        """These batches are with the kernel, later than usual, or lost with their reader."""
        sums, now = self.station.sums, self.station.now()
        sums.outbox_bytes -= size
        for batch, _ in batches:
            sums.outbox_messages -= batch.messages
            sums.release(batch)
            batch.book.free(batch.messages)
            if lost:
                batch.book.lose(self.loss, batch.messages)
            elif not isinstance(batch, Own):
                batch.delivered(self.station.observe_channels, 1, now)

    # ------------------------------------------------------------------ figures

    def moved(self) -> bool:
        """Something was sent since the last look, or had not arrived then: another look is worth it soon."""
        return self.sent != self._seen_sent or self.kernel_bytes > 0

    def look(self) -> None:
        """How much of what was sent has the peer's kernel not confirmed yet."""
        if self.moved():
            self._seen_sent = self.sent
            self._kernel(unsent_bytes(self._asked()))

    def _asked(self) -> int:
        """The descriptor that the kernel is asked about; of TLS, too, where it must not be written."""
        return self.socket if self.socket >= 0 else self.descriptor()

    def forget_kernel(self) -> None:
        """The socket is gone."""
        self._kernel(0)

    def _kernel(self, size: int) -> None:
        sums = self.station.sums
        messages = self._as_messages(size) if size else 0
        if size:
            self.station.behind.add(self)
        elif self.kernel_bytes:
            self.station.behind.discard(self)
        sums.kernel_bytes += size - self.kernel_bytes
        sums.kernel_messages += messages - self._kernel_messages
        self.kernel_bytes, self._kernel_messages = size, messages

    def _as_messages(self, size: int) -> int:
        """How many messages so many bytes in the kernel are, by the mean of what this peer was sent."""
        handed = max(1, self.sent - (self.outbox.messages if self.outbox is not None else 0))
        total = acknowledged_bytes(self._asked()) + size
        mean = total // handed if total > size else self.station.sums.mean_message()
        return -(-size // max(1, mean))

    def unsent_since(self) -> float:
        """Loop time since when the oldest bytes wait; inf when none does."""
        if self._held is not None:
            return self._held[0][1]
        return self.outbox.oldest() if self.outbox is not None else inf

    def descriptor(self) -> int:
        """The socket's number, with TLS, too; −1 when it is gone. Only to ask the kernel about it."""
        found = None if self.transport is None else self.transport.get_extra_info("socket")
        return -1 if found is None else int(found.fileno())

    def unsent_bytes(self) -> int:
        """Bytes that wait here (the kernel's share is not in it)."""
        queued = self.outbox.size if self.outbox is not None else 0
        if self._held is not None and self.transport is not None:
            queued += self.transport.get_write_buffer_size()
        return queued

    def discard(self) -> int:
        """The socket is gone, give up what waits; how many bytes that were."""
        outbox, self.outbox = self.outbox, None
        held, self._held = self._held, None
        unsent = 0
        self.station.stalled.discard(self)
        if held is not None:
            unsent += self._held_size
            self._delivered(held, self._held_size, lost=True)
        if outbox is not None and len(outbox):
            data, batches = outbox.take(outbox.size)
            unsent += len(data)
            self._delivered(batches, len(data), lost=True)
        return unsent
