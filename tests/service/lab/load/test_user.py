"""One simulated user, against a transport that writes down what it is given."""

import asyncio
import json

import pytest

from service.lab.load import wire
from service.lab.load.ledger import Place, Tally
from service.lab.load.plan import Weak
from service.lab.load.user import User
from service.lab.load.weather import Weather
from service.protocol import framing
from service.protocol.framing import FrameLimits, FrameParser


class Transport:
    def __init__(self):
        self.written = b""
        self.closed = ""
        self.paused = False

    def write(self, data):
        self.written += data

    def close(self):
        self.closed = self.closed or "closed"

    def abort(self):
        self.closed = "aborted"

    def is_closing(self):
        return bool(self.closed)

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def commands(self):
        """What was said in frames since the last look."""
        parser = FrameParser(FrameLimits(1_000_000))
        messages = parser.feed(self.written)
        self.written = b""
        return [json.loads(line) for opcode, text in messages if opcode == framing.TEXT for line in text.split(b"\n")]


class Stage:
    host, path = "h:1", "/ws"

    def __init__(self):
        self.told = []

    def __getattr__(self, happened):
        def tell(*what):
            self.told.append((happened, *(each for each in what if not isinstance(each, User))))

        return tell


class Scene:
    """A user whose socket is open."""

    def __init__(self, weather=None, channels=("a",)):
        self.stage, self.tally = Stage(), Tally()
        self.places = {channel: Place(self.tally) for channel in channels}
        self.user = User(self.stage, 0, "tok", self.places, weather)
        self.open()

    def open(self):
        self.transport = Transport()
        self.user.connection_made(self.transport)

    def upgraded(self):
        accept = self.user._accept
        self.transport.written = b""
        self.user.data_received(f"HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
        return self

    def greeted(self, **subscribed):
        self.upgraded()
        self.says({"id": 1, "connect": {"client": "c", "ping": 25, "pong": True}})
        for number in range(len(self.places)):
            self.says({"id": 2 + number, "subscribe": {"recoverable": True, "epoch": "e", **subscribed}})
        return self

    def says(self, *replies):
        self.user.data_received(framing.frame(framing.TEXT, "\n".join(map(json.dumps, replies)).encode()))

    def publishes(self, number, channel="a", **more):
        self.says({"push": {"channel": channel, "pub": {"data": {"n": number, "t": 1.0}, "offset": number, **more}}})


@pytest.fixture
async def scene():
    return Scene()


async def test_it_connects_and_subscribes_in_one_frame(scene):
    scene.greeted()
    assert scene.transport.commands() == [
        {"id": 1, "connect": {"name": "heliograph-load", "token": "tok"}},
        {"id": 2, "subscribe": {"channel": "a"}},
    ]
    assert scene.stage.told == [("arrived",)]
    assert scene.user.ready
    assert scene.user.patience == 35.0


async def test_it_comes_back_with_its_position(scene):
    scene.greeted()
    scene.publishes(1)
    scene.user.connection_lost(None)
    assert scene.stage.told[-1] == ("gone", "lost")
    scene.open()
    scene.greeted(recovered=True, publications=[{"data": {"n": 2, "t": 1.0}, "offset": 2}])
    assert scene.transport.commands()[1]["subscribe"] == {"channel": "a", "recover": True, "offset": 1, "epoch": "e"}
    assert (scene.tally.delivered, scene.places["a"].offset) == (2, 2)
    assert [told for told in scene.stage.told if told[0] == "heard"] == [("heard", 1.0)], (
        "what is late by recovery is no latency"
    )


async def test_pings_of_either_kind_are_answered(scene):
    scene.greeted().transport.commands()
    scene.says({})
    assert scene.transport.commands() == [{}]
    scene.user.data_received(framing.frame(framing.PING, b"x"))
    assert FrameParser(FrameLimits(100)).feed(scene.transport.written) == [(framing.PONG, b"x")]
    scene.user.data_received(framing.frame(framing.PONG, b"load"))
    assert scene.user.pongs == 1


async def test_what_becomes_of_a_publish(scene):
    scene.greeted()
    for command, number in ((1000, 1), (1001, 2), (1002, 3)):
        scene.user.publish(command, "a", number, wire.publication(command, "a", number, 0.0, 10))
    assert scene.user.unanswered == 3
    scene.says({"id": 1000, "publish": {}}, {"id": 1001, "error": {"code": 103, "message": "no"}})
    scene.user.connection_lost(None)
    assert scene.stage.told[1:] == [
        ("settled", "a", 1, 0),
        ("settled", "a", 2, 103),
        ("void", "a", 3),
        ("gone", "lost"),
    ]


async def test_what_is_sent_late_goes_out_in_two_pieces_and_holds_up_the_rest(scene):
    scene.greeted().transport.commands()
    frame = wire.publication(1000, "a", 1, 0.0, 100)
    scene.user.publish_late(1000, "a", 1, frame, delay=0.05, halved=True)
    assert scene.transport.written == frame[: len(frame) // 2]
    assert 0 < scene.user.held_for <= 0.05
    scene.says({})
    assert scene.transport.written == frame[: len(frame) // 2]
    async with asyncio.timeout(5):
        while (
            scene.user.held_for
            or not scene.transport.written.endswith(b"}"[:0])
            or len(scene.transport.written) <= len(frame)
        ):
            await asyncio.sleep(0.01)
    assert scene.transport.commands() == [
        {"id": 1000, "publish": {"channel": "a", "data": {"n": 1, "t": 0.0, "x": "x" * 60}}},
        {},
    ]


async def test_a_weak_network_stops_reading_until_the_bytes_are_there():
    from random import Random

    scene = Scene(Weather(Weak(delay=0.05), Random(1)))
    scene.upgraded()
    assert scene.transport.paused
    assert scene.transport.written == b""
    async with asyncio.timeout(5):
        while scene.transport.paused:
            await asyncio.sleep(0.01)
    assert scene.transport.commands()[0]["id"] == 1


@pytest.mark.parametrize(
    ("does", "told", "how"),
    [
        (lambda s: s.user.data_received(b"HTTP/1.1 503 Busy\r\n\r\n"), ("refused", "upgrade", 503), "HTTP 503"),
        (lambda s: s.upgraded().says({"id": 1, "error": {"code": 109}}), ("refused", "connect", 109), "error 109"),
        (lambda s: s.upgraded().says({"id": 2, "error": {"code": 103}}), ("refused", "subscribe", 103), "error 103"),
        (
            lambda s: s.greeted().says({"push": {"channel": "a", "unsubscribe": {"code": 2500}}}),
            ("arrived",),
            "unsubscribed 2500",
        ),
        (lambda s: s.greeted().user.data_received(framing.close_frame(3503, "x")), ("arrived",), "3503"),
        (lambda s: s.upgraded().user.data_received(b"\xff\xff"), None, "nonsense: FrameError"),
        (lambda s: s.upgraded().user.data_received(framing.frame(framing.TEXT, b"?")), None, "nonsense: DecodeError"),
    ],
)
async def test_how_it_ends(scene, does, told, how):
    does(scene)
    assert scene.transport.closed == "closed"
    scene.user.connection_lost(None)
    assert scene.stage.told[-1] == ("gone", how)
    assert told is None or scene.stage.told[0] == told
    assert not scene.user.ready


async def test_goodbye_and_drop(scene):
    scene.greeted().transport.commands()
    scene.user.goodbye()
    ((opcode, payload),) = FrameParser(FrameLimits(100)).feed(scene.transport.written)
    assert (opcode, payload) == (framing.CLOSE, b"\x03\xe8")
    scene.user.data_received(framing.close_frame(1000, ""))
    scene.user.connection_lost(None)
    assert scene.stage.told[-1] == ("gone", "goodbye")
    scene.open()
    scene.user.drop()
    assert scene.transport.closed == "aborted"
    scene.user.connection_lost(None)
    assert scene.stage.told[-1] == ("gone", "dropped")
