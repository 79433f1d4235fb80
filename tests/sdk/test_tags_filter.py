"""Tags filters as both SDKs send them, unmodified, in both encodings."""

import asyncio

import pytest

from tests.e2e.served import OPEN, RECOVERABLE, Served, configuration, token
from tests.e2e.wire import Wire

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("encoding", ["json", "protobuf"])]
WANTED = {
    "op": "and",
    "nodes": [{"key": "kind", "cmp": "in", "vals": ["a", "b"]}, {"key": "n", "cmp": "gt", "val": "2"}],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = configuration()
    settings["channel"]["namespaces"].append({**OPEN, **RECOVERABLE, "name": "tagged", "allow_tags_filter": True})
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


async def published(server, channel, *numbers):
    for number in numbers:
        tags = {"kind": "abc"[number % 3], "n": str(number)}
        await asyncio.to_thread(server.publish, channel, number, tags=tags)


async def test_what_is_not_wanted_never_comes_not_even_by_recovery(sdk, server):
    channel = f"tagged:{sdk.name}"
    async with Wire(server.port) as wire:
        await sdk.connect(wire.url, token("ada"))
        await sdk.expect("connected")
        await sdk.subscribe(channel, filter=WANTED)
        await sdk.expect("subscribed", channel=channel)
        await published(server, channel, *range(7))
        await sdk.expect("publication", channel=channel, data=6)
        assert wire.cut() == 1
        await published(server, channel, 7, 8, 9, 11)
        assert (await sdk.expect("subscribed", channel=channel))["recovered"]
        await published(server, channel, 12)
        await sdk.expect("publication", channel=channel, data=12)
        assert [one["data"] for one in sdk.publications(channel)] == [3, 4, 6, 7, 9, 12]
        await sdk.disconnect()
