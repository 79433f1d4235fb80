"""The visits of the watch: what is due at a connection, when to come again, and the usual heartbeat the short way."""

from observability import recorder_names as noted
from service.connections import questions as q
from service.connections.ending import Ending
from service.connections.manners import WEBSOCKET
from service.connections.station import Station
from service.connections.tcp_info import tcp_info
from service.connections.variants import Variant
from service.connections.wheel import NOWHERE


class Visited(Ending):
    """A connection as ``rounds.py`` knows it. What it says and hears stands in ``connection.py``."""

    __slots__ = ("wheel_tick",)

    def __init__(
        self, station: Station, client_id: str, variant: Variant, *, native_pings: bool, told_session: str = ""
    ) -> None:
        super().__init__(station, client_id, variant, native_pings=native_pings, told_session=told_session)
        self.wheel_tick = NOWHERE

    def _flush(self) -> None:
        raise NotImplementedError

    def visit(self, now: float, stall: float) -> None:
        """A deadline is due, or it is time for a look at the socket."""
        if self.transport is None or (not stall and self._plain_ping(now)):
            return
        if self._story is not None:
            if now >= self._linger_until:
                self.transport.abort()
            else:
                self._place()
            return
        if now >= self.unsent_since() + self.station.settings.outbox.max_age:
            self.cut("age")
            return
        self.look()
        if self.kernel_bytes or self.outbox is not None:
            self.station.observe.waiting(self.number, self.unsent_bytes(), self.kernel_bytes)
        if stall and self.session.owes_pongs:
            self.station.observe.noted(self.number, noted.LOOP_STALLED, int(stall * 1000))
        effects = self.session.tick(now, stall)
        if len(effects) == 1 and effects[0] is q.PING:
            self._send_ping(q.PING, now)
        elif effects:
            self._perform(effects, now)
            self._flush()
        self._place()

    def _plain_ping(self, now: float) -> bool:
        """The usual visit: a ping is due and nothing else, and nothing waits; False for all others.

        Nine of ten visits of an idle node are of this kind, and hardly anything of the connection is in the cache then.
        """
        session = self.session
        heartbeat = session.heartbeat
        if (
            heartbeat is None
            or self.fd < 0
            or self.sent != self._seen_sent
            or self.kernel_bytes
            or session.sky is not None
            or session.manner is not WEBSOCKET
            or session.backing is not None
            or now >= session.deadline
            or now >= session.subscription_deadline
            or not heartbeat.plain_ping(now)
        ):
            return False
        self.write_ping(self.variant.ping)
        self.station.observe.pinged(self.number)
        self._place_idle(heartbeat.deadline())
        return True

    def connection_lost(self, exc: BaseException | None) -> None:
        """See ``Ending.connection_lost``; nobody comes any more."""
        super().connection_lost(exc)
        self.station.wheel.remove(self)

    def _place_idle(self, beat: float) -> None:
        """``_place`` where nothing but the heartbeat goes on."""
        session = self.session
        if self.fd < 0 or self.sent != self._seen_sent or self.kernel_bytes or session.backing is not None:
            self._place()
        else:
            self.station.wheel.place(self, min(beat, session.deadline, session.subscription_deadline))

    def _place(self) -> None:
        """Into the slot of the earliest deadline."""
        if self.transport is None:
            return
        if self._story is not None:
            self.station.wheel.place(self, self._linger_until)
            return
        station = self.station
        deadline = self.session.next_deadline()
        if self.outbox is not None or self._held is not None:
            deadline = min(deadline, self.unsent_since() + station.settings.outbox.max_age)
        if self.moved():
            deadline = min(deadline, station.now() + station.settings.moved_again)
        station.wheel.place(self, deadline)

    def _send_ping(self, _effect: q.SendPing, now: float) -> None:
        native = self.session.native_pings
        self.write_ping(self.variant.native_ping if native else self.variant.ping)
        self.station.observe.pinged(self.number)
        if self.session.sky is not None:
            self._look_at_the_network(now)

    def _look_at_the_network(self, now: float) -> None:
        info = tcp_info(self.descriptor())
        profile = None if info is None else self.session.weather(info.reading(), now)
        if profile is not None and self.session.sky is not None:
            weather = self.session.sky.weather.value
            self.station.observe.adapted(weather, profile.interval, self.id, self.number)
