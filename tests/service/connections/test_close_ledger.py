"""Every connection that began is open or has ended for a known cause; and leaving out any one count is noticed."""

import asyncio

import pytest

from service.connections.close_ledger import KNOWN, CloseLedger
from service.protocol import closing, framing
from tests.service.mutants import CLOSES, mutants, without


def test_what_began_is_open_or_closed():
    ledger = CloseLedger()
    for _ in range(3):
        ledger.begin()
    assert (ledger.unaccounted(3), ledger.unaccounted(2)) == (0, 1)
    ledger.end("no_pong")
    assert ledger.unaccounted(2) == 0
    ledger.end("no_pong")
    assert ledger.unaccounted(2) == -1, "ended twice"


@pytest.mark.parametrize("cause", ["unknown", "", "made up"])
def test_an_end_without_a_cause_accounts_for_nothing(cause):
    ledger = CloseLedger()
    ledger.begin()
    ledger.end(cause)
    assert ledger.unaccounted(0) == 1


def test_all_causes_but_one_are_known():
    assert {*KNOWN, "unknown"} == set(closing.CAUSES)


async def unaccounted_after_some_ends(node):
    """Closed by the client, by us, lost, turned away with its socket; one stays."""
    stays, leaves, lost = [await node.greeted(user) for user in ("ann", "bob", "eve")]
    thrown = await node.greeted("tom")
    leaves.writer.write(framing.client_frame(framing.CLOSE, (1000).to_bytes(2), b"mask"))
    lost.writer.transport.abort()
    node.station.registry.get(thrown.client).close(closing.FORCE_DISCONNECT)
    await thrown.closed()
    thrown.writer.transport.abort()
    registry = node.station.registry
    async with asyncio.timeout(5):
        while any(each.transport is not None and each.user != "ann" for each in registry.sockets) or len(registry) > 1:
            await asyncio.sleep(0.005)
    return node.station.closes.unaccounted(len(registry.sockets))


async def test_a_node_accounts_for_every_connection(node):
    assert await unaccounted_after_some_ends(node) == 0


@pytest.mark.parametrize(("place", "name", "number"), list(mutants(CLOSES)))
async def test_a_connection_that_is_not_counted_is_noticed(node, place, name, number):
    with without(place, name, number):
        assert await unaccounted_after_some_ends(node) != 0


def test_there_are_statements_that_count():
    assert len(list(mutants(CLOSES))) == 5
