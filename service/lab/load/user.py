"""One simulated user: a protocol without a task, so that a process plays thousands of them."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol, cast

import msgspec

from service.lab.load import wire
from service.lab.load.frames import FrameReader
from service.lab.load.ledger import Place
from service.lab.load.weather import Weather
from service.protocol import framing

SLACK: Final = 10.0  # seconds a ping may be late, as the SDKs have it
HALF: Final = 2  # a frame that is sent in two pieces: the first one of this share


class Stage(Protocol):
    """What a user tells the process that plays it."""

    host: str
    path: str

    def arrived(self, user: "User") -> None:
        """It is connected and subscribed to everything."""

    def heard(self, seconds: float) -> None:
        """A publication came so long after it was sent."""

    def settled(self, channel: str, number: int, error: int) -> None:
        """The server answered a publish, with this error code or 0."""

    def void(self, channel: str, number: int) -> None:
        """Whether it was published will never be known."""

    def refused(self, what: str, code: int) -> None:
        """An upgrade, connect or subscribe was refused."""

    def gone(self, user: "User", how: str) -> None:
        """The connection is over: the server's close code, ``lost``, or what we did ourselves."""


class User(asyncio.Protocol):
    """Connects, subscribes, recovers; what it sends is the stage's business."""

    __slots__ = (
        "_accept",
        "_expected",
        "_free_at",
        "_how",
        "_late",
        "_open",
        "_place_of",
        "_reader",
        "_stage",
        "_weather",
        "ever",
        "heard_at",
        "number",
        "patience",
        "places",
        "pongs",
        "ready",
        "since",
        "token",
        "transport",
    )

    def __init__(
        self, stage: Stage, number: int, token: str, places: Mapping[str, Place], weather: Weather | None = None
    ) -> None:
        self._stage = stage
        self.number = number
        self.token = token
        self.places = places
        self._weather = weather
        self.transport: asyncio.Transport | None = None
        self.ready = False  # connected and subscribed to everything
        self.ever = False
        self.since = 0.0  # loop time when it began to connect
        self.heard_at = 0.0
        self.patience = 0.0  # seconds of silence after which the server is gone; 0: it never is
        self.pongs = 0
        self._how = ""  # how we ended it ourselves
        self._accept = ""
        self._reader: FrameReader | None = None
        self._open: dict[int, tuple[str, int]] = {}  # publishes without an answer
        self._late: deque[bytes] | None = None  # what waits behind something that is sent late
        self._free_at = 0.0  # loop time at which it goes out
        self._place_of: list[str] = []
        self._expected = 0  # replies to the greeting that have not come

    # ---------------------------------------------------------------- transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open: ask for the upgrade."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by class
        self._how = ""
        self._reader = None
        head, self._accept = wire.request(self._stage.host, self._stage.path)
        self.transport.write(head)

    def data_received(self, data: bytes) -> None:
        """Bytes of the server, at once or when the weather lets them through."""
        self.heard_at = asyncio.get_running_loop().time()
        if self._weather is None:
            self._read(data)
            return
        transport = self.transport
        if transport is not None:
            transport.pause_reading()
            loop = asyncio.get_running_loop()
            loop.call_at(self._weather.arrival(loop.time(), len(data)), self._read_late, data, transport)

    def _read_late(self, data: bytes, transport: asyncio.Transport) -> None:
        if transport is self.transport:
            self._read(data)
        if transport is self.transport and not transport.is_closing():
            transport.resume_reading()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The socket is closed."""
        del exc
        self.transport = None
        self.ready = False
        self._late = None
        for channel, number in self._open.values():
            self._stage.void(channel, number)
        self._open.clear()
        for place in self.places.values():
            place.live = False
        self._stage.gone(self, self._how or "lost")

    # ------------------------------------------------------------------ reading

    def _read(self, data: bytes) -> None:
        if self._reader is None:
            data = self._upgraded(data)
            if not data:
                return
        assert self._reader is not None, "frames before the upgrade"
        try:
            for opcode, payload in self._reader.feed(data):
                self._message(opcode, payload)
        except (framing.FrameError, msgspec.DecodeError, UnicodeDecodeError) as fault:
            self.end(f"nonsense: {type(fault).__name__}")

    def _upgraded(self, data: bytes) -> bytes:
        """What follows the answer to the upgrade; the head comes in one piece, or the connection is given up."""
        head, end, rest = data.partition(b"\r\n\r\n")
        status = head[9:12].decode("latin-1")
        if not end or status != "101" or self._accept.encode() not in head:
            self._stage.refused("upgrade", int(status) if status.isdigit() else 0)
            self.end(f"HTTP {status}")
            return b""
        self._reader = FrameReader()
        self._greet()
        return rest

    def _greet(self) -> None:
        commands: list[dict[str, Any]] = [
            {"id": wire.CONNECT, "connect": {"name": wire.NAME, **({"token": self.token} if self.token else {})}}
        ]
        self._place_of = list(self.places)
        for number, channel in enumerate(self._place_of, wire.CONNECT + 1):
            place = self.places[channel]
            asked: dict[str, Any] = {"channel": channel}
            if place.recoverable:
                asked |= {"recover": True, "offset": place.offset, "epoch": place.epoch}
            commands.append({"id": number, "subscribe": asked})
        self._expected = len(commands)
        self.send(wire.text_frame(*commands))

    def _message(self, opcode: int, payload: bytes) -> None:
        if opcode in (framing.TEXT, framing.BINARY):
            for reply in wire.replies(payload):
                self._reply(reply)
        elif opcode == framing.PING:
            self.send(framing.client_frame(framing.PONG, payload, b"load"))
        elif opcode == framing.PONG:
            self.pongs += 1
        elif opcode == framing.CLOSE:
            code = framing.parse_close(payload)[0]
            self.end(self._how or str(code))

    def _reply(self, reply: wire.Reply) -> None:
        push = reply.push
        if push is not None:
            self._pushed(push)
        elif not reply.id:
            self.send(wire.text_frame({}))
        elif reply.id >= wire.FIRST_PUBLISH:
            channel, number = self._open.pop(reply.id, ("", 0))
            if channel:
                self._stage.settled(channel, number, reply.error["code"] if reply.error else 0)
        else:
            self._greeted(reply)

    def _greeted(self, reply: wire.Reply) -> None:
        if reply.error is not None:
            self._stage.refused("connect" if reply.id == wire.CONNECT else "subscribe", reply.error["code"])
            self.end(f"error {reply.error['code']}")
            return
        if reply.connect is not None:
            ping = reply.connect.get("ping", 0)
            self.patience = ping + SLACK if ping else 0.0
        if reply.subscribe is not None:
            self._subscribed(self._place_of[reply.id - wire.CONNECT - 1], reply.subscribe)
        self._expected -= 1
        if not self._expected:
            self.ready = self.ever = True
            self._stage.arrived(self)

    def _subscribed(self, channel: str, result: wire.Subscribed) -> None:
        place = self.places[channel]
        place.subscribed(
            recoverable=result.recoverable,
            recovered=result.recovered,
            offset=result.offset,
            epoch=result.epoch,
            again=self.ever,
        )
        for each in result.publications:
            self._publication(place, each, missed=True)

    def _pushed(self, push: wire.Push) -> None:
        place = self.places.get(push.channel)
        if push.pub is not None and place is not None:
            self._publication(place, push.pub)
        elif push.unsubscribe is not None:
            self.end(f"unsubscribed {push.unsubscribe.get('code', 0)}")

    def _publication(self, place: Place, pub: wire.Pub, *, missed: bool = False) -> None:
        said = wire.said(pub.data)
        if said is None or not said.n:
            return
        place.received(said.n, pub.offset)
        if not missed:
            self._stage.heard(said.t)

    # ------------------------------------------------------------------ sending

    def send(self, data: bytes) -> None:
        """Write, behind whatever is sent late."""
        if self._late is not None:
            self._late.append(data)
        elif self.transport is not None:
            self.transport.write(data)

    def publish(self, command_id: int, channel: str, number: int, frame: bytes) -> None:
        """Send a publish whose answer goes to the stage."""
        self._open[command_id] = (channel, number)
        self.send(frame)

    def publish_late(
        self, command_id: int, channel: str, number: int, frame: bytes, *, delay: float, halved: bool
    ) -> None:
        """The same, but later; ``halved``: its first half at once. What is sent meanwhile waits behind it."""
        self._open[command_id] = (channel, number)
        if self._late is not None or self.transport is None:
            self.send(frame)
            return
        first = len(frame) // HALF if halved else 0
        if first:
            self.transport.write(frame[:first])
        self._late = deque([frame[first:]])
        loop = asyncio.get_running_loop()
        self._free_at = loop.time() + delay
        loop.call_at(self._free_at, self._release, self.transport)

    def _release(self, transport: asyncio.Transport) -> None:
        if transport is not self.transport or self._late is None:
            return
        waiting, self._late = self._late, None
        transport.write(b"".join(waiting))

    @property
    def held_for(self) -> float:
        """Seconds for which what is sent now will wait behind something that is sent late."""
        return 0.0 if self._late is None else max(0.0, self._free_at - asyncio.get_running_loop().time())

    @property
    def unanswered(self) -> int:
        """Publishes that wait for their answer."""
        return len(self._open)

    def end(self, how: str) -> None:
        """Close the socket properly."""
        if self.transport is not None:
            self._how = self._how or how
            self.transport.close()

    def goodbye(self) -> None:
        """A Close frame; the server's answer ends the connection."""
        self._how = "goodbye"
        self.send(framing.client_frame(framing.CLOSE, (1000).to_bytes(2), b"load"))

    def drop(self) -> None:
        """The connection is lost without a word."""
        if self.transport is not None:
            self._how = "dropped"
            self.transport.abort()
