"""Twenty thousand connections come and go: nothing of ours stays, no descriptor stays, memory stays flat."""

import shutil

import msgspec
import pytest

from bench import peers
from bench.processes import Client
from bench.service import Service
from observability.runtime import KEPT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler for the load client; install gcc"),
    pytest.mark.timeout(180),
]
TOTAL, WAVE = 20_000, 500
REMEMBERED = {"observability.runtime.Stall": KEPT}  # the last standstills, for whoever asks: a busy machine makes some


def come_and_go(client: Client, total: int) -> None:
    """Connect, subscribe to an own channel, leave without a word, `WAVE` at a time."""
    for _ in range(total // WAVE):
        client.open(WAVE, "subscribe", channel="own-%d")
        client.drop(WAVE)


def settled(server) -> dict[str, int]:
    """The counts once two looks agree: the last closes may be on their way, and spans wait a second for their post."""
    before: dict[str, int] = {}
    for _ in range(20):
        found = msgspec.json.decode(server.ask("objects"), type=dict[str, int])
        if found == before:
            return found
        before = found
        server.ask("lag 1.3 0.05")
    raise AssertionError(f"never at rest: {before}")


def test_nothing_stays_without_the_garbage_collector():
    with peers.heliograph() as server, Client(server.port) as client:
        come_and_go(client, 2 * WAVE)  # what is made once has been made
        server.ask("no-collector")
        before = settled(server)
        come_and_go(client, TOTAL)
        after = settled(server)
        grown = {
            name: (before.get(name, 0), count)
            for name, count in after.items()
            if count > max(before.get(name, 0), REMEMBERED.get(name, 0))
        }
        assert grown == {}


def test_memory_is_flat_with_our_collection_policy():
    with Service() as service, Client(service.port) as client:
        come_and_go(client, TOTAL // 4)
        after_a_quarter = service.rss()
        come_and_go(client, TOTAL - TOTAL // 4)
        assert service.rss() <= 1.02 * after_a_quarter
