"""Sockets die under load: with enough history nothing is lost, doubled or out of order; with too little, every loss is told."""

import asyncio
import itertools
import random
import time

import pytest

from deploy.npm_packages import Unavailable, node_modules
from service.settings.quick_start import built_in
from tests.e2e.served import KEY, SECRET, Served, token
from tests.e2e.wire import Wire
from tests.sdk.clients import JavaScript, Python

pytestmark = [pytest.mark.sdk, pytest.mark.slow]
HZ = 100
KILLS = 200
CHANNEL = "stream:ticks"
PLAIN = "ticks"  # without a namespace: the quick start's


def clients(each):
    """As many of both SDKs; without Node only the Python one, and that is said."""
    try:
        packages = node_modules()
    except Unavailable as why:
        print(f"only centrifuge-python takes part: {why}")
        return [Python() for _ in range(2 * each)]
    return [*(JavaScript(packages) for _ in range(each)), *(Python() for _ in range(each))]


async def ticking(server, done: asyncio.Event, channel=CHANNEL) -> int:
    """Publishes 0, 1, 2 … at `HZ` until told to stop; how many there were."""
    start = time.monotonic()
    for number in itertools.count():
        if done.is_set():
            return number
        await asyncio.to_thread(server.publish, channel, number)
        await asyncio.sleep(max(0.0, start + (number + 1) / HZ - time.monotonic()))
    raise AssertionError("count() ended")


async def settled(sdk):
    """Connected and subscribed, as far as its last events say."""
    while True:
        last = [one["event"] for one in sdk.seen if one["event"] in {"connecting", "subscribed", "disconnected"}]
        if last[-1] == "subscribed":
            return
        await asyncio.sleep(0.02)


async def joined(sdks, wires, channel=CHANNEL):
    for sdk, wire in zip(sdks, wires, strict=True):
        await sdk.connect(wire.url, token("ada"))
        await sdk.subscribe(channel)
        await sdk.expect("subscribed", channel=channel)


@pytest.mark.timeout(180)
async def test_two_hundred_killed_sockets_lose_nothing(tmp_path):
    sdks = clients(5)
    with Served(tmp_path) as server:
        wires = [Wire(server.port) for _ in sdks]
        for wire in wires:
            await wire.__aenter__()
        await joined(sdks, wires)
        done = asyncio.Event()
        publishing = asyncio.create_task(ticking(server, done))

        async def kill(sdk, wire):
            for _ in range(KILLS // len(sdks)):
                await asyncio.sleep(random.uniform(0.05, 0.3))
                assert wire.cut(reset=random.random() < 0.5) == 1
                await settled_again(sdk)

        await asyncio.gather(*(kill(sdk, wire) for sdk, wire in zip(sdks, wires, strict=True)))
        done.set()
        total = await publishing
        for sdk in sdks:
            await sdk.expect("publication", channel=CHANNEL, data=total - 1)
            assert [one["data"] for one in sdk.publications(CHANNEL)] == list(range(total))
            again = [one for one in sdk.seen if one["event"] == "subscribed"][1:]
            assert len(again) == KILLS // len(sdks)
            assert all(one["recovered"] and one["wasRecovering"] for one in again)
        for sdk, wire in zip(sdks, wires, strict=True):
            await sdk.close()
            await wire.__aexit__()


async def settled_again(sdk):
    """After a kill: first the SDK notices, then it is back."""
    count = sum(one["event"] == "subscribed" for one in sdk.seen)
    while sum(one["event"] == "subscribed" for one in sdk.seen) == count:
        await asyncio.sleep(0.01)


@pytest.mark.timeout(150)
async def test_what_is_lost_is_told(tmp_path):
    """The quick start's limits: its history covers a short absence and not a long one. Each loss is told, and only those."""
    settings = built_in(KEY, SECRET)
    covered = settings["channel"]["without_namespace"]["history_size"]
    sdks = clients(2)
    with Served(tmp_path, settings) as server:
        wires = [Wire(server.port) for _ in sdks]
        for wire in wires:
            await wire.__aenter__()
        await joined(sdks, wires, PLAIN)
        done = asyncio.Event()
        publishing = asyncio.create_task(ticking(server, done, PLAIN))
        for absence in (0.0, 1.5 * covered / HZ, 0.0, 2 * covered / HZ):
            await asyncio.sleep(0.2)
            for wire in wires:
                wire.broken = True
                assert wire.cut() == 1
            back = [asyncio.create_task(settled_again(sdk)) for sdk in sdks]
            await asyncio.sleep(absence)
            for wire in wires:
                wire.broken = False
            await asyncio.gather(*back)
        count = [len(sdk.publications(PLAIN)) for sdk in sdks]
        while any(len(sdk.publications(PLAIN)) == before for sdk, before in zip(sdks, count, strict=True)):
            await asyncio.sleep(0.01)  # who was told of a loss hears of nothing before the next publication
        done.set()
        total = await publishing
        for sdk in sdks:
            await sdk.expect("publication", channel=PLAIN, data=total - 1)
            assert holes(sdk, PLAIN) == untold(sdk)
            assert len(holes(sdk, PLAIN)) >= 2, "nothing was lost: the test shows nothing"
        for sdk, wire in zip(sdks, wires, strict=True):
            await sdk.close()
            await wire.__aexit__()


def holes(sdk, channel):
    """After which message of its stream something is missing."""
    numbers = [one["data"] for one in sdk.publications(channel)]
    assert numbers == sorted(set(numbers)), "doubled or out of order"
    return [a for a, b in itertools.pairwise(numbers) if b != a + 1]


def untold(sdk):
    """After which message the SDK was told that something is missing."""
    told, last = [], -1
    for one in sdk.seen:
        if one["event"] == "publication":
            last = one["data"]
        elif one["event"] == "subscribed" and one["wasRecovering"] and not one["recovered"]:
            told.append(last)
    return told


@pytest.mark.timeout(90)
async def test_a_server_that_was_killed_tells_every_client(tmp_path):
    sdks = clients(3)
    with Served(tmp_path) as server:
        for sdk in sdks:
            await sdk.connect(server.url, token("ada"))
            await sdk.subscribe(CHANNEL)
            await sdk.expect("subscribed", channel=CHANNEL)
        for number in range(3):
            await asyncio.to_thread(server.publish, CHANNEL, number)
        for sdk in sdks:
            await sdk.expect("publication", channel=CHANNEL, data=2)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.publish, CHANNEL, "of the new life")
        for sdk in sdks:
            again = await sdk.expect("subscribed", channel=CHANNEL)
            assert again["wasRecovering"]
            assert not again["recovered"]
        for sdk in sdks:
            await sdk.close()
