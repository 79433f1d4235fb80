"""The loop of the server stands still for 1.5 s while its clients' pongs are under way: who is still there afterwards?

The same test of our server and, as its control, of stock aiohttp; both ping every 2 s and want the pong within 1 s.
"""

import asyncio
import contextlib
import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.protocol import framing
from tests.e2e import blockable
from tests.e2e.raw import Gone, Raw
from tests.e2e.served import ROOT, configuration, token

CLIENTS = 50
LATENCY = 0.6  # seconds until a client's pong is on its way: a healthy client behind a slow network
BLOCKS = 4  # at most, until each client had a pong under way in one of them

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]


class Healthy:
    """A client that answers every ping, ``LATENCY`` later."""

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.under_way: asyncio.TimerHandle | None = None
        self.blocked = False  # the server stood still while a pong of this client was under way
        self.end: Gone | None = None
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                opcode, payload = await self.raw.frame()
                if opcode == framing.PING or payload == b"{}":
                    answer = framing.PONG if opcode == framing.PING else framing.TEXT
                    self.under_way = loop.call_later(LATENCY, self._answer, payload, answer)
        except Gone as gone:
            self.end = gone

    def _answer(self, payload: bytes, opcode: int) -> None:
        self.under_way = None
        if self.end is None:
            self.raw.send(payload, opcode)

    async def stop(self) -> None:
        if self.under_way is not None:
            self.under_way.cancel()
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        await self.raw.abort()


@contextlib.contextmanager
def server(which, folder):
    settings = configuration(client__ping_interval="2s", client__pong_timeout="1s")
    file, log = folder / "config.json", folder / "server.log"
    file.write_text(json.dumps(settings))
    with log.open("wb") as sink:
        command = [sys.executable, "-m", "tests.e2e.blockable", which, str(file)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)
        try:
            yield process, log
        finally:
            process.kill()
            process.wait()


async def port_of(process, log):
    async with asyncio.timeout(20):
        while not (found := re.search(r"^port (\d+)$", log.read_text(), re.MULTILINE)):
            assert process.poll() is None, log.read_text()
            await asyncio.sleep(0.02)
    return int(found[1])


async def blocked_at_the_worst_moment(process, clients):
    """Blocks whenever most of the clients that were not hit yet have a pong under way, until all were."""
    loop = asyncio.get_running_loop()
    for _ in range(BLOCKS):
        left = [client for client in clients if not client.blocked and client.end is None]
        if not left:
            return
        async with asyncio.timeout(10):
            while sum(client.under_way is not None for client in left) < max(1, len(left) // 2):
                await asyncio.sleep(0.01)
        for client in left:
            late = client.under_way
            client.blocked = late is not None and late.when() > loop.time() + 0.05
        process.send_signal(signal.SIGUSR1)
        await asyncio.sleep(blockable.BLOCK + LATENCY + 0.3)
        for client in left:
            client.blocked = client.blocked or client.end is not None  # its ping was on its way to it, and it was cut


async def survivors(which, process, log):
    port = await port_of(process, log)
    path = [Raw.open(port) if which == "aiohttp" else Raw.connected(port, token(f"u{n}")) for n in range(CLIENTS)]
    clients = [Healthy(raw) for raw in await asyncio.gather(*path)]
    await blocked_at_the_worst_moment(process, clients)
    await asyncio.sleep(blockable.INTERVAL + blockable.TIMEOUT + 0.5)  # one more heartbeat of everybody
    hit, alive = sum(client.blocked for client in clients), sum(client.end is None for client in clients)
    for client in clients:
        await client.stop()
    assert hit == CLIENTS
    return alive


async def test_fifty_of_fifty_survive_and_the_culprits_file_and_line_are_named(tmp_path):
    with server("ours", tmp_path) as (process, log):
        assert await survivors("ours", process, log) == CLIENTS
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    culprit = next(
        number
        for number, line in enumerate(Path(blockable.__file__).read_text().splitlines(), 1)
        if "THE CULPRIT" in line
    )
    stalls = [line for line in lines if line["event"] == "loop.stalled"]
    assert stalls, "nobody told of the block"
    for line in stalls:
        assert line["seconds"] >= 0.9 * blockable.BLOCK
        assert f"tests/e2e/blockable.py:{culprit}" in line["where"], line


async def test_stock_aiohttp_cuts_all_fifty(tmp_path):
    """The control: the test is one that a server can fail."""
    with server("aiohttp", tmp_path) as (process, log):
        assert await survivors("aiohttp", process, log) == 0
