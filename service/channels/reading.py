"""Reading and removing history, for clients and for the server API."""

from collections.abc import Callable, Mapping
from functools import partial

from service.broker.contract import Broker, Excerpt, History, HistoryFilter, PublishOptions, Soon, then
from service.channels.namespaces import Namespaces
from service.channels.recovery import shown
from service.protocol.errors import BAD_REQUEST, NOT_AVAILABLE, UNRECOVERABLE_POSITION, ClientMistake
from service.protocol.messages import StreamPosition


class Reading:
    """The history of channels, whoever is in them."""

    __slots__ = ("_broker", "_namespaces", "_now", "_options")

    def __init__(
        self,
        namespaces: Namespaces,
        options: Mapping[str, PublishOptions],
        broker: Broker,
        *,
        now: Callable[[], float],
    ) -> None:
        self._namespaces = namespaces
        self._options = options
        self._broker = broker
        self._now = now

    def history(self, channel: str, wanted: HistoryFilter) -> Soon[History]:
        """Read history.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL; NOT_AVAILABLE without history; BAD_REQUEST for reverse since offset 0;
                UNRECOVERABLE_POSITION for an epoch that is not the stream's.
            BrokerUnavailable: the broker did not answer.

        """
        options = self._with_history(channel)
        if wanted.reverse and wanted.since is not None and wanted.since.offset == 0:
            raise ClientMistake(BAD_REQUEST)
        return then(self._broker.history(channel, wanted, options), partial(self._show, wanted.since))

    def remove_history(self, channel: str) -> Soon[None]:
        """Forget a channel's publications; its position stays.

        Raises:
            ClientMistake: UNKNOWN_CHANNEL, or NOT_AVAILABLE without history.
            BrokerUnavailable: the broker did not answer.

        """
        self._with_history(channel)
        return self._broker.remove_history(channel)

    def _show(self, since: StreamPosition | None, excerpt: Excerpt) -> History:
        if since is not None and since.epoch not in ("", excerpt.position.epoch):
            raise ClientMistake(UNRECOVERABLE_POSITION)
        return History(shown(excerpt.entries, self._now()), excerpt.position)

    def _with_history(self, channel: str) -> PublishOptions:
        if not channel:
            raise ClientMistake(BAD_REQUEST)
        namespace = self._namespaces.resolve(channel)
        if not namespace.has_history:
            raise ClientMistake(NOT_AVAILABLE)
        return self._options[namespace.name]
