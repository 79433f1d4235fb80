"""One client's socket: bytes in, frames, commands, effects performed, bytes out. A protocol without a task.

The session decides; this is its hand. ``rounds.py`` visits each connection at its earliest deadline.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from sys import intern
from typing import Any

from observability import recorder_names as noted
from observability.observers.upgrade import Upgrade
from service.connections import questions as q
from service.connections.answering import answer, failed
from service.connections.pace import Verdict
from service.connections.station import Station
from service.connections.variants import Variant
from service.connections.visits import Visited
from service.protocol import closing, errors, framing
from service.protocol import messages as wire
from service.protocol.closing import Closing
from service.protocol.codec import BadFrame


class Connection(Visited, asyncio.Protocol):
    """From the 101 to the end of the socket."""

    __slots__ = ("_control_paid", "_parser", "_replies")

    def __init__(
        self,
        station: Station,
        client_id: str,
        variant: Variant,
        *,
        native_pings: bool = False,
        told_session: str = "",
        frames: framing.FrameLimits | None = None,
    ) -> None:
        """Before its socket is there.

        Args:
            station: what all share.
            client_id: a new one.
            variant: the bytes that it takes.
            native_pings: pings are WebSocket Ping frames.
            told_session: a secret that stands for this connection, where the transport needs one.
            frames: limits of its messages; None: those of all.

        """
        super().__init__(station, client_id, variant, native_pings=native_pings, told_session=told_session)
        self._parser = framing.FrameParser(frames or station.settings.frames)
        self._control_paid = 0.0  # until when its control frames are paid for
        self._replies: list[wire.Reply] = []

    # ---------------------------------------------------------------- transport
    def begin(self, upgrade: Upgrade) -> None:
        """The 101 is out: the greeting begins."""
        self.number = self.station.registry.sockets.enter(self)
        self.station.carried[self.variant.manner.name, self.variant.codec.name] += 1
        self._greeting = self.station.observe.greeting(upgrade, self.number)

    def attach(self, transport: asyncio.Transport) -> None:
        """See ``Outgoing.attach``."""
        super().attach(transport)
        self._place()
        if self.station.leaving is not None:
            self.close(self.station.leaving)

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer."""
        if len(data) == self.variant.pong_size and self._plain_pong(data):
            return
        now = self.station.now()
        messages = self._parser.feed(data)
        for opcode, payload in messages:
            if self._story is not None:
                self._after_our_close(opcode)
            elif opcode in (framing.TEXT, framing.BINARY):
                self._commands(payload, now)
            else:
                self._control(opcode, payload, now)
        self.received += len(messages)
        self.station.observe.received(len(messages), len(data), self.number)
        if self._parser.error is not None and self._story is None:
            fault = self._parser.error
            self.close(_ending(fault), fault.reason)
        self._flush()
        self._place()

    def eof_received(self) -> bool:
        """The peer will send nothing more: the transport closes itself."""
        return False

    def connection_lost(self, exc: BaseException | None) -> None:
        """See ``Ending.connection_lost``."""
        super().connection_lost(exc)
        self.station.errands.drop(self)
        self._replies.clear()

    # ------------------------------------------------------------------ reading

    def _plain_pong(self, data: bytes) -> bool:
        """The usual answer to the usual ping, without the way through frames and commands; False for all others."""
        if self._story is not None or not self._parser.idle or not self.variant.is_pong(data):
            return False
        rtt = self.session.plain_pong(self.station.now())
        if rtt is None:
            return False
        self.received += 1
        self.station.observe.ponged(rtt, self.link, self.id, self.number, len(data))
        heartbeat = self.session.heartbeat
        assert heartbeat is not None, "a pong without a heartbeat"
        self._place_idle(heartbeat.deadline())
        return True

    def _commands(self, payload: bytes, now: float) -> None:
        malformed = False
        try:
            commands = self.variant.codec.decode(payload, self.station.settings.session.commands_per_frame)
        except BadFrame as fault:
            commands, malformed = fault.commands, True
        size = len(payload) // len(commands) if commands else 0
        for command in commands:
            self._perform(self.session.receive(command, now, size), now)
        if malformed:
            self._perform(self.session.malformed(), now)

    def _control(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == framing.CLOSE:
            self._peer_closes(payload)
        elif not self._too_many_controls(now):
            self._ping_or_pong(opcode, payload, now)

    def _too_many_controls(self, now: float) -> bool:
        pace = self.station.settings.control_frames
        if not pace.rate:
            return False
        verdict, self._control_paid = pace.judge(self._control_paid, now)
        if verdict is Verdict.OVER:
            self.close(closing.CONTROL_FLOOD, f"more than {pace.rate:g} control frames a second")
        return verdict is not Verdict.FINE

    def _ping_or_pong(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == framing.PING:
            self._flush()
            self.write(framing.frame(framing.PONG, payload), 1)
        else:
            self._perform(self.session.native_pong(now), now)

    def _peer_closes(self, payload: bytes) -> None:
        try:
            code, reason = framing.parse_close(payload)
        except framing.FrameError as fault:
            self.close(_ending(fault), fault.reason)
            return
        self.station.observe.noted(self.number, noted.PEER_CLOSED, code)
        self._end(replace(closing.NORMAL, code=code), reason, "client")
        self._write_last(framing.close_frame(1000 if code == framing.NO_CODE else code, ""))
        assert self.transport is not None, "a peer without a transport closed"
        self.transport.close()

    def _after_our_close(self, opcode: int) -> None:
        if opcode == framing.CLOSE and self.transport is not None:
            self.transport.close()

    # --------------------------------------------------------------- performing

    def _perform(self, effects: list[q.Effect], now: float) -> None:
        """One after another; what follows from an effect comes before what stood behind it.

        A loop, since a peer may have queued hundreds of commands behind one question: recursion would be as deep.
        """
        while effects:
            for place, effect in enumerate(effects, 1):
                more = _PERFORM[type(effect)](self, effect, now)
                if more:
                    effects = [*more, *effects[place:]]
                    break
            else:
                break

    def _reply(self, effect: q.Reply, _now: float) -> None:
        error = effect.message.error
        code = error.code if isinstance(error, wire.Error) else 0
        if effect.method == "connect":
            self._greeted(code)
        self.station.observe.command(effect.method, code, self.id, self.number, effect.why)
        self._replies.append(effect.message)

    def _push(self, effect: q.Push, _now: float) -> None:
        self._replies.append(wire.Reply(push=effect.message))

    def _ask(self, effect: q.Ask, now: float) -> list[q.Effect] | None:
        question = effect.question
        if type(question) is q.Publish:
            self._flush()  # a publication may reach this client at once, but not before its replies
        found = answer(self.station, self, question)
        if isinstance(found, q.Told):
            return self.session.done(effect.ticket, found, now)
        name = f"{type(question).__name__} {self.id}"
        if self.station.errands.run(name, found, partial(self._answered, effect.ticket), self) is None:
            return self.session.done(effect.ticket, q.Failed(errors.TOO_MANY_REQUESTS, "too many errands"), now)
        return None

    def _answered(self, ticket: int, outcome: q.Outcome | BaseException) -> None:
        if self._story is not None:  # nobody waits for the answer any more
            return
        now = self.station.now()
        told = failed(outcome) if isinstance(outcome, BaseException) else outcome
        self._perform(self.session.done(ticket, told, now), now)
        self._flush()
        self._place()

    def _connected(self, effect: q.Connected, _now: float) -> None:
        assert self._greeting is not None, "connected twice"
        station = self.station
        if effect.user and station.settings.session.single_connection:
            for other in station.registry.of_user(effect.user):
                other.close(closing.CONNECTION_LIMIT, "the user has a new connection")
        station.registry.add(self, effect.user)
        self.client = client_name(effect.client_name, effect.client_version)
        protocol = self.variant.codec.name
        self.link = station.observe.connected(self._greeting, self.id, effect.user, protocol, self.number)
        self._greeting = None

    def _leave(self) -> None:
        super()._leave()
        self.station.registry.remove(self, self.session.user)

    def _greeted(self, code: int) -> None:
        if code and self._greeting is not None:
            self.station.observe.refused(self._greeting, code, self.id, place=self.number)

    def _left(self, effect: q.Left, _now: float) -> None:
        if effect.code:
            self.station.observe.noted(self.number, noted.UNSUBSCRIBED, effect.code)
        self.station.hub.leave(self, effect.channel, effect.attendance)

    def _changed(self, effect: q.Changed, _now: float) -> None:
        self.station.hub.attending.changed(effect.channel, effect.attendance)

    def _close(self, effect: q.Close, _now: float) -> None:
        self._flush()
        self._shut(effect.closing, effect.why)

    def _ping_missed(self, _effect: q.PingMissed, _now: float) -> None:
        self.station.observe.heartbeat_missed(self.session.pong_timeout, self.link, self.id, self.number)

    def _ponged(self, effect: q.Ponged, _now: float) -> None:
        observe = self.station.observe
        (observe.heartbeat_late if effect.late else observe.ponged)(effect.rtt, self.link, self.id, self.number)

    def _pause(self, _effect: q.Pause, _now: float) -> None:
        if self.variant.manner.stream:  # its commands come elsewhere (``Stream.posted``), and its end must be heard
            return
        if self.transport is not None and self.transport.is_reading():
            self.station.observe.noted(self.number, noted.READING_PAUSED)
            self.transport.pause_reading()

    def _resume(self, _effect: q.Resume, _now: float) -> None:
        if self.transport is not None and not self.transport.is_closing() and not self.transport.is_reading():
            self.station.observe.noted(self.number, noted.READING_RESUMED)
            self.transport.resume_reading()

    def _flush(self) -> None:
        replies = self._replies
        if replies and self.transport is not None:
            self._replies = []
            self.write(self.variant.replies(replies), len(replies))

    # ------------------------------------------------------------------ from outside

    @property
    def user(self) -> str:
        """The user's id; "" is anonymous, or not known yet."""
        return self.session.user

    def lost_position(self, channel: str) -> None:
        """The hub lost this client's place in a channel."""
        self.ordered(self.session.lost_position(channel))

    def ordered(self, effects: list[q.Effect]) -> None:
        """Perform what the session says of something that did not come from the client."""
        self._perform(effects, self.station.now())
        self._flush()
        self._place()


def client_name(name: str, version: str) -> str:
    """What the SDK says of itself, shortened; one text for all that say the same."""
    return intern(f"{name[:32]} {version[:32]}".strip())


_FAULTS = {fault.code: fault for fault in (closing.PROTOCOL_ERROR, closing.BAD_UTF8, closing.MESSAGE_TOO_BIG)}


def _ending(fault: framing.FrameError) -> Closing:
    ending = _FAULTS.get(fault.code, closing.PROTOCOL_ERROR)
    return ending.because(fault.cause) if fault.cause else ending


_PERFORM: dict[type, Callable[[Connection, Any, float], list[q.Effect] | None]] = {
    q.Reply: Connection._reply,  # noqa: SLF001
    q.Push: Connection._push,  # noqa: SLF001
    q.Ask: Connection._ask,  # noqa: SLF001
    q.Connected: Connection._connected,  # noqa: SLF001
    q.Left: Connection._left,  # noqa: SLF001
    q.Changed: Connection._changed,  # noqa: SLF001
    q.Close: Connection._close,  # noqa: SLF001
    q.SendPing: Connection._send_ping,  # noqa: SLF001
    q.PingMissed: Connection._ping_missed,  # noqa: SLF001
    q.Ponged: Connection._ponged,  # noqa: SLF001
    q.Pause: Connection._pause,  # noqa: SLF001
    q.Resume: Connection._resume,  # noqa: SLF001
}
