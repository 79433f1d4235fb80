"""What a stranger floods us with, tried on the real server: bombs, tiny and half frames, subscribes by the million.

All of it is bounded, nothing of it becomes a label, and a neighbour is served meanwhile.
"""

import asyncio
import contextlib
import json
import os
import time
import zlib
from pathlib import Path

import pytest

from service.protocol import framing
from tests.e2e.raw import Gone, Raw
from tests.e2e.served import KEY, Served, configuration, token
from tests.e2e.test_strangers import resident, series
from tests.waiting import until_told

MIB = 2**20
EVERY_DOOR = {name: {"enabled": True} for name in ("sse", "http_stream", "uni_sse", "uni_http_stream")}
PATHS = ["/api/publish", "/emulation", "/connection/http_stream", "/connection/uni_http_stream", "/connection/uni_sse"]


@pytest.fixture
def served(tmp_path):
    with Served(tmp_path, configuration(**EVERY_DOOR)) as server:
        yield server


def cpu(server):
    """Seconds that the server has used so far."""
    return time.clock_gettime((~server.pid << 3) | 2)  # clock_getcpuclockid(3)


def descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


async def post(port, path, body, *headers):
    """The status line of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "".join(f"{each}\r\n" for each in (*headers, f"Content-Length: {len(body)}"))
    with contextlib.suppress(ConnectionError):
        writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{head}\r\n".encode() + body)
        await writer.drain()
    line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return line.decode().strip()


@pytest.mark.parametrize(("coding", "bits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
@pytest.mark.slow
async def test_a_zip_bomb_is_never_unpacked(served, coding, bits):
    """256 MiB of spaces in 256 KiB, at every door that takes a body, with a key and without."""
    packer = zlib.compressobj(9, zlib.DEFLATED, bits)
    bomb = b"".join(packer.compress(b" " * MIB) for _ in range(256)) + packer.flush()
    before, spent = resident(served), cpu(served)
    answers = [await post(served.port, path, bomb, f"Content-Encoding: {coding}") for path in PATHS]
    answers.append(await post(served.port, PATHS[0], bomb, f"Content-Encoding: {coding}", f"X-API-Key: {KEY}"))
    assert [answer.split()[1][0] for answer in answers] == ["4"] * 6, answers
    assert answers[-1] == "HTTP/1.1 415 Unsupported Media Type"
    assert resident(served) - before < 16
    assert cpu(served) - spent < 0.5, "unpacking them takes seconds"


async def test_a_compressed_message_that_was_not_agreed_upon_is_an_error(served):
    """We decline permessage-deflate; a frame that says it is compressed all the same is never inflated."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        b"GET /connection/websocket HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"101" in head
    assert b"permessage-deflate" not in head
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = packer.compress(b" " * (16 * MIB)) + packer.flush(zlib.Z_SYNC_FLUSH)
    before = resident(served)
    frame = framing.client_frame(framing.TEXT, bomb[:60_000], b"abcd")
    writer.write(bytes((frame[0] | 0x40,)) + frame[1:])
    with pytest.raises(Gone) as gone:
        await Raw(reader, writer).frame()
    assert gone.value.code == 1002
    assert resident(served) - before < 8
    writer.close()


async def chat(neighbour, number):
    began = time.monotonic()
    await neighbour.ask(id=number, publish={"channel": "chat", "data": number})
    return time.monotonic() - began


async def test_pings_tiny_frames_and_half_frames_cost_a_neighbour_nothing(served):
    """A hundred peers of each kind at once: who floods is closed with its cause, who sends halves holds next to nothing."""
    before = resident(served)
    neighbour = await Raw.connected(served.port, token("neighbour"), "chat")
    pinging = [await Raw.connected(served.port, token("pings")) for _ in range(100)]
    tiny = [await Raw.connected(served.port, token("tiny")) for _ in range(100)]
    halves = [await Raw.connected(served.port, token("half")) for _ in range(100)]
    for raw in pinging:
        for _ in range(200):
            raw.send(b"", framing.PING)
    for raw in tiny:  # one command, in fragments of a byte
        command = b'{"id":2,"rpc":{"method":"' + b"x" * 200 + b'"}}'
        for place, byte in enumerate(command):
            fin = 0x80 if place == len(command) - 1 else 0
            raw.writer.write(bytes((fin | (0 if place else 1), 0x81)) + bytes(4) + bytes((byte,)))
    for raw in halves:  # the head promises 60,000 bytes, half of them come
        raw.writer.write(b"\x81\xfe\xea\x60" + bytes(4) + b"x" * 30_000)
    worst = max([await chat(neighbour, 10 + n) for n in range(20)])
    pinged = {(await raw.end()).code for raw in pinging}
    broken = {(await raw.end()).code for raw in tiny}
    assert pinged == {3509}
    assert broken == {1009}, "64 fragments of a message"
    assert worst < 2.0
    assert resident(served) - before < 48
    for raw in (*pinging, *tiny, *halves, neighbour):
        await raw.abort()
    await until_told(lambda: served.figure("heliograph_connections") == 0, seconds=15.0)
    assert served.figure("heliograph_connections_closed_total", cause="control_flood") == 100
    assert served.figure("heliograph_connections_closed_total", cause="too_many_fragments") == 100
    assert not [line for line in series(served) if any(word in line for word in ("xxx", '"tiny"', '"half"', '"pings"'))]


@pytest.mark.parametrize(
    "wanted", [20_000, pytest.param(1_000_000, marks=[pytest.mark.slow, pytest.mark.timeout(240)])]
)
async def test_subscribes_by_the_million_are_bounded(tmp_path, wanted):
    """One stranger asks for 10⁶ channels, each of another name, as fast as it is let; it gets 128, and holds nothing more."""
    # The pace would end it after 4,000, and it answers no ping.
    settings = configuration(client__command_rate=0, client__ping_interval="1h")
    with Served(tmp_path, settings) as server:
        raw = await Raw.connected(server.port, token("stranger"))
        before, known, each = resident(server), None, 1000
        codes = {}
        for start in range(0, wanted, each):
            lines = (b'{"id":%d,"subscribe":{"channel":"many-%d"}}' % (n + 2, n) for n in range(start, start + each))
            raw.send(b"\n".join(lines))
            answered = 0
            while answered < each:
                for line in (await raw.frame())[1].split(b"\n"):
                    if line.startswith(b'{"id"'):
                        code = json.loads(line).get("error", {}).get("code", 0)
                        codes[code] = codes.get(code, 0) + 1
                        answered += 1
            known = known or series(server)
        assert codes == {0: 128, 106: wanted - 128}
        assert server.figure("heliograph_subscriptions") == 128
        assert server.figure("heliograph_channels") == 128
        assert series(server) == known
        assert resident(server) - before < 16
        await raw.abort()


@contextlib.contextmanager
def patient(folder):
    doors = {"http_server": {"door_timeout": "1s"}, "client__stale_close_delay": "2s"}
    with Served(folder, configuration(**doors)) as server:
        yield server


LORIS = {
    "silent": b"",
    "dripping": b"GET /connection/websocket HTTP/1.1\r\nHost: ",
    "slow_body": f'POST /api/info HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Length: 99\r\n\r\n{{"a'.encode(),
}


async def loris(port, kind, drip):
    """Comes and never gets to the end of it; what it heard ("" when it was cut while it spoke), and after how long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(LORIS[kind])
    heard, answer = asyncio.ensure_future(reader.read()), b""
    with contextlib.suppress(ConnectionError):
        while drip and not heard.done():
            writer.write(b"a")
            await asyncio.wait([heard], timeout=0.2)
        answer = await asyncio.wait_for(heard, 20)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    return answer.split(b"\r\n")[0].decode(), time.monotonic() - began


@pytest.mark.slow
async def test_slow_loris_of_every_kind_are_cut_and_their_descriptors_come_back(tmp_path):
    """300 at once; slow handshakes of TLS: `tests/service/connections/test_threshold.py`."""
    with patient(tmp_path) as server:
        await (await Raw.connected(server.port, token("warm"))).abort()
        before, known = descriptors(server), resident(server)
        neighbour = await Raw.connected(server.port, token("neighbour"), "chat")
        kinds = [(kind, drip) for kind in LORIS for drip in (False, True) if kind != "silent" or not drip] * 60
        lories = asyncio.gather(*(loris(server.port, kind, drip) for kind, drip in kinds))
        worst = max([await chat(neighbour, 10 + n) for n in range(20)])
        told = await lories
        quiet = {answer for (_, drip), (answer, _) in zip(kinds, told, strict=True) if not drip}
        assert quiet == {"HTTP/1.1 408 Request Timeout"}
        assert {answer for answer, _ in told} <= {*quiet, ""}
        assert max(seconds for _, seconds in told) < 10
        assert worst < 1.5
        refused = {kind: server.figure("heliograph_refusals_total", cause=kind, answer="408") for kind in LORIS}
        assert refused == {"silent": 60, "dripping": 120, "slow_body": 120}
        await neighbour.abort()
        await until_told(lambda: descriptors(server) <= before, seconds=15.0)
        assert resident(server) - known < 16
        assert Path(f"/proc/{server.pid}").exists()
