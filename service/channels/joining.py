"""Entering a channel: first whatever takes time, then one synchronous step that merges, answers and enters.

What the ring covers is recovered without a read of history; what is read is put into the ring for the next who asks.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from service.broker.contract import Broker, BrokerUnavailable, Excerpt, HistoryFilter, Soon, then
from service.broker.stream import Entry
from service.channels.attending import Attendance
from service.channels.channel import Channel
from service.channels.patches import Form, Patches
from service.channels.recovery import awaited, merge, missed, newest, shown
from service.channels.repair import READ, Repairs, Yard, agrees
from service.channels.tags_filter import Filters, TagsFilter
from service.protocol.errors import UNRECOVERABLE_POSITION, ClientMistake
from service.protocol.messages import Publication, StreamPosition

ATTEMPTS = 3  # reads of history for one join, when the stream changes under them


class JoinRequest(msgspec.Struct, frozen=True, gc=False):
    """How a subscriber wants to enter; rights are decided already."""

    positioned: bool = False  # granted; ignored in a channel without history
    recoverable: bool = False  # granted; implies positioned
    recover: bool = False  # it asks for what it missed
    since: StreamPosition = StreamPosition()
    strict: bool = False  # rather error 112 than recovered: false
    delta: Form = ""  # granted: how it takes publications as deltas
    filter: TagsFilter | None = None  # granted: which publications it wants
    attendance: Attendance | None = None  # what others learn of it
    told: bool = False  # of others' joins and leaves
    who: str = ""  # whose receipts count: the user, or the connection of an anonymous one


class Joined(msgspec.Struct, frozen=True, gc=False):
    """The fields of the subscribe result."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    was_recovering: bool = False
    publications: Sequence[Publication] = ()
    delta: Form = ""
    based: bool = False  # it is given the publication that the next one follows: having its offset is not having it
    missing: int = 0  # publications that it lacks, by its position
    filtered: int = 0  # of them, those that its filter does not take


class Lobby(Protocol):
    """What the hub does for those who come."""

    def admit(self, channel: Channel, subscriber: Any, joined: Joined, request: JoinRequest) -> None:
        """Into the live list."""

    def unpin(self, channel: Channel) -> None:
        """A ticket was used or given back."""


class Ears(Yard, Protocol):
    """Where what is read goes (``Hearing``)."""

    repairs: Repairs


class Ticket:
    """A place kept in a channel. One that is dropped without ``enter`` gives its place back."""

    __slots__ = ("_joining", "attempts", "channel", "read", "request", "subscriber", "used")

    def __init__(self, joining: "Joining", channel: Channel, subscriber: Any, request: JoinRequest) -> None:
        self.used = False
        self._joining = joining
        self.channel = channel
        self.subscriber = subscriber
        self.request = request
        self.read: Sequence[Entry] = ()  # from history
        self.attempts = 0
        channel.pins += 1

    @property
    def positioned(self) -> bool:
        """Whether the position counts at all."""
        request = self.request
        return (request.positioned or request.recoverable) and self.channel.namespace.has_history

    @property
    def recovering(self) -> bool:
        """Whether what was missed is looked for."""
        request = self.request
        return self.positioned and request.recoverable and (request.recover or self.automatic)

    @property
    def automatic(self) -> bool:
        """Whether the newest publication is given unasked."""
        namespace = self.channel.namespace
        return namespace.auto_cache_recover and self.cached and self.request.recoverable

    @property
    def cached(self) -> bool:
        """Whether only the newest publication is recovered."""
        return self.channel.namespace.force_recovery_mode == "cache"

    def enter(self) -> Joined:
        """Become a live member. Synchronous: call it in the same turn in which the reply is written.

        Raises:
            ClientMistake: UNRECOVERABLE_POSITION when the request was strict; the subscriber has not joined.

        """
        assert not self.used, "a ticket was used twice"
        joined = self._joining.enter(self)
        self.give_back()
        return joined

    def give_back(self) -> None:
        """The place is not needed any more."""
        if not self.used:
            self.used = True
            self._joining.lobby.unpin(self.channel)

    def __del__(self) -> None:
        self.give_back()


class Joining:
    """Prepares tickets and redeems them."""

    def __init__(
        self,
        broker: Broker,
        hearing: Ears,
        lobby: Lobby,
        *,
        now: Callable[[], float],
        limit: int,
        kept: int,
        patches: Patches | None = None,
        resumed: Callable[[Channel, JoinRequest], JoinRequest] = lambda _channel, request: request,
    ) -> None:
        """``resumed``: see ``Confirming.resumed``."""
        self._resumed = resumed
        self.lobby = lobby
        self._patches = patches or Patches()
        self._filters = Filters()
        self._broker = broker
        self._hearing = hearing
        self._repairs = hearing.repairs
        self._now = now
        self._limit = limit  # publications that are recovered at most
        self._kept = kept  # entries that a ring keeps

    def prepare(self, channel: Channel, subscriber: Any, request: JoinRequest) -> Soon[Ticket]:
        """Hear the channel, and read what has to be read.

        Raises:
            ClientMistake: UNRECOVERABLE_POSITION when the request is strict.
            BrokerUnavailable: the broker did not do its part.

        """
        if request.filter is not None:
            request = msgspec.structs.replace(request, filter=self._filters.same(request.filter))
        ticket = Ticket(self, channel, subscriber, self._resumed(channel, request))
        try:
            if channel.hearing is True:
                ready = self._look(ticket)
            else:
                ready = then(self._hear(channel), lambda _: self._look(ticket))
        except Exception:
            ticket.give_back()
            raise
        return ready if isinstance(ready, Ticket) else self._in_time(ticket, ready)

    @staticmethod
    async def _in_time(ticket: Ticket, ready: Awaitable[Ticket]) -> Ticket:
        try:
            return await ready
        except BaseException:
            ticket.give_back()
            raise

    def enter(self, ticket: Ticket) -> Joined:
        """See ``Ticket.enter``."""
        joined = self._joined(ticket)
        ticket.channel.book.miss(joined.missing)
        self.lobby.admit(ticket.channel, ticket.subscriber, joined, ticket.request)
        return joined

    # ------------------------------------------------------------------ hearing

    def _hear(self, channel: Channel) -> Soon[None]:
        if channel.hearing is None:
            soon = self._broker.subscribe(channel.name)
            if not isinstance(soon, Awaitable):
                channel.hearing = True
                return None
            channel.hearing = asyncio.get_running_loop().create_future()
            self._hearing.run(f"hear {channel.name}", soon, partial(self._heard, channel, channel.hearing))
        return self._heard_by_all(channel.hearing)

    @staticmethod
    async def _heard_by_all(confirmed: asyncio.Future[BaseException | None]) -> None:
        fault = await asyncio.shield(confirmed)
        if fault is not None:
            raise BrokerUnavailable("the channel cannot be heard") from fault

    @staticmethod
    def _heard(channel: Channel, confirmed: asyncio.Future[BaseException | None], outcome: Any) -> None:
        failed = isinstance(outcome, BaseException)
        channel.hearing = None if failed else True
        if not confirmed.done():
            confirmed.set_result(outcome if failed else None)

    # ------------------------------------------------------------------ reading

    def _look(self, ticket: Ticket) -> Soon[Ticket]:
        """Read history unless the ring knows all that is asked."""
        channel = ticket.channel
        channel.ring.expire(self._now(), channel.options.history_ttl)
        if not ticket.positioned or self._ring_suffices(ticket):
            return self._ready(ticket)
        ticket.attempts += 1
        ring = channel.ring
        wanted = self._wanted(ticket)
        asked = partial(self._read, ticket, channel.generation, ring.top, ring.top_id)
        return then(self._broker.history(channel.name, wanted, channel.options), asked)

    def _ring_suffices(self, ticket: Ticket) -> bool:
        channel, since = ticket.channel, ticket.request.since
        ring, now = channel.ring, self._now()
        meta_ttl = channel.options.history_meta_ttl
        if not ring.epoch or (meta_ttl and now >= ring.touched + meta_ttl):
            return False
        if not ticket.recovering:
            return True
        floor = max(ring.floor, ring.top - channel.options.history_size)
        if ticket.cached:
            return ring.top == 0 or bool(self._wanted_of(ticket, ring.since(floor)))
        return since.epoch not in ("", ring.epoch) or floor <= since.offset <= ring.top

    def _wanted(self, ticket: Ticket) -> HistoryFilter:
        ring, since = ticket.channel.ring, ticket.request.since
        if not ticket.recovering:
            return HistoryFilter(0)
        if ticket.cached:
            if not ring.epoch:
                return HistoryFilter(1, reverse=True)
            back = 1 if ticket.request.filter is None else self._limit if self._limit > 0 else ring.top
            return HistoryFilter(max(READ, back), StreamPosition(max(0, ring.top - back), ring.epoch))
        oldest = min(since.offset, ring.top) if ring.epoch else since.offset  # what the ring lacks is read along
        return HistoryFilter(self._limit if self._limit > 0 else -1, StreamPosition(oldest, ring.epoch))

    def _read(self, ticket: Ticket, generation: int, top: int, top_id: int, excerpt: Excerpt) -> Soon[Ticket]:
        channel = ticket.channel
        ring, position = channel.ring, excerpt.position
        first = not ring.epoch
        if generation != channel.generation and ticket.attempts < ATTEMPTS:
            return self._look(ticket)
        if not ring.epoch:
            ring.adopt(position, excerpt.top_id, self._now())
        elif channel.repair is None and (
            position.epoch != ring.epoch
            or position.offset < top
            or (ring.top == top and ring.top_id == top_id and not agrees(ring, excerpt))
        ):
            self._repairs.begin(channel)
        if position.epoch == ring.epoch:
            ring.touched = max(ring.touched, self._now())
            self._learn(ticket, excerpt)
        if first and ticket.cached and ticket.request.filter is not None and not self._ring_suffices(ticket):
            return self._look(ticket)  # the newest one is not wanted, or not there: one before may be
        return self._ready(ticket)

    def _learn(self, ticket: Ticket, excerpt: Excerpt) -> None:
        """Put into the ring what it lacks, at both ends."""
        channel = ticket.channel
        ring = channel.ring
        for entry in excerpt.entries:
            if ring.continues(entry) and channel.repair is None and self._hearing.has_room(channel):
                self._hearing.read(channel, entry)
        ring.prepend(excerpt.entries, min(self._kept, channel.options.history_size))
        ticket.read = excerpt.entries

    def _ready(self, ticket: Ticket) -> Ticket:
        if ticket.request.strict:
            self._joined(ticket)
        return ticket

    # ----------------------------------------------------------------- entering

    def _joined(self, ticket: Ticket) -> Joined:
        """How the subscriber would enter now."""
        request, ring = ticket.request, ticket.channel.ring
        if not ticket.positioned:
            return Joined(was_recovering=request.recover, delta=request.delta)
        found = self._missed(ticket) if ticket.recovering else None
        if found is None and request.strict and request.recover and request.recoverable and not ticket.cached:
            raise ClientMistake(UNRECOVERABLE_POSITION)
        wanted = self._wanted_of(ticket, found) if found else ()
        return Joined(
            recoverable=request.recoverable,
            positioned=True,
            epoch=ring.epoch,
            offset=ring.top if found is None else request.since.offset,
            recovered=found is not None,
            was_recovering=request.recover or ticket.automatic,
            publications=self._shown(wanted, request.delta) if found else (),
            delta=request.delta,
            based=bool(found),
            missing=awaited(request.since, ring.position, cached=ticket.cached) if ticket.recovering else 0,
            filtered=len(found) - len(wanted) if found else 0,
        )

    def _shown(self, found: Sequence[Entry], delta: Form) -> Sequence[Publication]:
        publications = shown(found, self._now())
        return self._patches.recovered(found, publications, delta) if delta else publications

    @staticmethod
    def _wanted_of(ticket: Ticket, entries: Sequence[Entry]) -> Sequence[Entry]:
        wanted = ticket.request.filter
        return entries if wanted is None else wanted.of(entries)

    def _missed(self, ticket: Ticket) -> list[Entry] | None:
        ring, since = ticket.channel.ring, ticket.request.since
        kept = ring.top - ticket.channel.options.history_size
        heard = ring.since(max(ring.floor, kept) if ticket.cached else since.offset)
        known = merge([entry for entry in ticket.read if entry.epoch == ring.epoch], heard, ring.top)
        if ticket.cached:
            wanted = self._wanted_of(ticket, known)
            return newest(since, ring.position, known[-1] if known else None, wanted[-1] if wanted else None)
        return missed(since, ring.position, known, self._limit)
