"""Channels without members are dropped a little later, some in each turn: many may become empty at once."""

from collections.abc import Callable
from typing import Any, Final, Protocol

from service.broker.contract import Broker, BrokerUnavailable, Soon
from service.channels.channel import Channel
from service.channels.shelf import Shelf

RELEASES: Final = 256  # in one turn


class Turns(Protocol):
    """What is needed of an event loop."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Call back in the next turn."""


class Emptying:
    """Drops channels that nobody needs any more."""

    def __init__(
        self,
        channels: dict[str, Channel],
        shelf: Shelf,
        broker: Broker,
        turns: Turns,
        run: Callable[[str, Soon[Any], Callable[[Any], None]], None],
    ) -> None:
        self._channels = channels
        self._shelf = shelf
        self._broker = broker
        self._turns = turns
        self._run = run
        self._empty: dict[Channel, None] = {}

    def consider(self, channel: Channel) -> None:
        """Drop it soon, if it is empty and stays so."""
        if not channel.members and not channel.pins and not channel.closed:
            if not self._empty:
                self._turns.call_soon(self._release)
            self._empty[channel] = None

    def _release(self) -> None:
        for channel in list(self._empty)[:RELEASES]:
            del self._empty[channel]
            if channel.members or channel.pins or channel.queued:
                continue
            channel.closed = True
            channel.rest()
            self._shelf.remove(channel)
            del self._channels[channel.name]
            if channel.hearing is not None:
                self._unsubscribe(channel.name)
        if self._empty:
            self._turns.call_soon(self._release)

    def _unsubscribe(self, channel: str) -> None:
        try:
            self._run(f"unsubscribe {channel}", self._broker.unsubscribe(channel), lambda _: None)
        except BrokerUnavailable:
            pass  # it is counted; hearing what nobody wants does no harm
