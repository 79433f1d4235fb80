"""A broker that tells an observer what it was asked, how long it took, and whether it did it."""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar, cast

from observability.names import Figure
from observability.observers.broker import BrokerObserver
from observability.tracing import PublishTrace
from service.broker.contract import (
    Announcement,
    Broker,
    Excerpt,
    HistoryFilter,
    OnAnnounced,
    Published,
    PublishOptions,
    Soon,
    nobody_hears,
)
from service.broker.stream import Entry
from service.protocol.messages import Publication

T = TypeVar("T")


class WatchedBroker:
    """See ``contract.Broker``; each call is one of ``names.OPERATIONS``."""

    def __init__(self, broker: Broker, observe: BrokerObserver, clock: Callable[[], float] = time.monotonic) -> None:
        self._broker = broker
        self._observe = observe
        self._clock = clock

    def start(
        self,
        on_publication: Callable[[str, Entry], None],
        on_removed: Callable[[str], None],
        on_announced: OnAnnounced = nobody_hears,
    ) -> Soon[None]:
        """See ``Broker.start``."""
        return self._broker.start(on_publication, on_removed, on_announced)

    def stop(self) -> Soon[None]:
        """See ``Broker.stop``."""
        return self._broker.stop()

    def subscribe(self, channel: str) -> Soon[None]:
        """See ``Broker.subscribe``."""
        return self._watch("subscribe", lambda: self._broker.subscribe(channel))

    def unsubscribe(self, channel: str) -> Soon[None]:
        """See ``Broker.unsubscribe``."""
        return self._watch("unsubscribe", lambda: self._broker.unsubscribe(channel))

    def publish(
        self, channel: str, publication: Publication, options: PublishOptions, trace: PublishTrace | None = None
    ) -> Soon[Published]:
        """See ``Broker.publish``; with a trace a span is made."""
        return self._watch("publish", lambda: self._broker.publish(channel, publication, options), trace)

    def announce(self, channel: str, announcements: Sequence[Announcement]) -> Soon[None]:
        """See ``Broker.announce``."""
        return self._watch("announce", lambda: self._broker.announce(channel, announcements))

    def history(self, channel: str, wanted: HistoryFilter, options: PublishOptions) -> Soon[Excerpt]:
        """See ``Broker.history``."""
        return self._watch("history", lambda: self._broker.history(channel, wanted, options))

    def remove_history(self, channel: str) -> Soon[None]:
        """See ``Broker.remove_history``."""
        return self._watch("remove_history", lambda: self._broker.remove_history(channel))

    def renew_epoch(self, channel: str, epoch: str, options: PublishOptions) -> Soon[Excerpt]:
        """See ``Broker.renew_epoch``."""
        return self._watch("renew_epoch", lambda: self._broker.renew_epoch(channel, epoch, options))

    def figures(self) -> Iterable[Figure]:
        """See ``Broker.figures``."""
        return self._broker.figures()

    def _watch(self, operation: str, call: Callable[[], Soon[T]], trace: PublishTrace | None = None) -> Soon[T]:
        began = self._clock()
        try:
            soon = call()
        except Exception as fault:
            self._failed(operation, began, trace, fault)
            raise
        if hasattr(soon, "__await__"):  # a seventh of the price of isinstance
            failed = partial(self._failed, operation, began, trace)
            return self._later(cast("Awaitable[T]", soon), failed, partial(self._done, operation, began, trace))
        self._done(operation, began, trace)
        return soon

    async def _later(self, soon: Awaitable[T], failed: Callable[[Exception], None], done: Callable[[], None]) -> T:
        try:
            answer = await soon
        except Exception as fault:
            failed(fault)
            raise
        done()
        return answer

    def _done(self, operation: str, began: float, trace: PublishTrace | None) -> None:
        self._observe.done(operation, self._clock() - began, trace)

    def _failed(self, operation: str, began: float, trace: PublishTrace | None, fault: Exception) -> None:
        self._observe.failed(operation, self._clock() - began, f"{type(fault).__name__}: {fault}", trace)
