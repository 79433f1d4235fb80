"""The watch: everybody is visited at the deadline, and verdicts wait for as long as our own loop stood still."""

import asyncio
import time


async def test_fifty_healthy_clients_survive_a_blocked_loop(make_node):
    """Pongs that were in the socket when the loop woke up count (requirement H1)."""
    node = await make_node(client={"ping_interval": "400ms", "pong_timeout": "300ms"})
    peers = [await node.greeted(f"user{n}") for n in range(50)]

    async def answer(peer):
        while True:
            opcode, _ = await peer.frame()
            if opcode == 8:
                return
            peer.text({})

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(answer(peer)) for peer in peers]
    await asyncio.sleep(0.5)
    time.sleep(1.5)
    await asyncio.sleep(0.5)
    assert len(node.station.registry) == 50
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
