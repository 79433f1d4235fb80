"""The helper around both SDKs, unmodified: receipts, a page reload that resumes, redelivery, reports, giving up."""

import asyncio
import time

import pytest

from tests.e2e.served import free_port, token
from tests.e2e.wire import Wire
from tests.sdk.clients import JavaScript, Python

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("encoding", ["json", "protobuf"])]
COUNT, ENDS = "heliograph_message_receive_seconds_count", "heliograph_client_disconnects_total"


async def published(server, channel, *payloads):
    for data in payloads:
        await asyncio.to_thread(server.publish, channel, data)


async def until(question, *args, wanted, patience=15.0):
    """Ask until the answer is ``wanted``."""
    end = time.monotonic() + patience
    while (answer := await asyncio.to_thread(question, *args)) != wanted:
        assert time.monotonic() < end, f"still {answer}, not {wanted}"
        await asyncio.sleep(0.1)


def confirmed(server, channel, offset):
    told = server.api("receipts", channel=channel, offset=offset)
    return told["received"], told["users"]


async def confirming(sdk, url, channel, user="ada", fails_at=(), **helper):
    await sdk.connect_with_helper(url, token(user), **helper)
    await sdk.expect("connected")
    await sdk.subscribe_confirming(channel, fails_at)
    await sdk.expect("subscribed", channel=channel)


async def handled(sdk, *offsets):
    for offset in offsets:
        await sdk.expect("handled", offset=offset)


def another(sdk):
    protobuf = sdk._protobuf
    return (
        JavaScript(sdk._node_modules, protobuf=protobuf) if isinstance(sdk, JavaScript) else Python(protobuf=protobuf)
    )


async def test_what_is_handled_is_confirmed_and_the_publisher_can_ask(sdk, server):
    channel = f"receipts:asked-{sdk.name}"
    await confirming(sdk, server.url, channel)
    await published(server, channel, 1, 2, 3)
    await handled(sdk, 1, 2, 3)
    await until(confirmed, server, channel, 3, wanted=(1, 1))
    assert server.api("receipts", channel=channel) == {
        "offset": 3, "subscribers": 1, "confirming": 1, "received": 1, "users": 1,
    }  # fmt: skip
    with pytest.raises(AssertionError, match="108"):
        server.api("receipts", channel="stream:a")


async def test_a_page_reload_goes_on_where_it_was(sdk, server):
    channel = f"receipts:reload-{sdk.name}"
    await confirming(sdk, server.url, channel, "eve")
    await published(server, channel, "a", "b")
    await handled(sdk, 1, 2)
    await until(confirmed, server, channel, 2, wanted=(1, 1))
    await sdk.disconnect()
    await published(server, channel, "c", "d")
    reloaded = another(sdk)
    try:
        await reloaded.connect_with_helper(server.url, token("eve"))
        await reloaded.subscribe_confirming(channel)
        await handled(reloaded, 3, 4)
        await until(confirmed, server, channel, 4, wanted=(1, 1))
        assert [one["offset"] for one in reloaded.seen if one["event"] == "handled"] == [3, 4]
    finally:
        await reloaded.close()


@pytest.mark.slow
async def test_what_failed_comes_once_more_and_nothing_else_does(sdk, server):
    channel = f"receipts:failed-{sdk.name}"
    async with Wire(server.port) as wire:
        await confirming(sdk, wire.url, channel, "bob", fails_at=[2])
        await published(server, channel, 1, 2, 3)
        await sdk.expect("failed", message="refused 2")
        await handled(sdk, 3)
        await until(confirmed, server, channel, 1, wanted=(1, 1))
        assert confirmed(server, channel, 2) == (0, 0)
        wire.cut()
        await handled(sdk, 2)
        await until(confirmed, server, channel, 3, wanted=(1, 1))
        assert [one["offset"] for one in sdk.seen if one["event"] == "handled"] == [1, 3, 2]


async def test_reports_measure_how_long_messages_take_and_how_connections_end(sdk, server):
    channel = f"receipts:reported-{sdk.name}"
    lost, took = server.figure(ENDS), server.figure(COUNT)
    async with Wire(server.port) as wire:
        await confirming(sdk, wire.url, channel, "zoe", report_every=0.0)
        for number in (1, 2):
            await published(server, channel, number)
            await handled(sdk, number)
            await until(server.figure, COUNT, wanted=took + number)
        wire.cut()
        await sdk.expect("connected")
        await until(server.figure, ENDS, wanted=lost + 1)
    assert server.figure("heliograph_message_receive_seconds_sum") < 2
    assert server.figure("heliograph_client_reports_unmeasured_total") == 0


async def test_it_gives_up(sdk):
    """After ten attempts unless told otherwise, with the delays that its page has, here a thousandth of them."""
    await sdk.connect_with_helper(f"ws://127.0.0.1:{free_port()}/connection/websocket", "", patience=0.001)
    assert (await sdk.expect("gave up"))["attempts"] == 10
    assert "connected" not in [one["event"] for one in sdk.seen]


@pytest.mark.slow
async def test_its_patience_begins_with_a_second(sdk):
    """Twice as long as the SDKs' own."""
    began = time.monotonic()
    await sdk.connect_with_helper(f"ws://127.0.0.1:{free_port()}/connection/websocket", "", attempts=2)
    await sdk.expect("gave up")
    assert time.monotonic() - began >= 1.0
