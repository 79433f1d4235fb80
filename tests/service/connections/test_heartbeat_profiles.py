"""The promises of each heartbeat profile, at their full figures: real sockets and a real node, on a clock that jumps.

Loopback is faster than a millisecond, so each jump of the clock waits for that long: nothing is in flight meanwhile.
"""

import asyncio
import json
import time
from contextlib import asynccontextmanager

import jwt
import pytest

from service.config import load
from service.connections.heartbeat import PROFILES, HeartbeatSettings
from service.connections.weather import Climate
from tests.service.connections.conftest import CONFIG, SECRET, Node, free_port, merged
from tests.simulation import virtual_time

PATIENCE = 0.001  # seconds, in earnest, before each jump
PINGS = 6
SLACK = 1.0  # seconds that a verdict may be late, by the promise
FIGURES = {"": HeartbeatSettings(), **PROFILES, "adaptive": Climate().normal}


@asynccontextmanager
async def node_of(folder, profile, **http):
    file = folder / f"{profile or 'default'}.json"
    file.write_text(json.dumps(merged(CONFIG, {"client": {"heartbeat": profile}, "http_server": http})))
    node = Node(load(file, {}))
    node.peers = []
    public, _ = await node.start()
    node.port = public.port
    yield node
    for writer in node.peers:
        writer.close()
    await node.stop("test")


async def greeted(node, user="ann"):
    peer = await node.peer()
    peer.text({"id": 1, "connect": {"token": jwt.encode({"sub": user, "exp": time.time() + 600}, SECRET, "HS256")}})
    peer.patience = None
    peer.reply = await peer.reader.readuntil(b"}}")
    return peer


async def dies(loop, peer):
    """Seconds from its last sign to the verdict."""
    assert await peer.any_frame() == (1, b"{}")
    peer.text({})
    last_sign = loop.time()
    while (found := await peer.any_frame())[0] == 1:
        pass
    assert int.from_bytes(found[1][:2]) == 3012
    return loop.time() - last_sign


@pytest.mark.parametrize(
    "profile", [name if name == "realtime" else pytest.param(name, marks=pytest.mark.slow) for name in FIGURES]
)
def test_a_peer_that_dies_right_after_its_pong_is_found_in_time(tmp_path, profile):
    """Within misses × interval + pong timeout + 1 s (requirement H1), and not before a slow one would be wronged."""
    figures = FIGURES[profile]

    async def main(loop):
        async with node_of(tmp_path, profile) as node:
            peers = [await greeted(node, f"u{n}") for n in range(5)]  # of different phases
            return await asyncio.gather(*(dies(loop, peer) for peer in peers))

    promised = figures.misses * figures.interval + figures.timeout
    for took in virtual_time.run(main, PATIENCE):
        assert promised - SLACK <= took <= promised + SLACK


def test_each_listener_has_a_profile_of_its_own(tmp_path):
    """The same node, three doors: what is announced, and when a dead peer is known, is the door's."""
    doors = {"": free_port(), "realtime": free_port(), "adaptive": free_port()}
    listeners = [
        {"name": name or "others", "address": "127.0.0.1", "port": port, "heartbeat": name}
        for name, port in doors.items()
    ]

    async def main(loop):
        async with node_of(tmp_path, "service", listeners=listeners) as node:
            peers = []
            for port in (node.port, *doors.values()):
                node.port = port
                peers.append(await greeted(node))
            found = await asyncio.gather(*(dies(loop, peer) for peer in peers))
            return [json.loads(peer.reply[peer.reply.index(b"{") :])["connect"]["ping"] for peer in peers], found

    announced, found = virtual_time.run(main, PATIENCE)
    assert announced == [10, 10, 5, 45]
    assert found == [pytest.approx(promised, abs=SLACK) for promised in (38, 38, 13, 90)]


@pytest.mark.parametrize(("profile", "latency"), [("service", 20.0), ("realtime", 7.5)])
def test_a_slow_client_stays_however_late_its_pongs_are(tmp_path, profile, latency):
    """Twenty seconds where pings come each ten and pongs are wanted within eight: three late answers and more, no end."""

    async def main(loop):
        async with node_of(tmp_path, profile) as node:
            peer = await greeted(node)
            pings = 0
            while pings < PINGS:
                opcode, payload = await peer.any_frame()
                assert (opcode, payload) == (1, b"{}"), "it was closed"
                pings += 1
                loop.call_later(latency, peer.text, {})
            (connection,) = node.station.registry.of_user("ann")
            recorder = node.station.observe.recorder
            missed = [event.told() for event in recorder.events(connection.number) if "missed" in event.told()["event"]]
            return recorder.sums(connection.number), connection.session.heartbeat.open, missed

    sums, still_open, missed = virtual_time.run(main, PATIENCE)
    assert sums.pongs == PINGS - still_open >= 3
    assert sums.rtt == pytest.approx(latency, abs=0.1)
    assert len(missed) >= 3, "it was late three times"
