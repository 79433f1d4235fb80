"""Descriptors under torture: partial writes, closes in the middle of a fan-out, numbers reused at once, in random order.

The real server in this process, with send buffers of a few KiB; clients are bare sockets that read when the dice say so. Each client
checks every byte: a frame of somebody else, a torn, missing, doubled or reordered one is found where it arrives.
"""

import asyncio
import contextlib
import json
import random
import socket
import struct
from typing import Any

import pytest
import uvloop

from observability import setup
from service import app, config
from service.protocol import closing, framing
from tests.e2e.raw import UPGRADE
from tests.e2e.served import OPEN, configuration

ALL = "all"
LIMIT = 24  # clients at a time
IDS = 100_000  # of commands that each client has for its own


class Books:
    """What was published, to compare with what arrives."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self.sent: dict[str, list[str]] = {}

    def next(self, channel: str) -> bytes:
        """The next message of a channel: its number, its channel, and filling of any size up to more than a send buffer."""
        written = self.sent.setdefault(channel, [])
        size = self._dice.choice((1, 50, 500, 5_000, 20_000))
        filling = chr(self._dice.randrange(97, 123)) * self._dice.randrange(1, size + 1)
        written.append(f"{len(written)}/{channel}/{filling}")
        return json.dumps(written[-1]).encode()


class Client:
    """A bare socket and the ledger of what came through it."""

    def __init__(self, serial: int, port: int, books: Books, dice: random.Random) -> None:
        self.serial, self._books, self._dice = serial, books, dice
        self.own, self.mine = f"own-{serial}", f"mine-{serial}"  # published to by the backend, and by itself
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.over = False  # their Close frame or the end of the stream was read
        self.upgraded = False
        self._unread = b""
        self._unsent = UPGRADE.encode()
        self._asked: set[int] = set()
        self._places: dict[str, int] = {}
        self._next_id = serial * IDS
        self._ask(connect={})
        for channel in (ALL, self.own, self.mine):
            self._ask(subscribe={"channel": channel})
        self.write()

    def _ask(self, **command) -> None:
        self._next_id += 1
        self._asked.add(self._next_id)
        payload = json.dumps({"id": self._next_id, **command}).encode()
        self._unsent += framing.client_frame(framing.TEXT, payload, self._dice.randbytes(4))

    def ask_something(self) -> None:
        """A command with a reply of our own, sent in pieces."""
        self._ask(unsubscribe={"channel": f"never-{self.serial}"})
        self.write()

    def publish(self) -> None:
        """A publication that comes back to us."""
        self._ask(publish={"channel": self.mine, "data": json.loads(self._books.next(self.mine))})
        self.write()

    def write(self) -> None:
        """A random piece of what waits."""
        with contextlib.suppress(OSError):
            if self._unsent:
                sent = self.socket.send(self._unsent[: self._dice.randrange(1, 2000)])
                self._unsent = self._unsent[sent:]

    def write_all(self) -> None:
        """Everything that waits."""
        with contextlib.suppress(OSError):
            while self._unsent:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]

    def read(self, most: int) -> None:
        """Up to `most` bytes, checked."""
        try:
            data = self.socket.recv(most)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.over = True
            return
        self._unread += data
        self._check()

    def _check(self) -> None:
        if not self.upgraded:
            head, end, rest = self._unread.partition(b"\r\n\r\n")
            if not end:
                return
            assert head.startswith(b"HTTP/1.1 101 "), head
            self.upgraded, self._unread = True, rest
        while (taken := _frame(self._unread)) is not None:
            opcode, payload, self._unread = taken
            assert not self.over, "a frame after the Close frame"
            if opcode == framing.CLOSE:
                self.over = True
                assert framing.parse_close(payload)[0] == closing.FORCE_DISCONNECT.code
                continue
            assert opcode == framing.TEXT
            for line in payload.split(b"\n"):
                self._line(json.loads(line))

    def _line(self, said: dict[str, Any]) -> None:
        if "push" in said:
            self._pushed(said["push"]["channel"], said["push"]["pub"]["data"])
        elif "id" in said:
            assert said["id"] in self._asked, f"client {self.serial} got an answer that is not its own: {said}"
            self._asked.remove(said["id"])
            assert "error" not in said, said

    def _pushed(self, channel: str, data: str) -> None:
        assert channel in {ALL, self.own, self.mine}, f"client {self.serial} got a message of {channel}"
        number = int(data.partition("/")[0])
        assert data == self._books.sent[channel][number], "a message arrived changed"
        expected = self._places.get(channel, number)
        assert number == expected, f"client {self.serial}: message {number} of {channel} came instead of {expected}"
        self._places[channel] = number + 1

    def heard_all(self) -> bool:
        """Whether nothing is missing in either direction."""
        sent = self._books.sent
        up_to_date = all(place == len(sent[channel]) for channel, place in self._places.items())
        return up_to_date and not self._asked and not self._unsent

    def leave(self, manner: str) -> None:
        """With RST, with FIN, or with a Close frame before it."""
        if manner == "reset":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif manner == "close":
            with contextlib.suppress(OSError):
                self.socket.send(framing.client_frame(framing.CLOSE, b"\x03\xe8", b"abcd"))
        self.socket.close()


def _frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    if len(data) < 2:
        return None
    size, at = data[1], 2
    assert data[0] in {0x81, 0x88, 0x89}, f"no frame of ours begins with {data[:20]!r}"
    assert size < 127, "no message here is that long"
    if size == 126:
        size, at = int.from_bytes(data[2:4]), 4
    if len(data) < at + size:
        return None
    return data[0] & 15, data[at : at + size], data[at + size :]


class Torture:
    """The dice, the clients and the server's connections."""

    def __init__(self, service: app.Service, port: int, seed: int) -> None:
        self.dice = random.Random(seed)
        self._service, self._port = service, port
        self._books = Books(self.dice)
        self.clients: list[Client] = []
        self._opened = 0
        self.done = dict.fromkeys(("reused", "cut", "stalled", "closed"), 0)
        self._numbers: set[int] = set()
        self._actions = [
            (12, self.publish_to_all), (6, self.publish_to_one), (12, self.talk), (4, self.publish_by_client),
            (60, self.read), (3, self.open), (2, self.leave), (2, self.close), (1, self.cut), (1, self.close_in_fan_out),
        ]  # fmt: skip

    def step(self) -> None:
        """One action of the dice."""
        weights, actions = zip(*self._actions, strict=True)
        if len(self.clients) < 3:
            self.open()
        self.dice.choices(actions, weights)[0]()

    def open(self) -> None:
        if len(self.clients) < LIMIT:
            self._opened += 1
            self.clients.append(Client(self._opened, self._port, self._books, self.dice))

    def _one(self) -> Client:
        return self.dice.choice(self.clients)

    def publish_to_all(self) -> None:
        for _ in range(self.dice.choice((1, 1, 1, 3, 20))):
            self._service.hub.publish(ALL, self._books.next(ALL))

    def publish_to_one(self) -> None:
        one = self._one()
        self._service.hub.publish(one.own, self._books.next(one.own))

    def publish_by_client(self) -> None:
        self._one().publish()

    def talk(self) -> None:
        self._one().ask_something()

    def read(self) -> None:
        one = self._one()
        one.write()
        one.read(self.dice.choice((1, 100, 5_000, 100_000)))
        if one.over:
            self._bury(one, "fin")

    def leave(self) -> None:
        self._bury(self._one(), self.dice.choice(("reset", "fin", "close")))

    def _bury(self, one: Client, manner: str) -> None:
        one.leave(manner)
        self.clients.remove(one)

    def _connection(self):
        connections = list(self._service.station.registry)
        return self.dice.choice(connections) if connections else None

    def close(self) -> None:
        """The server closes somebody, with a Close frame."""
        if (connection := self._connection()) is not None:
            connection.close(closing.FORCE_DISCONNECT)
            self.done["closed"] += 1

    def cut(self) -> None:
        """The server drops somebody as a slow reader: no frame, the descriptor is given up at once."""
        if (connection := self._connection()) is not None:
            connection.cut("bytes")
            self.done["cut"] += 1
            self.look()

    def close_in_fan_out(self) -> None:
        """A batch is under way when members close, leave and come."""
        self.publish_to_all()
        self.close()
        self.cut()
        self.open()

    def look(self) -> None:
        """A descriptor is offered for writing only while it is this connection's very own."""
        owners: dict[int, object] = {}
        for connection in self._service.station.registry.sockets:
            if connection.fd < 0:
                continue
            transport = connection.transport
            assert transport is not None, "a descriptor without a transport"
            assert connection._story is None, "a connection that we decided to close can be written directly"
            assert transport.get_extra_info("socket").fileno() == connection.fd
            assert owners.setdefault(connection.fd, connection) is connection, "two connections, one descriptor"
        self.done["stalled"] += len(self._service.station.stalled)
        self.done["reused"] += len(owners.keys() & self._numbers)
        self._numbers |= owners.keys()

    async def settle(self) -> None:
        """Everybody who is left reads to the end: nothing is missing."""
        for _ in range(20_000):
            for one in list(self.clients):
                one.write_all()
                one.read(1_000_000)
                if one.over:
                    self._bury(one, "fin")
            await asyncio.sleep(0)
            if all(one.heard_all() for one in self.clients) and not self._service.station.stalled:
                return
        raise AssertionError("somebody never got all that was sent")


async def torture(folder, steps: int, seed: int) -> dict[str, int]:
    settings = configuration(
        client__allow_anonymous_connect_without_token=True,
        client__queue_max_size=200_000,
        client__ping_interval="600s",
        http_server={"address": "127.0.0.1", "port": 0, "internal_port": 0, "send_buffer_size": 4096},
    )
    settings["channel"]["without_namespace"] = {
        **OPEN, "allow_subscribe_for_anonymous": True, "allow_publish_for_anonymous": True
    }  # fmt: skip
    file = folder / "config.json"
    file.write_text(json.dumps(settings))
    service = app.Service(config.load(file, {}), setup.silent())
    public, _ = await service.start()
    run = Torture(service, public.port, seed)
    try:
        for _ in range(steps):
            run.step()
            if run.dice.random() < 0.4:
                await asyncio.sleep(0)
                run.look()
        await run.settle()
    finally:
        for one in run.clients:
            one.leave("reset")
        await service.stop("the test is over")
    assert not service.station.registry.sockets
    assert (service.station.sums.outbox_bytes, service.station.sums.outbox_messages) == (0, 0)
    return run.done


def run(loop, folder, steps):
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}, {steps} steps")  # shown when it fails
    with asyncio.Runner(loop_factory=loop) as runner:
        done = runner.run(torture(folder, steps, seed))
    assert all(done.values()), f"the torture was too mild: {done}"


@pytest.mark.parametrize("loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
@pytest.mark.slow
def test_five_thousand_interleavings(tmp_path, loop):
    run(loop, tmp_path, 5_000)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_thousand_interleavings(tmp_path):
    run(uvloop.new_event_loop, tmp_path, 100_000)
