"""Adaptive heartbeats over a network that loses and delays packets, where TCP itself sees it; ten times as fast as usual."""

import asyncio
import contextlib
import json
import subprocess
import sys

import pytest

from service.connections.weather import Climate
from tests.e2e import far_network
from tests.e2e.adaptive_server import HASTE
from tests.e2e.far_network import SERVER, FarNetwork
from tests.e2e.raw import UPGRADE, Gone, Raw
from tests.e2e.served import ROOT, configuration, token
from tests.e2e.test_blocked_loop import port_of

REASON = far_network.why_not()
pytestmark = [pytest.mark.slow, pytest.mark.timeout(150), pytest.mark.skipif(bool(REASON), reason=REASON)]
WEAK = 0.6  # of the packets


@contextlib.contextmanager
def server_behind(network, folder):
    """In a namespace of its own; its process and its log."""
    file, log = folder / "config.json", folder / "server.log"
    settings = configuration(log__level="debug", client__heartbeat="adaptive", http_server__tcp_user_timeout="60s")
    file.write_text(json.dumps(settings))
    inside = ["ip", "netns", "exec", network.server_side]
    command = [sys.executable, "-m", "tests.e2e.adaptive_server", str(file), SERVER, str(folder / "readings")]
    with log.open("wb") as sink:
        process = subprocess.Popen([*inside, *command], cwd=ROOT, stdout=sink, stderr=subprocess.STDOUT)
        try:
            yield process, log
        finally:
            process.kill()
            process.wait()


class Alive:
    """A client that answers every ping at once."""

    def __init__(self, raw, client):
        self._raw, self.client = raw, client
        self.end = None
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @classmethod
    async def over(cls, network, port, user):
        line = await asyncio.to_thread(network.connected, port)
        reader, writer = await asyncio.open_connection(sock=line)
        writer.write(UPGRADE.encode())
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        raw = Raw(reader, writer)
        reply = await raw.ask(id=1, connect={"token": token(user)})
        return cls(raw, reply["connect"]["client"])

    async def _listen(self):
        try:
            while True:
                if (await self._raw.frame())[1] == b"{}":
                    self._raw.send(b"{}")
        except Gone as gone:
            self.end = gone

    async def stop(self):
        self._listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listening
        await self._raw.abort()


def told(log, client, event):
    lines = (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == event and line.get("connection_id") == client]


def weathers(log, client):
    return [(line["cause"], line["seconds"] * HASTE) for line in told(log, client, "heartbeat.adapted")]


async def until(done, seconds):
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not done():
        assert loop.time() - began < seconds, "it did not happen"
        await asyncio.sleep(0.05)
    return loop.time() - began


async def test_the_heartbeat_follows_the_network(tmp_path):
    """Loss makes it frequent, distance seldom, quiet normal again; who answers stays all the while, who is cut off goes."""
    climate = Climate()
    with FarNetwork() as network, server_behind(network, tmp_path) as (process, log):
        port = await port_of(process, log)
        near = await Alive.over(network, port, "near")
        await asyncio.sleep(2.2 * climate.normal.interval / HASTE)
        assert weathers(log, near.client) == [], "a good network"

        network.loss = WEAK
        await until(lambda: weathers(log, near.client), 40)
        assert weathers(log, near.client) == [("weak", climate.weak.interval)]
        network.loss = 0.0
        await until(lambda: len(weathers(log, near.client)) > 1, 20)
        assert weathers(log, near.client)[1:] == [("normal", climate.normal.interval)]

        network.delay = 0.4
        far = await Alive.over(network, port, "far")
        await until(lambda: weathers(log, far.client), 10)
        assert weathers(log, far.client) == [("far", climate.far.interval)]
        assert near.end is None
        assert far.end is None

        network.cut = True
        lingering = 5.0  # for the answer to our Close frame; counted as closed only then
        for one in (near, far):
            await until(
                lambda one=one: told(log, one.client, "connection.closed"), climate.silence / HASTE + 1 + lingering
            )
            assert told(log, one.client, "connection.closed")[0]["cause"] == "no_pong"
            await one.stop()
        assert network.lost >= 2
