"""Publications as deltas: both SDKs, unmodified, give their application the documents; the wire carries less."""

import asyncio
import json
import re

import pytest

from tests.e2e.served import token
from tests.e2e.wire import Wire

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("encoding", ["json", "protobuf"])]
ROWS = [{"row": row, "name": f"Grüße {row}", "price": row * 1.5} for row in range(60)]


def board(number):
    """A board of prices of which each publication changes two."""
    rows = [dict(row) for row in ROWS]
    rows[number % 60]["price"] = number
    rows[(number * 7) % 60]["name"] = f"世界 🌍 {number}"
    return {"rows": rows, "number": number}


async def published(server, channel, *numbers):
    for number in numbers:
        await asyncio.to_thread(server.publish, channel, board(number))


async def subscribed(sdk, wire, channel):
    await sdk.connect(wire.url, token("ada"))
    await sdk.expect("connected")
    await sdk.subscribe(channel, delta="fossil")
    await sdk.expect("subscribed", channel=channel)


async def received(sdk, channel, *numbers):
    for number in numbers:
        assert (await sdk.expect("publication", channel=channel))["data"] == board(number)


def marked(wire):
    """How many publications, and subscribe replies, said that they are deltas; in Protobuf fields 8 and 13."""
    return len(re.findall(rb'"delta":true|;0.@\x01|h\x01', bytes(wire.told), re.DOTALL))


@pytest.mark.slow
async def test_documents_arrive_and_the_wire_carries_less(sdk, server):
    channel = f"delta:live-{sdk.name}"
    numbers = range(20)
    async with Wire(server.port) as wire:
        await subscribed(sdk, wire, channel)
        before = len(wire.told)
        await published(server, channel, *numbers)
        await received(sdk, channel, *numbers)
        whole = sum(len(json.dumps(board(number)).encode()) for number in numbers)
        carried = len(wire.told) - before
        print(f"{sdk.name}: {carried} bytes instead of {whole}: {whole / carried:.1f} times less")
        assert marked(wire) == 20  # the subscribe reply and 19 publications
        assert carried < whole / 6


async def test_what_was_missed_comes_as_deltas_and_live_ones_go_on(sdk, server):
    channel = f"delta:missed-{sdk.name}"
    async with Wire(server.port) as wire:
        await subscribed(sdk, wire, channel)
        await published(server, channel, 1, 2)
        await received(sdk, channel, 1, 2)
        assert wire.cut() == 1
        wire.told.clear()
        await published(server, channel, 3, 4, 5)
        assert (await sdk.expect("subscribed", channel=channel))["recovered"]
        await received(sdk, channel, 3, 4, 5)
        await published(server, channel, 6)
        await received(sdk, channel, 6)
        assert marked(wire) == 4  # 4 and 5, the subscribe reply, 6
        assert [one["data"]["number"] for one in sdk.publications(channel)] == [1, 2, 3, 4, 5, 6]


@pytest.mark.slow
async def test_a_reconnect_that_missed_nothing_needs_no_base(sdk, server):
    """The SDK has an offset from its subscribe reply, and never had that publication."""
    channel = f"delta:nothing-{sdk.name}"
    await published(server, channel, 1)
    async with Wire(server.port) as wire:
        await subscribed(sdk, wire, channel)
        wire.cut()
        assert (await sdk.expect("subscribed", channel=channel))["recovered"]
        await published(server, channel, 2, 3)
        await received(sdk, channel, 2, 3)


async def test_a_publication_outside_history_breaks_no_client(sdk, server):
    channel = f"delta:skipped-{sdk.name}"
    async with Wire(server.port) as wire:
        await subscribed(sdk, wire, channel)
        await published(server, channel, 1, 2)
        await asyncio.to_thread(server.publish, channel, board(3), skip_history=True)
        await published(server, channel, 4, 5)
        await received(sdk, channel, 1, 2, 3, 4, 5)
        assert marked(wire) == 3  # the subscribe reply, 2 and 5
