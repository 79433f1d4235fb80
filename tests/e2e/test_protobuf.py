"""Protobuf connections of the real server: payloads that no JSON could carry, and who can have them."""

import asyncio
import base64
import json

import aiohttp
import pytest
from msgspec import Raw as Payload

from service.protocol import messages as wire
from service.protocol.protobuf_codec import decode_replies, encode_commands
from tests.e2e.raw import Raw
from tests.e2e.served import OPEN, Served, configuration, token

ANY = bytes(range(256))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = configuration()
    binary = {"publication_data_format": "binary", "history_size": 10, "history_ttl": "60s"}
    settings["channel"]["namespaces"].append({"name": "bin", **OPEN, "allow_history_for_client": True, **binary})
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


class Client:
    """A Protobuf client over aiohttp."""

    def __init__(self, socket):
        self.socket = socket
        self.waiting = []

    async def reply(self):
        while not self.waiting:
            self.waiting += decode_replies(await asyncio.wait_for(self.socket.receive_bytes(), 10))
        return self.waiting.pop(0)

    async def ask(self, command):
        await self.socket.send_bytes(encode_commands([command]))
        return await self.reply()


@pytest.fixture
async def client(server):
    address = f"ws://127.0.0.1:{server.port}/connection/websocket?cf_protocol=protobuf"
    async with aiohttp.ClientSession() as http, http.ws_connect(address) as socket:
        client = Client(socket)
        reply = await client.ask(wire.Command(id=1, connect=wire.ConnectRequest(token=token("ada"))))
        assert reply.connect.client
        yield client


async def test_any_bytes_reach_the_subscribers_of_a_binary_namespace(server, client):
    reply = await client.ask(wire.Command(id=2, subscribe=wire.SubscribeRequest("bin:a")))
    assert reply == wire.Reply(id=2, subscribe=wire.SubscribeResult())
    push = await client.ask(wire.Command(id=3, publish=wire.PublishRequest("bin:a", Payload(ANY))))
    assert bytes(push.push.pub.data) == ANY
    assert await client.reply() == wire.Reply(id=3, publish=wire.Empty())
    for payload in (b"\xff", ANY * 8):
        encoded = base64.b64encode(payload).decode()
        await asyncio.to_thread(server.api, "publish", channel="bin:a", b64data=encoded)
        assert bytes((await client.reply()).push.pub.data) == payload
    reply = await client.ask(wire.Command(id=4, history=wire.HistoryRequest("bin:a", limit=-1)))
    assert [bytes(each.data) for each in reply.history.publications] == [ANY, b"\xff", ANY * 8]


async def test_json_clients_are_told_that_they_cannot_have_it(server, client):
    await client.ask(wire.Command(id=2, publish=wire.PublishRequest("bin:b", Payload(ANY))))
    raw = await Raw.connected(server.port, token("bob"))
    for number, command in enumerate(
        ({"subscribe": {"channel": "bin:b"}}, {"history": {"channel": "bin:b", "limit": 1}}), 2
    ):
        raw.command(id=number, **command)
        assert await raw.replies() == [{"id": number, "error": {"code": 108, "message": "not available"}}]
    await raw.abort()


async def test_elsewhere_a_payload_that_is_no_json_is_refused_and_closes_nobody(server, client):
    listeners = [await Raw.connected(server.port, token("bob"), "news") for _ in range(3)]
    for number, payload in enumerate((ANY, b"", b"\xff", b"{", b"1 2", b"[" * 300 + b"]" * 300), 3):
        reply = await client.ask(wire.Command(id=number, publish=wire.PublishRequest("news", Payload(payload))))
        assert reply.error.code == 107
    await client.ask(wire.Command(id=99, publish=wire.PublishRequest("news", Payload(b'{\n"a": 1}'))))
    for listener in listeners:
        [reply] = await listener.replies()
        assert reply["push"]["pub"]["data"] == {"a": 1}
        await listener.abort()


async def test_what_is_no_protobuf_ends_its_sender_behind_what_came_before(server, client):
    subscribe = encode_commands([wire.Command(id=2, subscribe=wire.SubscribeRequest("news"))])
    await client.socket.send_bytes(subscribe + b"\x03\xff\xff\xff" + subscribe)
    assert await client.reply() == wire.Reply(id=2, subscribe=wire.SubscribeResult())
    ending = await asyncio.wait_for(client.socket.receive(), 10)
    assert (ending.type, ending.data) == (aiohttp.WSMsgType.CLOSE, 3501)


async def test_two_encodings_share_a_channel(server, client):
    raw = await Raw.connected(server.port, token("bob"), "stream:shared")
    await client.ask(wire.Command(id=2, subscribe=wire.SubscribeRequest("stream:shared")))
    published = await asyncio.to_thread(server.publish, "stream:shared", {"n": [1, "é"]}, tags={"k": "v"})
    theirs = (await raw.replies())[0]["push"]["pub"]
    ours = (await client.reply()).push.pub
    assert (theirs["data"], theirs["offset"], theirs["epoch"]) == ({"n": [1, "é"]}, 1, published["epoch"])
    assert json.loads(bytes(ours.data)) == {"n": [1, "é"]}
    assert (ours.offset, ours.epoch, ours.tags["k"]) == (1, published["epoch"], theirs["tags"]["k"])
    await raw.abort()
