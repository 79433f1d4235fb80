"""One client of thousands reads 10 kbit/s, or not at all: what it costs, who sees it, and how it ends.

That the others are as fast as without it is a ratio, and measured: ``python -m bench slow_reader``.
"""

import asyncio
import contextlib
import json
import socket
import time
import urllib.request
from pathlib import Path

import aiohttp
import pytest

from observability import names
from tests.e2e.crowd import crowd, needs_a_compiler
from tests.e2e.raw import UPGRADE, Raw
from tests.e2e.served import KEY, Served, configuration, token
from tests.e2e.test_happenings import make_node, slow_reader, until

__all__ = ["make_node"]  # the fixture

CHANNEL = "stream:wide"
BYTES_A_SECOND = 10_000 // 8
SECRET = "a-token-for-debugging"
SIZE = 2048
MIB = 2**20
SETTINGS = {
    "debug": {"enabled": True, "token": SECRET},
    "client__queue_max_size": 65_536,
}


class Trickle:
    """A client at the end of a line of 10 kbit/s, in plain blocking calls; `read` what it can of its seconds."""

    def __init__(self, port: int, **position: object) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(UPGRADE.encode())
        self._unparsed = b""
        while b"\r\n\r\n" not in self._unparsed:
            self._unparsed += self._socket.recv(1)
        self._unparsed = b""
        self.offsets: list[int] = []
        self.replies: dict[int, dict] = {}
        self._say(id=1, connect={"token": token("slow")})
        self._say(id=2, subscribe={"channel": CHANNEL, **position})
        while 2 not in self.replies:
            self.take(1)
        self._socket.setblocking(False)

    def take(self, size: int) -> bool:
        """Reads at most so many bytes; False when the server has ended the connection."""
        try:
            data = self._socket.recv(size)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        self._unparsed += data
        while (frame := self._frame()) is not None:
            for line in frame.split(b"\n"):
                self._line(json.loads(line))
        return data != b""

    def close(self) -> None:
        self._socket.close()

    def _say(self, **command: object) -> None:
        payload = json.dumps(command).encode()
        size = bytes((0x80 | len(payload),)) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2)
        self._socket.sendall(b"\x81" + size + bytes(4) + payload)

    def _frame(self) -> bytes | None:
        told = self._unparsed
        start, size = 2, told[1] & 127 if len(told) > 1 else 0
        if size == 126:
            start, size = 4, int.from_bytes(told[2:4])
        elif size == 127:
            start, size = 10, int.from_bytes(told[2:10])
        if len(told) < max(2, start + size):
            return None
        self._unparsed = told[start + size :]
        return told[start : start + size]

    def _line(self, said: dict) -> None:
        if "id" in said:
            self.replies[said["id"]] = said
        if "push" in said:
            self.offsets.append(said["push"]["pub"]["offset"])


def slowest(server):
    """What an operator sees at /debug/slow."""
    at = f"http://127.0.0.1:{server.internal_port}/debug/slow"
    request = urllib.request.Request(at, headers={"Authorization": f"Bearer {SECRET}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)["slow"]


def resident(server):
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096


async def publishing(server, hz, told, enough):
    """``hz`` publications a second, until it is ``enough``; their offsets are kept in ``told``."""
    loop = asyncio.get_running_loop()
    began, filling = loop.time(), "x" * (SIZE - 64)
    url, headers = f"http://127.0.0.1:{server.port}/api/publish", {"X-API-Key": KEY}
    async with aiohttp.ClientSession(headers=headers) as session:
        while not enough.is_set():
            await asyncio.sleep(max(0.0, began + len(told) / hz - loop.time()))
            data = {"t": f"{time.monotonic_ns():016x}", "p": filling}
            async with session.post(url, json={"channel": CHANNEL, "data": data}) as answer:
                told.append((await answer.json())["result"]["offset"])


@contextlib.asynccontextmanager
async def under_load(server, hz):
    told, enough = [], asyncio.Event()
    task = asyncio.get_running_loop().create_task(publishing(server, hz, told, enough))
    try:
        yield told
    finally:
        enough.set()
        await task


async def trickled(reader, server, seconds):
    """The reader goes on at its 10 kbit/s until it is cut; what was seen of it meanwhile."""
    loop = asyncio.get_running_loop()
    began, seen = loop.time(), {"topped": None, "kernel": 0, "unsent": 0, "rows": []}
    step, looked = 0.05, 0.0
    while reader.take(int(BYTES_A_SECOND * step)):
        await asyncio.sleep(step)
        if loop.time() - looked > 0.5:
            looked = loop.time()
            rows = await asyncio.to_thread(slowest, server)
            if rows and rows[0]["user"] == "slow":
                seen["topped"] = seen["topped"] or loop.time() - began
                seen["kernel"] = max(seen["kernel"], rows[0]["kernel"])
                seen["rows"].append(rows[0])
        assert loop.time() - began < seconds, "it was never cut"
    return seen


@needs_a_compiler
@pytest.mark.parametrize(
    ("others", "hz"), [(199, 50), pytest.param(4999, 10, marks=[pytest.mark.slow, pytest.mark.timeout(180)])]
)
async def test_one_reader_of_10_kbit_a_second_is_seen_bounded_cut_and_resumes_without_a_gap(tmp_path, others, hz):
    with Served(tmp_path, configuration(**SETTINGS)) as server, crowd(server.port) as crew:
        await asyncio.to_thread(crew.open, others, "subscribe", CHANNEL, token("crowd"))
        crew.begin(polling=False)
        async with under_load(server, hz) as warm:
            while len(warm) < hz:
                await asyncio.sleep(0.1)
        await asyncio.to_thread(crew.end, others * len(warm))
        crew.begin(polling=False)
        before, warmed = resident(server), len(warm)
        reader = Trickle(server.port)
        epoch = reader.replies[2]["subscribe"]["epoch"]
        async with under_load(server, hz) as told:
            seen = await trickled(reader, server, 60)
        read = reader.offsets
        reader.close()

        assert seen["topped"] is not None
        assert seen["topped"] <= 5.0, f"it topped the slow only after {seen['topped']:.1f} s"
        assert [row["user"] for row in seen["rows"]] == ["slow"] * len(seen["rows"])
        assert seen["rows"][-1]["who"] == "client", seen["rows"][-1]["evidence"]
        assert seen["kernel"] <= 2 * 65_536 + 65_536  # SO_SNDBUF as the kernel counts it
        assert resident(server) - before < 16 * MIB
        counted = await asyncio.to_thread(crew.end, others * len(told))
        assert (counted["messages"], counted["closed"]) == (others * len(told), 0), "the others missed something"
        assert server.figure("heliograph_connections_closed_total", cause="slow_bytes") == 1

        lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
        (closed,) = (line for line in lines if line["event"] == "connection.closed" and line.get("user") == "slow")
        assert closed["cause"] == "slow_bytes"
        (record,) = (line for line in lines if line["event"] == "connection.recorded")
        assert (record["cause"], record["verdict"]) == ("slow_bytes", "client")
        assert "cut" in [event["event"] for event in record["events"]]

        again = await Raw.connected(server.port, token("slow"))
        place = {"recover": True, "epoch": epoch, "offset": read[-1]}
        resumed = (await again.ask(id=2, subscribe={"channel": CHANNEL, **place}))["subscribe"]
        await again.abort()
        missed = [each["offset"] for each in resumed["publications"]]
        assert resumed["recovered"]
        assert read + missed == list(range(warmed + 1, warmed + len(told) + 1)), "a gap"
        assert missed, "it was cut although it had read everything"


@pytest.mark.parametrize(("by", "limit"), [("bytes", 50_000), ("age", 1_000_000)])
async def test_a_reader_that_stops_is_cut_by_bytes_or_at_a_low_rate_by_age(make_node, telemetry, by, limit):
    """The same reader; what decides is how fast publications come. Metric, log and recorder name the cause."""
    service, port = await make_node(client__queue_max_size=limit, websocket={"write_timeout": "700ms"})
    reader = await slow_reader(port, "lazy", "news")
    (connection,) = service.station.registry.of_user("lazy")
    while connection.outbox is None:  # the kernel takes the first of it, here and at the reader's
        service.hub.publish("news", b'"' + b"x" * 8_000 + b'"')
        await asyncio.sleep(0)
    waits = connection.unsent_bytes()
    while service.station.registry.of_user("lazy"):
        if by == "bytes":
            service.hub.publish("news", b'"' + b"x" * 8_000 + b'"')
            await asyncio.sleep(0)
        else:  # 300 B a second: bytes would take an hour
            service.hub.publish("news", b'"' + b"x" * 30 + b'"')
            await asyncio.sleep(0.1)
    await until(lambda: not service.station.registry.sockets)
    cause = f"slow_{by}"
    assert waits < 20_000
    assert telemetry.value(names.CONNECTIONS_CLOSED, "3008", cause, "server") == 1
    assert telemetry.line("connection.closed")["cause"] == cause
    record = telemetry.line("connection.recorded")
    assert (record["cause"], record["verdict"]) == (cause, "client"), record
    events = [event["event"] for event in record["events"]]
    assert events[-3:] == ["stalled", "cut", "dropped"]
    assert sum(telemetry.registry.values(names.DROPPED).values()) > 0
    assert {labels[1] for labels, count in telemetry.registry.values(names.DROPPED).items() if count} == {cause}
    await reader.abort()
