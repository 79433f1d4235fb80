"""Compressed messages at a real node: agreed, compressed once for all, bounded; and plain for everybody else."""

import asyncio
import json

import aiohttp
import pytest

from service.connections.variants import Variant
from service.protocol import deflate, framing
from service.protocol.deflate import Squeeze
from service.protocol.json_codec import JsonCodec
from tests.e2e.raw import frame_from
from tests.service.connections.streaming import token

OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
ON = {"websocket": {"compression": True}}
LONG = {"words": "and so on " * 200}


def squeezed(text, first=0xC1):
    """A compressed text frame of a client."""
    data = bytearray(framing.client_frame(framing.TEXT, deflate.compress(text.encode()), b"abcd"))
    data[0] = first
    return bytes(data)


async def greeted(node, *headers):
    peer = await node.peer(*headers)
    peer.text({"id": 1, "connect": {"token": token("ann")}}, {"id": 2, "subscribe": {"channel": "a"}})
    first, payload = await frame_from(peer.reader)
    assert first == 0x81, "what is short goes as it is"
    assert payload.count(b"\n") == 1
    return peer


@pytest.fixture
async def node(make_node):
    return await make_node(**ON)


async def test_it_is_compressed_once_for_all_who_agreed_and_plain_for_the_others(node, monkeypatch):
    made = []
    compress = deflate.compress
    monkeypatch.setattr(deflate, "compress", lambda *given: made.append(given) or compress(*given))
    those = [await greeted(node, OFFER) for _ in range(3)]
    plain = await greeted(node)
    node.hub.publish("a", json.dumps(LONG).encode())
    for peer in those:
        first, payload = await frame_from(peer.reader)
        assert first == 0xC1
        assert len(payload) < 100
        assert json.loads(deflate.decompress(payload, 10_000))["push"]["pub"]["data"] == LONG
    first, payload = await frame_from(plain.reader)
    assert (first, json.loads(payload)["push"]["pub"]["data"]) == (0x81, LONG)
    assert len(made) == 1


async def test_it_is_agreed_only_where_it_is_offered_and_switched_on(node, make_node):
    for served, headers, agreed in ((node, OFFER, True), (node, "X: y", False), (await make_node(), OFFER, False)):
        async with aiohttp.ClientSession() as http:
            name, value = headers.split(": ")
            url = f"http://127.0.0.1:{served.port}/connection/websocket"
            asked = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", name: value,
                     "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
            async with http.get(url, headers=asked) as answer:
                assert answer.status == 101
                assert answer.headers.get("Sec-WebSocket-Extensions") == (deflate.ANSWER if agreed else None)


async def test_clients_compress_too_also_in_pieces(node):
    peer = await greeted(node, OFFER)
    peer.writer.write(squeezed('{"id":3,"publish":{"channel":"a","data":1}}'))
    payload = (await frame_from(peer.reader))[1] + (await frame_from(peer.reader))[1]
    assert b'"publish":{}' in payload
    whole = deflate.compress(b'{"id":4,"rpc":{"method":"x"}}')
    first = bytearray(framing.client_frame(framing.TEXT, whole[:9], b"abcd", fin=False))
    first[0] |= framing.SQUEEZED
    peer.writer.write(bytes(first) + framing.client_frame(framing.CONTINUATION, whole[9:], b"abcd"))
    assert json.loads((await frame_from(peer.reader))[1])["id"] == 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (squeezed(" " * 65_537), 1009),
        (squeezed(""), 0),
        (squeezed("{}", first=0xE1), 1002),  # another reserved bit
        (squeezed("{}", first=0xC9), 1002),  # a control frame
        (b"\xc1\x84abcd" + bytes(a ^ b for a, b in zip(b"\xff\xff\xff\xff", b"abcd", strict=True)), 1002),
    ],
    ids=["bomb", "empty", "bits", "control", "garbage"],
)
async def test_what_is_wrong_has_its_code(node, data, code):
    peer = await greeted(node, OFFER)
    peer.writer.write(data)
    if not code:
        peer.text({"id": 3, "rpc": {"method": "x"}})
        code = 3501  # an empty message is no command
    opcode, payload = await peer.any_frame()
    assert (opcode, framing.parse_close(payload)[0]) == (framing.CLOSE, code)


async def test_text_is_checked_behind_the_compression(node):
    peer = await greeted(node, OFFER)
    data = bytearray(framing.client_frame(framing.TEXT, deflate.compress(b'{"id":3,"\xff"}'), b"abcd"))
    data[0] = 0xC1
    peer.writer.write(bytes(data))
    assert (await peer.closed())[0] == 1007


async def test_who_did_not_agree_may_not_compress(node):
    peer = await greeted(node)
    peer.writer.write(squeezed("{}"))
    assert (await peer.closed())[0] == 1002


async def test_aiohttp_understands_it(node):
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://127.0.0.1:{node.port}/connection/websocket", compress=15) as socket,
    ):
        assert socket.compress == 15
        await socket.send_json({"id": 1, "connect": {"token": token("ann")}})
        await socket.send_json({"id": 2, "subscribe": {"channel": "a"}})
        told = ""
        while '"id":2' not in told:
            told = await socket.receive_str()
        for _ in range(3):
            node.hub.publish("a", json.dumps(LONG).encode())
            async with asyncio.timeout(3):
                assert (await socket.receive_json())["push"]["pub"]["data"] == LONG


def test_a_connection_costs_no_window():
    """What is made for one is made for all: two variants that differ in nothing else."""
    plain, small = Variant(JsonCodec()), Variant(JsonCodec(), squeeze=Squeeze())
    assert (plain.name, small.name) == ("websocket/json", "websocket/json/deflate")
    assert plain.ping == small.ping


async def test_listeners_of_the_unidirectional_websocket_have_it_too(make_node):
    """By another implementation, which offers it; who does not reads the same as it is."""
    long = {"text": "All work and no play. " * 100}
    node = await make_node(uni_websocket={"enabled": True, "compression": True})
    url = f"http://127.0.0.1:{node.port}/connection/uni_websocket"
    async with aiohttp.ClientSession() as http:
        for offered, agreed in ((15, True), (0, False)):
            async with http.ws_connect(url, compress=offered) as socket:
                assert bool(socket.compress) is agreed
                await socket.send_json({"token": token(), "subs": {"news": {}}, "data": long})
                assert "connect" in await socket.receive_json(timeout=3)
                node.hub.publish("news", json.dumps(long).encode())
                assert (await socket.receive_json(timeout=3))["pub"]["data"] == long
