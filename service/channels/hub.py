"""Who hears what on this node. The hub knows no sockets: members are opaque, bytes go out through one batch function.

Join takes two steps: ``join`` finds out whatever takes time, ``Ticket.enter`` merges, answers and enters the live list in one
synchronous step. All live members of a channel stand at the same place of its ring; there is no position per subscriber.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from observability.names import Figure
from observability.observers.channels import ChannelsObserver
from service.broker.contract import Broker, History, HistoryFilter, Published, Soon
from service.broker.stream import Entry
from service.channels.namespaces import Namespaces
from service.protocol.messages import ClientInfo, Publication, StreamPosition

Variant: TypeAlias = Hashable
"""Which bytes a member takes; opaque here, a key of ``encoders``."""


class Subscriber(Protocol):
    """A member of channels: hashable by identity."""

    variant: Any


class Batch(Protocol):
    """What one write carries; the outbox keeps it with the bytes and gives it to ``observe.delivered_late``."""

    messages: int
    accepted: float  # loop time at which the oldest of its messages was accepted


SendMany: TypeAlias = Callable[[Sequence[Any], bytes, Any], int]
"""(members, bytes of one write, ``Batch``) -> how many members the kernel took it for."""


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """How a subscriber wants to enter; rights are decided already."""

    positioned: bool = False  # granted; ignored in a channel without history
    recoverable: bool = False  # granted; implies positioned
    recover: bool = False  # it asks for what it missed
    since: StreamPosition = StreamPosition()
    strict: bool = False  # rather error 112 than recovered: false
    delta: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """The fields of the subscribe result."""

    recoverable: bool = False
    positioned: bool = False
    epoch: str = ""
    offset: int = 0
    recovered: bool = False
    was_recovering: bool = False
    publications: Sequence[Publication] = ()
    delta: bool = False


class Ticket(Protocol):
    """A place kept in a channel. One that is dropped without ``enter`` gives its place back."""

    def enter(self) -> Joined:
        """Become a live member. Synchronous: call it in the same turn in which the reply is written.

        Raises:
            ClientMistake: UNRECOVERABLE_POSITION when the request was strict; the subscriber has not joined.

        """


class Hub:
    """The channels of this node."""

    on_insufficient: Callable[[Any, str], None]
    """Told, at a pace, that (subscriber, channel) lost its position; it is no member any more by then."""

    def __init__(
        self,
        namespaces: Namespaces,
        broker: Broker,
        encoders: Mapping[Variant, Callable[[str, Sequence[Publication]], bytes]],
        send_many: SendMany,
        observe: ChannelsObserver,
        *,
        loop: Any,  # noqa: ARG002
    ) -> None: ...

    def publish(
        self,
        channel: str,
        data: bytes,
        *,
        info: ClientInfo | None = None,
        tags: Mapping[str, str] | None = None,
        parent: str | None = None,
        via: str = "api",
        idempotency_key: str = "",
        skip_history: bool = False,
        version: int = 0,
        version_epoch: str = "",
        delta: bool = False,
    ) -> Soon[Published]:
        """Check and publish.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL, or BAD_REQUEST for data that is empty or not of the namespace's format.
            BrokerUnavailable: the broker did not answer.

        """
        raise NotImplementedError

    def join(self, subscriber: Subscriber, channel: str, request: JoinRequest) -> Soon[Ticket]:
        """Prepare to enter a channel.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL; UNRECOVERABLE_POSITION when the request is strict.
            BrokerUnavailable: the channel cannot be heard, or its history not read.

        """
        raise NotImplementedError

    def leave(self, subscriber: Subscriber, channel: str) -> None:
        """Out at once: nothing is sent to it any more. Not being a member is no mistake."""

    def leave_all(self, subscriber: Subscriber, channels: Iterable[str]) -> None:
        """Leave many; what the broker has to do about it comes later."""

    def history(self, channel: str, wanted: HistoryFilter) -> Soon[History]:
        """Read history.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL; NOT_AVAILABLE without history; BAD_REQUEST for reverse since offset 0;
                UNRECOVERABLE_POSITION for an epoch that is not the stream's.
            BrokerUnavailable: the broker did not answer.

        """
        raise NotImplementedError

    def remove_history(self, channel: str) -> Soon[None]:
        """Forget a channel's publications.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL, or NOT_AVAILABLE without history.
            BrokerUnavailable: the broker did not answer.

        """

    def deliver(self, channel: str, entry: Entry) -> None:
        """A publication was heard (given to ``Broker.start``)."""

    def channels(self, pattern: str = "") -> dict[str, int]:
        """Channels with subscribers here whose name the glob ``pattern`` takes, and how many they have."""
        raise NotImplementedError

    def figures(self) -> Iterable[Figure]:
        """Numbers for a scrape."""
        raise NotImplementedError
