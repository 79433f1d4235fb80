"""Publishing outruns the fan-out five times over: memory stays flat, and every message is received, counted or told of.

What the node can do is measured a moment before, by a burst. Nobody here is slow: it is the node that is.
"""

import asyncio
import contextlib
import json
import time
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.crowd import crowd, needs_a_compiler
from tests.e2e.served import KEY, OPEN, Served, configuration, token

MIB = 2**20
BATCH = 50  # publications in one call of the server API
BESIDE = 16  # calls: one after the other would wait for the node, and never outrun it
TIMES = 5

pytestmark = [needs_a_compiler, pytest.mark.slow, pytest.mark.timeout(240)]


def resident(server):
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096


class Backend:
    """Publishes to one channel as fast as it is told to, by batches."""

    def __init__(self, server, channel):
        self._url = f"http://127.0.0.1:{server.port}/api/batch"
        self._channel = channel
        self.published = 0

    async def burst(self, session):
        data = {"t": f"{time.monotonic_ns():016x}", "p": "x" * 90}
        commands = [{"publish": {"channel": self._channel, "data": data}}] * BATCH
        async with session.post(self._url, data=json.dumps({"commands": commands})) as answer:
            replies = (await answer.json())["replies"]
        assert len(replies) == BATCH
        assert all("publish" in reply for reply in replies), replies[0]
        self.published += BATCH

    async def publish(self, rate, seconds, look):
        """``rate`` messages a second, by calls beside each other; ``look`` is called after each batch."""
        loop = asyncio.get_running_loop()
        began, before, begun = loop.time(), self.published, 0
        headers = {"X-API-Key": KEY, "Content-Type": "application/json"}

        async def go_on():
            nonlocal begun
            while loop.time() - began < seconds:
                due, begun = began + begun / rate, begun + BATCH
                await asyncio.sleep(max(0.0, due - loop.time()))
                await self.burst(session)
                look()

        async with aiohttp.ClientSession(headers=headers) as session:
            await asyncio.gather(*(go_on() for _ in range(BESIDE)))
        return (self.published - before) / (loop.time() - began)


async def capacity(crew, backend, clients):
    """Messages a second that reach all of them, measured by a burst of a few hundred."""
    crew.begin(polling=False)
    began = time.monotonic()
    await backend.publish(1e9, 0.2, lambda: None)
    await asyncio.to_thread(crew.end, backend.published * clients)
    return backend.published / (time.monotonic() - began)


@contextlib.asynccontextmanager
async def crowded(tmp_path, channel, clients, **options):
    settings = configuration()
    settings["channel"]["namespaces"].append({"name": "flood", **OPEN, **options})
    with Served(tmp_path, settings) as server, crowd(server.port) as crew:
        await asyncio.to_thread(crew.open, clients, "subscribe", channel, token("crowd"))
        backend = Backend(server, channel)
        can = await capacity(crew, backend, clients)
        backend.published = 0
        crew.begin(polling=False)
        yield server, crew, backend, can


async def overloaded(server, backend, can, seconds):
    """Memory at the end of the first third, and the most of it later."""
    sizes = []
    rate = await backend.publish(TIMES * can, seconds, lambda: sizes.append(resident(server)))
    print(f"capacity {can:.0f} messages a second, published {rate:.0f} a second for {seconds:.0f} s")
    third = max(1, len(sizes) // 3)
    return max(sizes[:third]), max(sizes[third:])


async def caught_up(server):
    """Waits until nothing is on its way any more."""
    async with asyncio.timeout(120):
        while await asyncio.to_thread(server.figure, "heliograph_messages_queued", namespace="flood"):
            await asyncio.sleep(0.2)


async def test_without_history_every_loss_is_counted(tmp_path):
    """For ten seconds; received and dropped are what was published, to the message."""
    clients = 1000
    async with crowded(tmp_path, "flood:all", clients) as (server, crew, backend, can):
        early, late = await overloaded(server, backend, can, 10.0)
        assert late - early < 8 * MIB
        await caught_up(server)
        counted = await asyncio.to_thread(crew.end, clients * backend.published)
        dropped = server.figure("heliograph_messages_dropped_total", namespace="flood", cause="fanout_overload")
        assert dropped > 0, "it was no overload"
        assert counted["messages"] + dropped == clients * backend.published
        assert (counted["closed"], counted["told"]) == (0, 0)
        assert server.figure("heliograph_messages_unaccounted") == 0


async def test_with_a_history_that_is_long_enough_everything_arrives(tmp_path):
    """What falls out of the ring is read from history when its turn comes."""
    clients = 1000
    long = {"history_size": 20_000, "history_ttl": "300s", "force_recovery": True}
    async with crowded(tmp_path, "flood:all", clients, **long) as (server, crew, backend, can):
        await overloaded(server, backend, min(can, 800.0), 3.0)
        await caught_up(server)
        counted = await asyncio.to_thread(crew.end, clients * backend.published)
        assert counted["messages"] == clients * backend.published
        assert (counted["closed"], counted["told"]) == (0, 0)
        assert server.figure("heliograph_messages_dropped_total") == 0


async def test_with_a_short_history_everybody_who_missed_something_is_told(tmp_path):
    """Nobody is left with a hole that it does not know of: each is told, at a pace, and comes back with recovery."""
    clients = 1000
    short = {"history_size": 50, "history_ttl": "300s", "force_recovery": True}
    async with crowded(tmp_path, "flood:all", clients, **short) as (server, crew, backend, can):
        early, late = await overloaded(server, backend, can, 6.0)
        assert late - early < 8 * MIB
        await caught_up(server)
        await asyncio.sleep(clients / 500 + 1.0)
        counted = await asyncio.to_thread(crew.end, clients * backend.published)
        assert counted["messages"] < clients * backend.published, "it was no overload"
        assert counted["told"] + counted["closed"] == clients
        assert server.figure("heliograph_insufficient_state_total", namespace="flood") >= clients
