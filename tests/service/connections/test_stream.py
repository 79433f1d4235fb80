"""Streams from their first message to their end."""

import asyncio
import socket

import pytest

from observability import names
from service.connections import stream as stream_module
from service.protocol import closing, framing
from tests.service.connections.conftest import Peer, fall_silent
from tests.service.connections.streaming import ON, connect, emulate, http_stream, opened, sse, token, until

BOTH = pytest.mark.parametrize("start", [sse, http_stream])


@pytest.fixture
async def node(make_node):
    return await make_node(**ON)


@BOTH
async def test_what_a_client_publishes_reaches_it_like_everybody_else(node, start):
    body = await start(node)
    greeting = (await body.message())["connect"]
    assert await emulate(node, greeting, {"id": 2, "subscribe": {"channel": "a"}}) == 204
    assert (await body.message())["id"] == 2
    socketed = await node.greeted("bob")
    socketed.text({"id": 2, "subscribe": {"channel": "a"}}, {"id": 3, "publish": {"channel": "a", "data": {"x": 1}}})
    assert (await body.message())["push"]["pub"]["data"] == {"x": 1}
    assert await emulate(node, greeting, {"id": 3, "publish": {"channel": "a", "data": 2}}) == 204
    assert (await body.message())["push"]["pub"]["data"] == 2
    assert (await body.message()) == {"id": 3, "publish": {}}


@BOTH
async def test_a_close_is_a_push_and_then_the_end_of_the_body(node, start):
    body = await start(node)
    greeting = (await body.message())["connect"]
    node.station.registry.get(greeting["client"]).close(closing.FORCE_DISCONNECT)
    assert await body.message() == {"push": {"disconnect": {"code": 3503, "reason": "force disconnect"}}}
    assert await body.message() is None
    assert await body.ended()
    assert not node.station.registry
    body.writer.close()
    await until(lambda: not node.station.registry.sockets)
    assert not node.station.streams


@BOTH
async def test_a_close_with_code_3000_is_the_end_of_the_body_alone(node, start):
    body = await start(node)
    greeting = (await body.message())["connect"]
    node.station.registry.get(greeting["client"]).close(closing.forced(3000, "x"))
    assert await body.message() is None
    assert await body.ended()


@BOTH
async def test_a_reason_that_no_frame_can_carry_stands_in_the_push(node, start):
    body = await start(node)
    greeting = (await body.message())["connect"]
    node.station.registry.get(greeting["client"]).close(closing.forced(4000, "y" * 200))
    assert (await body.message())["push"]["disconnect"]["reason"] == "y" * 200
    assert await body.message() is None


@BOTH
async def test_a_client_that_leaves_is_noticed_at_once_and_counted_as_such(make_node, telemetry, start):
    node = await make_node(telemetry=telemetry.telemetry, **ON)
    body = await start(node)
    greeting = (await body.message())["connect"]
    await emulate(node, greeting, {"id": 2, "subscribe": {"channel": "a"}})
    body.writer.close()
    await until(lambda: not node.station.registry.sockets)
    assert not node.station.streams
    assert node.hub.look("a") is None or not node.hub.look("a").members
    assert telemetry.value(names.CONNECTIONS_CLOSED, "3000", "client_closed", "client") == 1
    line = telemetry.line("connection.closed")
    assert (line["transport"], line["cause"]) == (start.__name__, "client_closed")


async def test_a_half_closed_stream_has_ended(node):
    body = await sse(node)
    await body.message()
    body.writer.write_eof()
    await until(lambda: not node.station.registry.sockets)


async def test_an_http_1_0_client_gets_no_chunks(node):
    body = await sse(node, version="1.0")
    assert "Transfer-Encoding" not in body.headers
    assert await body.reader.readuntil(b"\r\n") == b"\r\n"
    assert (await body.reader.readuntil(b"\n\n")).startswith(b'data: {"id":1,"connect":{')
    greeted = next(iter(node.station.registry))
    greeted.close(closing.SHUTDOWN)
    assert await body.reader.read() == b'data: {"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}\n\n'


async def test_pings_are_answered_by_post_and_silence_is_not(make_node):
    node = await make_node(**{**ON, "client": {"ping_interval": "0.4s", "pong_timeout": "0.2s"}})
    body = await sse(node)
    greeting = (await body.message())["connect"]
    assert greeting["pong"] is True
    assert await body.message() == {}
    assert await emulate(node, greeting, {}) == 204
    assert await body.message() == {}
    while (said := await body.message()) == {}:
        pass  # a standstill of ours is no fault of the peer's: he is asked once more
    assert said["push"]["disconnect"] == {"code": 3012, "reason": "no pong"}


async def test_a_unidirectional_stream_is_pinged_and_answers_nothing(make_node):
    node = await make_node(**{**ON, "client": {"ping_interval": "0.2s", "pong_timeout": "0.05s"}})
    body = await opened(node, "POST", "/connection/uni_http_stream", f'{{"token":"{token()}"}}'.encode())
    told = (await body.message())["connect"]
    assert "pong" not in told
    assert [await body.message() for _ in range(5)] == [{}] * 5


async def test_a_dead_listener_is_found_by_the_kernel(make_node, telemetry):
    """Nobody can answer a ping there, but a ping that is not acknowledged tells as much."""
    node = await make_node(
        telemetry=telemetry.telemetry,
        **{
            **ON,
            "client": {"ping_interval": "0.2s", "pong_timeout": "0.1s"},
            "websocket": {"write_timeout": "500ms"},
            "http_server": {
                "address": "127.0.0.1",
                "port": 0,
                "internal_address": "127.0.0.1",
                "internal_port": 0,
                "tcp_user_timeout": "1s",
            },
        },
    )
    body = await opened(node, "POST", "/connection/uni_http_stream", f'{{"token":"{token()}"}}'.encode())
    await body.message()
    fall_silent(body.writer.get_extra_info("socket"))
    async with asyncio.timeout(15):
        while node.station.registry.sockets:
            await asyncio.sleep(0.05)
    assert telemetry.value(names.CONNECTIONS_CLOSED, "3008", "slow_kernel", "network") == 1


async def test_a_slow_reader_is_bounded_and_counted_like_a_websocket(make_node):
    node = await make_node(
        **{
            **ON,
            "client": {
                "token": {"hmac_secret_key": "a-secret-that-is-long-enough-for-hs256"},
                "queue_max_size": 200_000,
            },
        }
    )
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", node.port))
    body = b'{"id":1,"connect":{"token":"%b"}}\n{"id":2,"subscribe":{"channel":"a"}}' % token().encode()
    head = b"POST /connection/http_stream HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    await asyncio.get_running_loop().sock_sendall(sock, head + body)
    await until(lambda: node.hub.look("a") is not None and node.hub.look("a").members)
    backlog = 0
    for number in range(200):
        node.hub.publish("a", b'"%b"' % (b"x" * 8000), via="api")
        await asyncio.sleep(0)
        backlog = max(backlog, node.station.sums.outbox_messages)
        assert node.station.sums.outbox_bytes < 300_000, number
        if not node.station.registry:
            break
    await until(lambda: not node.station.registry.sockets)
    assert backlog > 5
    assert (node.station.sums.outbox_messages, node.station.sums.outbox_bytes) == (0, 0)
    sock.close()


async def test_what_waits_is_sent_before_the_end(make_node):
    """A close waits for a reader that is behind, as long as it lingers."""
    node = await make_node(**ON)
    body = await http_stream(node, connect(), {"id": 2, "subscribe": {"channel": "a"}})
    greeting = (await body.message())["connect"]
    await body.message()
    for _ in range(60):
        node.hub.publish("a", b'"%b"' % (b"x" * 10_000), via="api")
        await asyncio.sleep(0)
    node.station.registry.get(greeting["client"]).close(closing.SHUTDOWN)
    seen = []
    while (message := await body.message()) is not None:
        seen.append(message)
    assert len(seen) == 61
    assert seen[-1]["push"]["disconnect"]["code"] == 3001


async def test_bytes_behind_the_request_are_passed_over_within_bounds(node):
    body = await sse(node)
    greeting = (await body.message())["connect"]
    body.writer.write(b"GET / HTTP/1.1\r\n\r\n")
    await emulate(node, greeting, {"id": 2, "rpc": {"method": "x"}})
    assert (await body.message())["error"]["code"] == 108
    body.writer.write(b"x" * (stream_module.MOST_STRAY + 1))
    assert (await body.message())["push"]["disconnect"]["code"] == 3501


@pytest.mark.slow
async def test_a_node_that_stops_says_so(node):
    body = await sse(node)
    await body.message()
    await node.stop("test")
    assert (await body.message())["push"]["disconnect"] == {"code": 3001, "reason": "shutdown"}


# ------------------------------------------------------------ the WebSocket that listens


async def uni(node, query="", *frames):
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    node.peers.append(writer)
    writer.write(
        f"GET /connection/uni_websocket{query} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    for frame in frames:
        writer.write(framing.client_frame(framing.TEXT, frame, b"mask"))
    return Peer(reader, writer)


async def test_a_listener_gets_bare_pushes_a_frame_each(node):
    peer = await uni(node, "", f'{{"token":"{token(channels=["a"])}"}}'.encode())
    (told,) = await peer.replies()
    assert told["connect"]["subs"] == {"a": {}}
    assert told["connect"]["session"] not in ("", told["connect"]["client"])
    assert not {"node", "pong"} & told["connect"].keys()
    corked = node.hub
    for number in (1, 2, 3):
        corked.publish("a", str(number).encode(), via="api")
    assert [await peer.replies() for _ in range(3)] == [[{"channel": "a", "pub": {"data": n}}] for n in (1, 2, 3)]


async def test_a_listener_is_not_listened_to_twice(node):
    peer = await uni(node, f"?cf_connect=%7B%22token%22%3A%22{token()}%22%7D", b'{"id":2,"publish":{}}', b"garbage{")
    assert "connect" in (await peer.replies())[0]
    peer.writer.write(framing.client_frame(framing.PING, b"x", b"mask"))
    assert await peer.frame() == (framing.PONG, b"x")


async def test_a_listener_that_answers_no_ping_frame_is_found(make_node):
    node = await make_node(**{**ON, "client": {"ping_interval": "0.4s", "pong_timeout": "0.2s"}})
    peer = await uni(node, f"?cf_connect=%7B%22token%22%3A%22{token()}%22%7D")
    assert "connect" in (await peer.replies())[0]
    assert await peer.replies() == [{}]
    assert (await peer.frame())[0] == framing.PING
    peer.writer.write(framing.client_frame(framing.PONG, b"", b"mask"))
    assert await peer.replies() == [{}]
    assert (await peer.frame())[0] == framing.PING
    assert await peer.ended()  # who answers no frame hears no word: it is dropped, as in Centrifugo


@pytest.mark.parametrize("silent", [False, True])
@pytest.mark.parametrize(("code", "reason"), [(3000, "x"), (4000, "y" * 200)])
async def test_a_listener_whose_close_no_frame_can_carry(make_node, silent, code, reason):
    node = await make_node(**{**ON, "uni_websocket": {"enabled": True, "disable_disconnect_push": silent}})
    peer = await uni(node, f"?cf_connect=%7B%22token%22%3A%22{token()}%22%7D")
    greeting = (await peer.replies())[0]["connect"]
    node.station.registry.get(greeting["client"]).close(closing.forced(code, reason))
    if code != 3000 and not silent:
        assert await peer.replies() == [{"disconnect": {"code": code, "reason": reason}}]
    assert await peer.ended()


@pytest.mark.parametrize(
    ("settings", "pushes"), [({}, 1), ({"disable_disconnect_push": True}, 0)], ids=["told", "close frame alone"]
)
async def test_the_disconnect_push_can_be_left_out(make_node, settings, pushes):
    node = await make_node(**{**ON, "uni_websocket": {"enabled": True, **settings}})
    peer = await uni(node, "", b'{"token":"nonsense"}')
    for _ in range(pushes):
        assert await peer.replies() == [{"disconnect": {"code": 3500, "reason": "invalid token"}}]
    assert await peer.any_frame() == (framing.CLOSE, (3500).to_bytes(2) + b"invalid token")
