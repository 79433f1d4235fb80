"""Who is here, for those who ask (presence) and for those who listen (join and leave)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import msgspec

from observability import names
from observability.names import Figure
from observability.observers.presence import PresenceObserver
from service.broker.contract import Announcement, BrokerUnavailable, Soon
from service.channels.namespaces import Namespace, Namespaces
from service.presence.contract import Counts, Presence, PresenceUnavailable
from service.protocol.errors import BAD_REQUEST, NOT_AVAILABLE, ClientMistake
from service.protocol.messages import ClientInfo

CHANNELS_A_TURN = 256  # whose announcements are handed over in one turn of the loop


class Attendance(msgspec.Struct, frozen=True, gc=False):
    """What others learn of a subscriber; rights are decided already."""

    info: ClientInfo
    present: bool = False  # it stands in presence
    announced: bool = False  # its join and its leave are pushed
    again: bool = False  # it was present before: only its info is another one


class Announcer(Protocol):
    """What is needed of a broker."""

    def announce(self, channel: str, announcements: Sequence[Announcement]) -> Soon[None]:
        """See ``Broker.announce``."""


class Turns(Protocol):
    """What is needed of an event loop."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Call back in the next turn."""


Run = Callable[[str, Soon[Any], Callable[[Any], None]], None]
"""Hands over an answer when it is there, or the exception that it ended with (``Hub.run``)."""


class Attending:
    """Keeps presence and announces. A store that fails costs nobody his subscription: it is counted."""

    def __init__(
        self,
        presence: Presence,
        announcer: Announcer,
        namespaces: Namespaces,
        observe: PresenceObserver,
        *,
        turns: Turns,
        run: Run,
    ) -> None:
        self._presence = presence
        self._announcer = announcer
        self._namespaces = namespaces
        self._observe = observe
        self._turns = turns
        self._run = run
        self._unsaid: dict[str, list[Announcement]] = {}
        self._count = 0  # present subscribers of this node

    def came(self, channel: str, attendance: Attendance) -> None:
        """A subscriber entered the channel."""
        if attendance.present:
            self._count += not attendance.again
            self._put(channel, attendance.info)
        if attendance.announced:
            self._announce(channel, Announcement(attendance.info))

    def changed(self, channel: str, attendance: Attendance) -> None:
        """Its info is another one now; that is not announced."""
        if attendance.present:
            self._put(channel, attendance.info)

    def went(self, channel: str, attendance: Attendance) -> None:
        """It left, for whatever reason."""
        if attendance.present:
            self._count -= 1
            self._act("remove", channel, lambda: self._presence.remove(channel, attendance.info.client))
        if attendance.announced:
            self._announce(channel, Announcement(attendance.info, left=True))

    def present(self, channel: str) -> Soon[Mapping[str, ClientInfo]]:
        """Everybody in the channel, by client id; to be used in this turn.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL; NOT_AVAILABLE without presence; BAD_REQUEST without a channel.
            PresenceUnavailable: no answer.

        """
        self._asked(channel)
        return self._presence.present(channel)

    def counts(self, channel: str) -> Soon[Counts]:
        """How many they are. Raises as ``present`` does."""
        self._asked(channel)
        return self._presence.counts(channel)

    def figures(self) -> Iterator[Figure]:
        """Numbers for a scrape."""
        yield Figure(names.PRESENT.name, (), self._count)

    def _asked(self, channel: str) -> Namespace:
        if not channel:
            raise ClientMistake(BAD_REQUEST)
        namespace = self._namespaces.resolve(channel)
        if not namespace.presence:
            raise ClientMistake(NOT_AVAILABLE)
        return namespace

    # ------------------------------------------------------------------- presence

    def _put(self, channel: str, info: ClientInfo) -> None:
        self._act("add", channel, lambda: self._presence.add(channel, info))

    def _act(self, operation: str, channel: str, act: Callable[[], Soon[None]]) -> None:
        def acted(outcome: Any) -> None:
            if isinstance(outcome, BaseException):
                self._observe.failed(operation, f"{type(outcome).__name__}: {outcome}", channel)

        try:
            self._run(f"presence {operation} {channel}", act(), acted)
        except PresenceUnavailable as failure:
            acted(failure)

    # --------------------------------------------------------------- announcements

    def _announce(self, channel: str, announcement: Announcement) -> None:
        self._observe.announced("leave" if announcement.left else "join")
        if not self._unsaid:
            self._turns.call_soon(self._say)
        self._unsaid.setdefault(channel, []).append(announcement)

    def _say(self) -> None:
        """Hand over what was announced meanwhile, a part of the channels in each turn."""
        for channel in list(islice(self._unsaid, CHANNELS_A_TURN)):
            announcements = self._unsaid.pop(channel)
            try:
                self._run(f"announce {channel}", self._announcer.announce(channel, announcements), lambda _: None)
            except BrokerUnavailable:
                pass  # the broker's observer has counted it
        if self._unsaid:
            self._turns.call_soon(self._say)
