"""Which transports are there."""

import asyncio

from observability.observers.door import SilentDoorObserver
from observability.observers.emulation import SilentEmulationObserver
from observability.observers.upgrade import SilentUpgradeObserver
from service.connections.opening import StreamSettings
from service.connections.transports import Transports, TransportSettings, UniWebSocketSettings
from service.protocol import framing
from service.protocol.json_codec import JsonCodec
from tests.service.connections.conftest import UPGRADE, Peer


def transports(**on):
    silent = SilentUpgradeObserver(), SilentDoorObserver(), SilentEmulationObserver()
    return Transports(TransportSettings(**on), [JsonCodec()], *silent)


def test_what_is_off_costs_nothing():
    off = transports()
    assert (off.variants(), off.paths()) == ([], set())


def test_each_that_is_on_has_its_bytes_and_its_path():
    found = transports(
        sse=StreamSettings("/s"), uni_http_stream=StreamSettings("/u"), uni_websocket=UniWebSocketSettings()
    )
    assert [variant.name for variant in found.variants()] == [
        "sse/json/chunked",
        "sse/json/plain",
        "uni_http_stream/json/chunked",
        "uni_http_stream/json/plain",
        "uni_websocket/json",
    ]
    assert found.paths() == {"/s", "/u", "/connection/uni_websocket"}


async def test_the_first_message_of_a_listener_has_a_size(make_node):
    node = await make_node(uni_websocket={"enabled": True, "message_size_limit": 100})
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(UPGRADE.replace("/connection/websocket", "/connection/uni_websocket").encode() + b"\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
    writer.write(framing.client_frame(framing.TEXT, b" " * 101, b"abcd"))
    opcode, payload = await Peer(reader, writer).any_frame()
    assert (opcode, framing.parse_close(payload)[0]) == (framing.CLOSE, 1009)
    writer.close()
