"""The watch: everybody is visited at the deadline, and verdicts wait for as long as our own loop stood still."""

import asyncio
import time

import pytest

from service.connections.connection import Connection
from tests.waiting import until


@pytest.mark.slow
async def test_fifty_healthy_clients_survive_a_blocked_loop(make_node):
    """Pongs that were in the socket when the loop woke up count (requirement H1)."""
    node = await make_node(client={"ping_interval": "1s", "pong_timeout": "900ms"})
    over = asyncio.Event()  # before Python 3.12 `wait_for` may swallow a cancellation

    async def answer(peer):
        while not over.is_set():
            opcode, _ = await peer.any_frame()
            if opcode == 8:
                return
            peer.text({})

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(answer(await node.greeted(f"user{n}"))) for n in range(50)]  # each answers at once
    await asyncio.sleep(0.9)
    time.sleep(1.5)
    await asyncio.sleep(1.1)
    assert len(node.station.registry) == 50
    over.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_nobody_is_judged_before_the_sockets_are_read(node):
    """A round that comes late waits for another tick; how much is forgiven is known to the watch alone."""
    rounds, wheel = node.rounds, node.station.wheel
    rounds.stop()
    cursor = wheel._cursor
    rounds._due = node.station.now() - 1.0
    rounds._round()
    assert wheel._cursor == cursor
    assert rounds._due > node.station.now()
    rounds.stop()


@pytest.mark.slow
async def test_a_ping_costs_one_visit_and_its_pong_none(make_node, monkeypatch):
    """No look at the socket two seconds later: the pong says what became of the ping."""
    node = await make_node(client={"ping_interval": "1s", "pong_timeout": "900ms"})
    object.__setattr__(node.station.settings, "moved_again", 0.1)
    peer = await node.greeted()
    visits = []
    visit = Connection.visit
    monkeypatch.setattr(Connection, "visit", lambda self, now, stall: (visits.append(now), visit(self, now, stall)))
    await asyncio.sleep(0.3)  # the connect reply is looked after
    visits.clear()
    for _ in range(3):
        assert await peer.replies() == [{}]
        peer.text({})
    await asyncio.sleep(0.4)
    assert len(visits) == 3
    connection = node.station.registry.get(peer.client)
    assert connection.session.heartbeat.open == 0
    assert node.telemetry.connections.recorder.sums(connection.number).pongs == 3


async def test_a_node_with_nobody_due_hardly_wakes_up(node):
    rounds, walks = node.rounds, []
    walk = type(rounds)._walk
    type(rounds)._walk = lambda self: (walks.append(1), walk(self))
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await asyncio.sleep(1.05)
        await until(lambda: len(walks) >= 3)
    finally:
        type(rounds)._walk = walk
    assert len(walks) <= 6 + (loop.time() - began - 1.05) / 0.25
