"""The client of the command line against a server that plays a written conversation."""

import asyncio
import json
from contextlib import aclosing

import pytest
from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from service.lab.subscriber import GaveUp, Subscriber

CONNECTED = {"id": 1, "connect": {"client": "c", "version": "1", "ping": 25, "pong": True}}


def subscribed(**result):
    return {"id": 2, "subscribe": result}


def publication(number, **more):
    return {"push": {"channel": "news", "pub": {"data": {"n": number}, "offset": number, **more}}}


@pytest.fixture
async def played(aiohttp_server):
    """Each argument is one connection: a function that gets the socket and the commands of the first frame."""

    async def play(*connections):
        greetings, rest = [], list(connections)

        async def handle(request):
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            greetings.append([json.loads(line) for line in (await socket.receive_str()).split("\n")])
            await rest.pop(0)(socket)
            return socket

        application = web.Application()
        application.router.add_get("/connection/websocket", handle)
        server = await aiohttp_server(application)
        return f"ws://127.0.0.1:{server.port}/connection/websocket", greetings

    return play


def says(*replies, then=None):
    async def connection(socket):
        await socket.send_str("\n".join(json.dumps(reply) for reply in replies))
        if then is not None:
            await then(socket)

    return connection


async def stay(socket):
    async for _ in socket:
        pass


def closes(code, reason=""):
    async def close(socket):
        await socket.close(code=code, message=reason.encode())

    return close


def subscriber(url, told, channels=("news",)):
    return Subscriber(url, "token", channels, told.append, jitter=lambda low, high: -0.49)


async def first(url, count, told, channels=("news",)):
    found = []
    async with aclosing(subscriber(url, told, channels).receive()) as stream:
        async for received in stream:
            found.append((received.data["n"], received.offset))
            if len(found) == count:
                return found
    return found


async def test_it_connects_and_subscribes_in_one_frame(played):
    told = []
    url, greetings = await played(says(CONNECTED, subscribed(), publication(1, tags={"a": "b"}), then=stay))
    assert await first(url, 1, told, ("news", "weather")) == [(1, 1)]
    [[connect, *subscribes]] = greetings
    assert connect["connect"]["token"] == "token"
    assert [command["subscribe"]["channel"] for command in subscribes] == ["news", "weather"]
    assert told == ["connected as client c", "subscribed to news"]


async def test_who_stops_says_goodbye(played):
    codes = asyncio.Queue()

    async def until_the_end(socket):
        await stay(socket)
        codes.put_nowait(socket.close_code)

    url, _ = await played(says(CONNECTED, subscribed(), publication(1), then=until_the_end))
    async with aclosing(subscriber(url, [], ["news"]).receive()) as stream:
        await anext(stream)
    assert await asyncio.wait_for(codes.get(), 5) == WSCloseCode.OK


class Socket:
    """One message, when the test says."""

    def __init__(self):
        self.message = asyncio.get_running_loop().create_future()

    async def receive(self):
        return await self.message


@pytest.mark.parametrize("turns", range(4))
async def test_an_end_that_comes_with_a_message_is_an_end(turns):
    """`asyncio.wait_for` took the message and forgot the end, so that a busy client could not be stopped."""
    socket = Socket()
    task = asyncio.create_task(subscriber("", [])._replies(socket, 10.0))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    socket.message.set_result(WSMessage(WSMsgType.TEXT, "{}", None))
    for _ in range(turns):
        await asyncio.sleep(0)
    done = task.done()
    task.cancel()
    await asyncio.wait((task,))
    assert task.cancelled() or done


async def test_it_answers_pings(played):
    pongs = asyncio.Queue()

    async def ping(socket):
        await socket.send_str("{}")
        await pongs.put(await socket.receive())
        await socket.send_str(json.dumps(publication(1)))

    url, _ = await played(says(CONNECTED, subscribed(), then=ping))
    await first(url, 1, [])
    pong = await pongs.get()
    assert (pong.type, pong.data) == (WSMsgType.TEXT, "{}")


async def test_it_comes_back_and_recovers(played):
    told = []
    url, greetings = await played(
        says(
            CONNECTED, subscribed(recoverable=True, epoch="e", offset=6), publication(7), then=closes(3001, "shutdown")
        ),
        says(
            CONNECTED,
            subscribed(
                recoverable=True,
                epoch="e",
                offset=7,
                recovered=True,
                was_recovering=True,
                publications=[{"data": {"n": 8}, "offset": 8}],
            ),
            publication(9),
            then=closes(WSCloseCode.GOING_AWAY),
        ),
        says(
            CONNECTED, subscribed(recoverable=True, epoch="f", offset=1, was_recovering=True), publication(2), then=stay
        ),
    )
    assert await first(url, 4, told) == [(7, 7), (8, 8), (9, 9), (2, 2)]
    asked = [greeting[1]["subscribe"] for greeting in greetings]
    assert asked == [
        {"channel": "news"},
        {"channel": "news", "recover": True, "offset": 7, "epoch": "e"},
        {"channel": "news", "recover": True, "offset": 9, "epoch": "e"},
    ]
    assert "subscribed to news, recovered: true" in told
    assert "subscribed to news, recovered: false" in told
    assert [line for line in told if line.startswith("disconnected")][0].startswith(
        "disconnected: the server closed with 3001 shutdown; again in "
    )


async def test_a_lost_position_is_asked_for_again(played):
    lost = {"push": {"channel": "news", "unsubscribe": {"code": 2500, "reason": "insufficient state"}}}
    url, greetings = await played(
        says(CONNECTED, subscribed(recoverable=True, epoch="e"), lost, then=stay),
        says(CONNECTED, subscribed(), publication(1), then=stay),
    )
    assert await first(url, 1, []) == [(1, 1)]
    assert len(greetings) == 2


@pytest.mark.parametrize(
    ("connection", "sentence"),
    [
        (says(CONNECTED, then=closes(3500, "invalid token")), "the server closed with 3500 invalid token"),
        (
            says({"id": 1, "error": {"code": 109, "message": "token expired"}}, then=stay),
            "connect: token expired .code 109.",
        ),
        (
            says(CONNECTED, {"id": 2, "error": {"code": 103, "message": "permission denied"}}, then=stay),
            "subscribe to news: permission denied .code 103.",
        ),
        (
            says(
                CONNECTED,
                subscribed(),
                {"push": {"channel": "news", "unsubscribe": {"code": 2000, "reason": "server unsubscribe"}}},
                then=stay,
            ),
            "unsubscribed from news: 2000 server unsubscribe",
        ),
    ],
)
async def test_what_trying_again_would_not_help(played, connection, sentence):
    url, _ = await played(connection)
    with pytest.raises(GaveUp, match=sentence):
        await first(url, 1, [])


async def test_nobody_there_the_first_time(unused_tcp_port):
    with pytest.raises(GaveUp, match=r"no server answers .* \(Connection refused\)"):
        await first(f"ws://127.0.0.1:{unused_tcp_port}/connection/websocket", 1, [])


async def test_no_websocket_there(aiohttp_server):
    server = await aiohttp_server(web.Application())
    with pytest.raises(GaveUp, match="HTTP status 404"):
        await first(f"ws://127.0.0.1:{server.port}/connection/websocket", 1, [])


async def test_no_url():
    with pytest.raises(GaveUp, match="is no URL"):
        await first("nonsense", 1, [])
