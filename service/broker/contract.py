"""What every broker promises. ``tests/contracts/test_broker_contract.py`` holds each implementation to it.

1. *Order.* The publications of a channel reach ``on_publication`` in the order of their offsets, unless the medium
   loses some or repeats them; a listener finds that out by offset, id and ``after``. Within one node there is no loss.
2. *Atomic.* Appending to history, giving the offset and handing the publication to the listeners is one step: what is
   in history will be heard (or is missing for its listener to notice), what is heard with an offset is in history.
3. *Positions.* Offsets of one epoch start at 1 and rise by 1 with each publication that is kept. A stream that lost
   what it had accepted begins a new epoch, or is found out by its listeners (see ``renew_epoch``).
4. *Announced at most once.* Who comes and goes is announced in order, is not kept, and takes no place in the stream.
5. *Nothing half done.* A publish either raises or is in the stream; with an idempotency key it may be repeated at will.

Any answer may be there at once or come later (``Soon``); a caller handles both. Times are wall seconds.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from observability.names import Figure
from service.broker.stream import Entry
from service.protocol.messages import ClientInfo, Publication, StreamPosition

T = TypeVar("T")
U = TypeVar("U")

Soon: TypeAlias = T | Awaitable[T]
"""An answer, or an awaitable of it."""


def then(soon: Soon[T], follow: Callable[[T], Soon[U]]) -> Soon[U]:
    """What ``follow`` makes of the answer: at once when it is there, else when it comes."""
    if isinstance(soon, Awaitable):
        return _later(soon, follow)
    return follow(soon)


async def _later(soon: Awaitable[T], follow: Callable[[T], Soon[U]]) -> U:
    followed = follow(await soon)
    return await followed if isinstance(followed, Awaitable) else followed


class BrokerUnavailable(Exception):  # noqa: N818 - says what is the matter
    """The broker did not do it, or did not answer in time; trying again later may help."""


class PublishOptions(msgspec.Struct, frozen=True, gc=False):
    """How a publication is kept, times in seconds. Size or TTL 0 means no history: no offset, heard at most once."""

    history_size: int = 0
    history_ttl: float = 0.0
    history_meta_ttl: float = 0.0  # of offset and epoch; 0: for ever
    idempotency_key: str = ""  # a repetition within 5 minutes is answered with the first result and not published
    skip_history: bool = False
    version: int = 0  # with history: not above the stream's newest version means not published; 0: unversioned
    version_epoch: str = ""  # versions of different epochs are not compared
    delta: bool = False
    traceparent: str = ""  # of a sampled publication; travels with it

    @property
    def keeps(self) -> bool:
        """Whether the channel has history and this publication goes into it."""
        return self.history_size > 0 and self.history_ttl > 0 and not self.skip_history


class Published(msgspec.Struct, frozen=True, gc=False):
    """The publication's place; None without history. ``repeated``: it was there before, or its version is old."""

    position: StreamPosition | None = None
    repeated: bool = False
    traceparent: str | None = None  # of the trace, when it is sampled; the hub fills it in, for the publisher's answer


class HistoryFilter(msgspec.Struct, frozen=True, gc=False):
    """Which part of a stream.

    ``since`` excludes its own offset; backwards (``reverse``) it means what is before it. A broker does not look at its
    epoch: the caller compares that with the answer's.
    """

    limit: int = 0  # 0: the position only; below 0: everything
    since: StreamPosition | None = None
    reverse: bool = False


class Excerpt(msgspec.Struct, frozen=True, gc=False):
    """What a stream holds at one moment, and its top at that moment."""

    entries: Sequence[Entry]
    position: StreamPosition
    top_id: int = 0  # id of the publication at the top, also when it is not kept any more; 0: there was none


class History(msgspec.Struct, frozen=True, gc=False):
    """An excerpt as it is shown to clients."""

    publications: Sequence[Publication]
    position: StreamPosition


class Announcement(msgspec.Struct, frozen=True, gc=False):
    """A client came into a channel, or went."""

    info: ClientInfo
    left: bool = False


OnAnnounced: TypeAlias = Callable[[str, Sequence[Announcement]], None]


def nobody_hears(_channel: str, _announcements: Sequence[Announcement]) -> None:
    """For a node that tells nobody who comes and goes."""


class Broker(Protocol):
    """Carries publications between nodes and keeps streams."""

    def start(
        self,
        on_publication: Callable[[str, Entry], None],
        on_removed: Callable[[str], None],
        on_announced: OnAnnounced = nobody_hears,
    ) -> Soon[None]:
        """Begin; what subscribed channels hear goes to the callbacks, always in the loop's thread."""

    def subscribe(self, channel: str) -> Soon[None]:
        """Once answered, everything published from then on is heard. Calls for one channel take effect in their order.

        Raises:
            BrokerUnavailable: it is not heard.

        """

    def unsubscribe(self, channel: str) -> Soon[None]:
        """Nothing need be heard any more; something still may."""

    def publish(self, channel: str, publication: Publication, options: PublishOptions) -> Soon[Published]:
        """Append and publish. The broker fills ``offset``, and ``epoch`` on offset 1; the caller touches it no more.

        Raises:
            BrokerUnavailable: whether it was published is unknown, unless a key makes repeating safe.

        """
        ...

    def announce(self, channel: str, announcements: Sequence[Announcement]) -> Soon[None]:
        """Tell every node that subscribes to the channel, this one too, who came and went, in this order.

        Raises:
            BrokerUnavailable: perhaps nobody heard it.

        """

    def history(self, channel: str, wanted: HistoryFilter, options: PublishOptions) -> Soon[Excerpt]:
        """Read. A stream that does not exist is created, so that its epoch can be told; reading renews the meta TTL.

        Args:
            channel: name.
            wanted: which part.
            options: size and TTLs that this channel's publishes use.

        Raises:
            BrokerUnavailable: no answer.

        """
        ...

    def remove_history(self, channel: str) -> Soon[None]:
        """Forget the publications, keep offset and epoch; every node that subscribes to it hears ``on_removed``."""

    def renew_epoch(self, channel: str, epoch: str, options: PublishOptions) -> Soon[Excerpt]:
        """Begin a new epoch if the stream still has this one, because it is not the stream that was heard.

        Returns:
            Where the stream stands afterwards, whoever renewed it; without entries.

        """
        ...

    def stop(self) -> Soon[None]:
        """The end: no callback is called any more."""

    def figures(self) -> Iterable[Figure]:
        """Numbers for a scrape."""
        ...
