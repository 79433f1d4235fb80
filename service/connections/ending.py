"""How a connection ends: who closes it, with which code, how long we linger, and the one story that is told of it."""

import asyncio

from observability import recorder_names as noted
from observability.names import DROP_CAUSES
from observability.observers.connections import ConnectionStory, Greeting
from observability.tracing import Link
from service.connections.losses import lost, lost_by
from service.connections.manners import WEBSOCKET
from service.connections.outgoing import Outgoing
from service.connections.questions import Effect
from service.connections.roll import NOWHERE
from service.connections.session import Session
from service.connections.slowness import judge
from service.connections.sockopts import forget_unsent, peer_address
from service.connections.station import Station
from service.connections.tcp_info import TcpInfo, tcp_info
from service.connections.variants import Variant
from service.protocol import closing
from service.protocol.closing import Closing


class Ending(Outgoing):
    """A connection's last words. What is decided before stands in ``connection.py``."""

    __slots__ = (
        "_greeting",
        "_last_look",
        "_linger_until",
        "_story",
        "came_from",
        "client",
        "id",
        "link",
        "number",
        "opened",
        "received",
        "report_due",
        "session",
        "variant",
    )

    def __init__(
        self, station: Station, client_id: str, variant: Variant, *, native_pings: bool, told_session: str = ""
    ) -> None:
        super().__init__(station)
        now = station.now()
        self.id = client_id
        self.variant = variant
        self.session = Session(client_id, station.settings.session, now, native_pings=native_pings)
        if variant.manner is not WEBSOCKET:
            self.session.speak(variant.manner, told_session)
        self.opened = now
        self.came_from: str | None = ""  # the client's address behind proxies; None: it was not let in
        self.number = NOWHERE  # among all sockets; the flight recorder's place, too
        self.client = ""  # name and version that the SDK gave
        self.link: Link | None = None
        self._greeting: Greeting | None = None
        self.received = 0
        self.report_due = 0.0  # loop time, for the rate of its reports
        self._linger_until = 0.0
        self._story: tuple[Closing, str, str] | None = None  # closing, why, initiator
        self._last_look: TcpInfo | None = None  # what TCP said when the end was decided

    @property
    def state(self) -> str:
        """Where it stands, in a word."""
        return "closing" if self._story is not None else self.session.state.value

    # ---------------------------------------------------------------- what may end it

    def close(self, closing_: Closing, why: str = "") -> None:
        """Close with a code: what waits is sent, then the Close frame, then we read on until the peer's (lingering)."""
        if self._story is None:
            self._perform(self.session.close(closing_, why), self.station.now())
            self._place()

    @property
    def near(self) -> Link | None:
        """The sampled upgrade, as long as the greeting lasts."""
        return None if self._greeting is None else self._greeting.upgrade

    def abort(self) -> None:
        """Drop the socket without another word."""
        if self.transport is not None:
            self.transport.abort()

    def broke(self, number: int) -> None:
        """See ``Outgoing.broke``: the socket will say nothing more about why."""
        if self._story is None:
            self._end(*lost(number))
            self.station.observe.noted(self.number, noted.SOCKET_LOST, number)
        super().broke(number)

    @property
    def loss(self) -> str:
        """See ``Outgoing.loss``: the cause of the end, where it is one of being slow."""
        cause = "" if self._story is None else self._story[0].cause
        return cause if cause in DROP_CAUSES else "connection_closed"

    def stalled(self) -> None:
        """See ``Outgoing.stalled``: the age of what waits is a deadline now."""
        if self._story is None:
            self.station.observe.stalled(self.id, self.unsent_bytes(), self.link, self.number)
        self._place()

    def cut(self, by: str) -> None:
        """The reader is too slow: no frame can be sent any more, the client resumes from its position."""
        if self._story is None:
            self.station.observe.waiting(self.number, self.unsent_bytes(), self.kernel_bytes)
            self.station.observe.noted(self.number, noted.CUT, self.unsent_bytes())
            cause = by if by in closing.CAUSES else f"slow_{by}"
            self.close(closing.SLOW.because(cause), f"{self.unsent_bytes()} bytes unsent")

    def relieved(self) -> None:
        """See ``Outgoing.relieved``."""
        self.station.observe.noted(self.number, noted.DRAINED)

    def drained(self) -> None:
        """See ``Outgoing.drained``: a closing connection stays off the direct way."""
        if self._story is None:
            super().drained()
        elif self.transport is not None and self.variant.manner.stream:
            _say_no_more(self.transport)
        elif self.transport is not None and not closing.fits_a_frame(self._story[0]):
            self.transport.close()

    def _perform(self, effects: list[Effect], now: float) -> None:
        raise NotImplementedError

    def _place(self) -> None:
        raise NotImplementedError

    # ------------------------------------------------------------------- how it goes

    def _shut(self, closing_: Closing, why: str) -> None:
        self._end(closing_, why, "server")
        transport = self.transport
        if transport is None:
            return
        last = None if self._is_unheard(closing_) else self._goodbye(closing_)
        if last is None:
            self.fd = -1
            self.station.observe.noted(self.number, noted.DROPPED, closing_.code)
            if closing_.code == closing.SLOW.code:
                forget_unsent(self.descriptor())
            transport.abort()
            return
        self.station.observe.noted(self.number, noted.CLOSE_SENT, closing_.code)
        self._write_last(last)
        self._linger_until = self.station.now() + self.station.settings.linger
        if not self._waiting:
            self.drained()
        if not transport.is_reading():
            transport.resume_reading()

    def _is_unheard(self, closing_: Closing) -> bool:
        """Whether no word would arrive: who does not answer the WebSocket's own pings is dropped, as in Centrifugo."""
        return closing_.code == closing.SLOW.code or (
            closing_.cause == closing.NO_PONG.cause and self.session.native_pings
        )

    def _goodbye(self, closing_: Closing) -> bytes | None:
        """The last bytes: how the client is told; None: see ``Variant.goodbye``."""
        return self.variant.goodbye(closing_)

    def _end(self, closing_: Closing, why: str, initiator: str) -> None:
        self._story = (closing_, why, initiator)
        if closing_.cause in closing.ABNORMAL:
            self._last_look = tcp_info(self.descriptor())
        self.session.close(closing_, why)  # answers that are still to come lead to nothing
        self._leave()

    def _write_last(self, data: bytes) -> None:
        """The Close frame or its like, behind everything that waits; from here on nothing is written directly."""
        if data:
            self.write(data, 1)
        self.fd = -1

    def _leave(self) -> None:
        channels = self.session.attendances()
        if channels:
            self.station.hub.leave_all(self, channels, self.loss)

    # ------------------------------------------------------------------ what is told

    def connection_lost(self, exc: BaseException | None) -> None:
        """The socket is gone, for whatever reason; break every tie."""
        station = self.station
        if self._story is None:
            self._end(*lost_by(exc))
            station.observe.noted(self.number, noted.SOCKET_LOST, getattr(exc, "errno", None) or 0)
        address = self.came_from or peer_address(self.transport)
        self._give_place_back()
        queued = self.discard()
        self.forget_kernel()
        self.fd = -1
        self.transport = None
        self._tell(queued, address)
        if self.number != NOWHERE:
            station.carried[self.variant.manner.name, self.variant.codec.name] -= 1
        station.registry.sockets.leave(self.number)
        self.number = NOWHERE
        self.link = self._greeting = None

    def _give_place_back(self) -> None:
        entrance = self.station.entrance
        if self.came_from is None:
            entrance.turned_away(-1)
        else:
            entrance.left(self.came_from)

    def _tell(self, queued: int, address: str) -> None:
        assert self._story is not None, "a connection ended without a story"
        ending, why, initiator = self._story
        self.station.closes.end(ending.cause)
        observe = self.station.observe
        if self._greeting is not None:
            observe.refused(self._greeting, ending.code, self.id, ending.cause, self.number)
        last, verdict = self._last_look, None
        if last is not None:
            round_trip = observe.recorder.sums(self.number).rtt
            verdict = judge(last.reading(queued, round_trip, self.station.stalls.excuse()))
        observe.closed(
            ConnectionStory(
                connection_id=self.id,
                code=ending.code,
                cause=ending.cause,
                initiator=initiator,
                lifetime=round(self.station.now() - self.opened, 6),
                connected=self._greeting is None,
                reason=why or ending.reason,
                user=self.session.user,
                protocol=self.variant.codec.name,
                transport=self.variant.manner.name,
                client=self.client,
                address=address,
                link=self.link,
                sent=self.sent,
                received=self.received,
                subscriptions=len(self.session.channels),
                queued_bytes=queued,
                place=self.number,
                abnormal=ending.cause in closing.ABNORMAL,
                network=None if last is None else last.told(),
                verdict="" if verdict is None else verdict.who,
            )
        )


def _say_no_more(transport: asyncio.Transport) -> None:
    """The end of a stream's body; what the peer still sends is read, so that no reset swallows the last words."""
    if transport.can_write_eof():
        transport.write_eof()
    else:
        transport.close()
