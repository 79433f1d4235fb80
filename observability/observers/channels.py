"""Publications on their way: accepted, fanned out, delivered, late, dropped; subscribers that join and leave.

Costs: ``publishing`` and ``published`` once a publication, ``fanned_out`` once a batch, ``delivered`` once a slice.
"""

from collections.abc import Sequence

from observability.tracing import Link, PublishTrace


class ChannelsObserver:
    """Tells of channels. ``slow`` is the limit in seconds above which a delivery deserves ``delivered_late``."""

    slow: float

    def publishing(
        self,
        namespace: str,
        channel: str,
        audience: int,
        parent: str | None = None,
        *,
        via: str = "api",
        user: str = "",
    ) -> PublishTrace | None:
        """A publication was accepted. The trace, when sampled, has the ``traceparent`` for tags, broker and answer.

        Args:
            namespace: "" for none.
            channel: the channel.
            audience: subscribers on this node, as last known.
            parent: ``traceparent`` of the caller.
            via: "api" or "client".
            user: who publishes, for the allow-list.

        """

    def published(
        self, trace: PublishTrace | None, namespace: str, via: str, seconds: float, *, offset: int = 0
    ) -> None:
        """It has its place in the stream, ``seconds`` after it was accepted."""

    def publish_failed(
        self,
        trace: PublishTrace | None,
        namespace: str,
        via: str,
        code: int,
        *,
        seconds: float = 0.0,
        channel: str = "",
    ) -> None:
        """It was refused or failed; ``code`` is the reply code. Also for one that never came to ``publishing``."""

    def fanned_out(
        self,
        namespace: str,
        entries: int,
        members: int,
        seconds: float,
        *,
        traceparents: Sequence[str] = (),
        links: Sequence[Link] = (),
    ) -> None:
        """A batch went to all members.

        Args:
            namespace: "" for none.
            entries: publications in the batch.
            members: subscribers it went to.
            seconds: from the first slice to the last.
            traceparents: of the batch's sampled publications (their tags); each gets a span.
            links: of some receivers that were sampled when they connected; the first 8 are used.

        """

    def delivered(self, namespace: str, seconds: float, count: int, trace_id: str | None = None) -> None:
        """``count`` deliveries went to the kernel ``seconds`` after the publication was accepted."""

    def delivered_late(
        self,
        namespace: str,
        seconds: float,
        count: int,
        traceparent: str | None = None,
        *,
        channel: str = "",
        entry_id: int = 0,
    ) -> None:
        """As ``delivered``, for more than ``slow`` seconds: makes a late span (call it instead of ``delivered``).

        Args:
            namespace: "" for none.
            seconds: from accept to the kernel.
            count: deliveries.
            traceparent: of the publication, None when it was not sampled.
            channel: the channel.
            entry_id: the publication's id; nodes draw the same trace id from it.

        """

    def joined(self, namespace: str, recovery: str = "none") -> None:
        """A subscriber came; ``recovery`` is "none", "recovered" or "told" (that something is missing)."""

    def left(self, namespace: str, count: int = 1) -> None:
        """Subscribers went."""

    def dropped(self, namespace: str, cause: str, count: int, channel: str = "") -> None:
        """Subscribers did not get ``count`` messages; ``cause`` is one of ``names.DROP_CAUSES``."""

    def gap(self, namespace: str, channel: str = "", count: int = 1) -> None:
        """Subscribers are told that their position was lost."""


class SilentChannelsObserver(ChannelsObserver):
    """Tells nobody."""

    slow = float("inf")

    def __init__(self) -> None:
        pass

    def publishing(
        self,
        namespace: str,
        channel: str,
        audience: int,
        parent: str | None = None,
        *,
        via: str = "api",
        user: str = "",
    ) -> PublishTrace | None:
        del namespace, channel, audience, parent, via, user
        return None

    def published(
        self, trace: PublishTrace | None, namespace: str, via: str, seconds: float, *, offset: int = 0
    ) -> None:
        pass

    def publish_failed(
        self,
        trace: PublishTrace | None,
        namespace: str,
        via: str,
        code: int,
        *,
        seconds: float = 0.0,
        channel: str = "",
    ) -> None:
        pass

    def fanned_out(
        self,
        namespace: str,
        entries: int,
        members: int,
        seconds: float,
        *,
        traceparents: Sequence[str] = (),
        links: Sequence[Link] = (),
    ) -> None:
        pass

    def delivered(self, namespace: str, seconds: float, count: int, trace_id: str | None = None) -> None:
        pass

    def delivered_late(
        self,
        namespace: str,
        seconds: float,
        count: int,
        traceparent: str | None = None,
        *,
        channel: str = "",
        entry_id: int = 0,
    ) -> None:
        pass

    def joined(self, namespace: str, recovery: str = "none") -> None:
        pass

    def left(self, namespace: str, count: int = 1) -> None:
        pass

    def dropped(self, namespace: str, cause: str, count: int, channel: str = "") -> None:
        pass

    def gap(self, namespace: str, channel: str = "", count: int = 1) -> None:
        pass
