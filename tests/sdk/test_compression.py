"""Compressed messages: both SDKs, unmodified, offer them by themselves; the wire carries less."""

import asyncio
import json

import pytest

from tests.e2e.served import Served, configuration, token
from tests.e2e.wire import Wire

pytestmark = [pytest.mark.sdk, pytest.mark.parametrize("encoding", ["json", "protobuf"])]
DOCUMENT = {"rows": [{"row": row, "name": f"Grüße {row}", "price": row * 1.5} for row in range(60)]}


@pytest.fixture(scope="module")
def compressing(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("compression"), configuration(websocket={"compression": True})) as server:
        yield server


async def test_documents_arrive_and_the_wire_carries_less(sdk, compressing):
    channel = f"stream:compressed-{sdk.name}"
    async with Wire(compressing.port) as wire:
        await sdk.connect(wire.url, token("ada"))
        await sdk.expect("connected")
        await sdk.subscribe(channel)
        await sdk.expect("subscribed", channel=channel)
        before = len(wire.told)
        for number in range(5):
            await asyncio.to_thread(compressing.publish, channel, {**DOCUMENT, "number": number})
        for number in range(5):
            heard = await sdk.expect("publication", channel=channel)
            assert heard["data"] == {**DOCUMENT, "number": number}
        await sdk.publish(channel, DOCUMENT)
        assert (await sdk.expect("publication", channel=channel))["data"] == DOCUMENT
        whole = 6 * len(json.dumps(DOCUMENT).encode())
        print(f"{sdk.name}: {len(wire.told) - before} bytes instead of {whole}")
        assert len(wire.told) - before < whole / 3
