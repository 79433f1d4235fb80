"""Connections that are no bidirectional WebSocket: an HTTP answer without end, and a WebSocket that only listens.

Everything that is sent goes the way of all connections; what differs is how the client's words come in.
"""

from typing import Final

from observability import recorder_names as noted
from observability.observers.upgrade import Upgrade
from service.connections.connection import Connection
from service.connections.states import State
from service.protocol import closing

MOST_STRAY: Final = 64 * 1024  # bytes behind a request that ends with ``Connection: close``; nobody sends any


class Stream(Connection):
    """The body of an HTTP answer. Commands come by ``posted``, from its own request and from those of the client."""

    __slots__ = ("_stray",)

    _stray: int

    def begin(self, upgrade: Upgrade) -> None:
        """See ``Connection.begin``."""
        self._stray = 0
        super().begin(upgrade)
        if self.variant.manner.emulated:
            self.station.streams[self.session.told_session] = self

    def posted(self, payload: bytes) -> bool:
        """Commands of a request's body; False when so many wait that no more are taken."""
        if self.transport is None or self._story is not None:
            return True
        if self.session.crowded:
            return False
        now = self.station.now()
        self.received += 1
        self.station.observe.received(1, len(payload), self.number)
        self._commands(payload, now)
        self._flush()
        self._place()
        return True

    def data_received(self, data: bytes) -> None:
        """Nothing is expected behind the request; a little of it is passed over."""
        self._stray += len(data)
        if self._stray > MOST_STRAY and self._story is None:
            self.close(closing.BAD_REQUEST, "more and more bytes behind the request")

    def eof_received(self) -> bool:
        """The client is done: there is no other way for it to say so."""
        if self._story is None:
            self.station.observe.noted(self.number, noted.PEER_CLOSED, 0)
            self._end(closing.CONNECTION_CLOSED.because("client_closed"), "the client ended the stream", "client")
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        """See ``Ending.connection_lost``."""
        super().connection_lost(exc)
        self.station.streams.pop(self.session.told_session, None)


class UniWebSocket(Connection):
    """A WebSocket of which the first message counts: who the client is."""

    __slots__ = ()

    def posted(self, payload: bytes) -> None:
        """The first message, out of the URL."""
        self._commands(payload, self.station.now())
        self._flush()
        self._place()

    def _commands(self, payload: bytes, now: float) -> None:
        if self.session.state is State.GREETING:
            super()._commands(payload, now)
