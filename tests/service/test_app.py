"""The whole node in one process: a client, the server API, the internal port, the end."""

import asyncio
import json
import os
import signal
import time

import aiohttp
import jwt
import pytest

from service.app import Service
from service.config import load
from service.protocol import closing

SECRET, KEY = "secret-of-the-tests-which-is-long-enough", "key-of-the-tests"


def settings(tmp_path, **changes):
    config = {
        "http_server": {"address": "127.0.0.1", "port": 0, "internal_address": "127.0.0.1", "internal_port": 0},
        "http_api": {"key": KEY},
        "client": {"token": {"hmac_secret_key": SECRET}},
        "log": {"level": "error"},
        "channel": {
            "without_namespace": {
                "allow_subscribe_for_client": True,
                "allow_publish_for_client": True,
                "allow_history_for_client": True,
                "history_size": 100,
                "history_ttl": "60s",
                "force_recovery": True,
            }
        },
    }
    config.update(changes)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    return load(file, {})


@pytest.fixture
async def node(tmp_path):
    service = Service(settings(tmp_path))
    public, internal = await service.start()
    service.url = f"http://{public.host}:{public.port}"
    service.inside = f"http://{internal.host}:{internal.port}"
    yield service
    if service.station.leaving is None:
        await service.stop("test")


def token(user="ann", **claims):
    return jwt.encode({"sub": user, "exp": int(time.time()) + 600, **claims}, SECRET, algorithm="HS256")


class Client:
    """A client of few words: sends commands, keeps replies and pushes apart."""

    def __init__(self, ws):
        self.ws = ws
        self.waiting = []

    async def send(self, *commands):
        await self.ws.send_str("\n".join(json.dumps(c) for c in commands))

    async def next(self):
        while not self.waiting:
            message = await asyncio.wait_for(self.ws.receive(), 5)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING):
                return message
            self.waiting += [json.loads(line) for line in message.data.split("\n")]
        return self.waiting.pop(0)

    async def connect(self, user="ann"):
        await self.send({"id": 1, "connect": {"token": token(user)}})
        return await self.next()


@pytest.fixture
async def http():
    async with aiohttp.ClientSession(headers={"X-API-Key": KEY}) as session:
        yield session


@pytest.fixture
async def client(node, http):
    async with http.ws_connect(f"{node.url}/connection/websocket") as ws:
        yield Client(ws)


async def test_a_client_receives_what_the_api_published(node, http, client):
    assert (await client.connect())["connect"]["ping"] == 25
    await client.send({"id": 2, "subscribe": {"channel": "news"}})
    assert (await client.next())["subscribe"]["recoverable"]
    async with http.post(f"{node.url}/api/publish", json={"channel": "news", "data": {"n": 1}}) as answer:
        assert (await answer.json())["result"]["offset"] == 1
    push = (await client.next())["push"]
    assert (push["channel"], push["pub"]["data"], push["pub"]["offset"]) == ("news", {"n": 1}, 1)


async def test_commands_of_one_frame_are_answered_in_order_and_before_pushes(client):
    await client.send(
        {"id": 1, "connect": {"token": token()}},
        {"id": 2, "subscribe": {"channel": "a"}},
        {"id": 3, "publish": {"channel": "a", "data": 7}},
        {"id": 4, "unsubscribe": {"channel": "a"}},
    )
    seen = [await client.next()]
    while seen[-1].get("id") != 4:
        seen.append(await client.next())
    assert [m["id"] for m in seen if "id" in m] == [1, 2, 3, 4]
    pushes = [i for i, m in enumerate(seen) if "push" in m]
    assert not pushes or pushes[0] > 1


async def test_what_was_missed_is_recovered(node, http, client):
    await client.connect()
    await client.send({"id": 2, "subscribe": {"channel": "news"}})
    epoch = (await client.next())["subscribe"]["epoch"]
    await client.ws.close()
    for n in range(3):
        await http.post(f"{node.url}/api/publish", json={"channel": "news", "data": n})
    async with http.ws_connect(f"{node.url}/connection/websocket") as ws:
        again = Client(ws)
        await again.connect()
        await again.send({"id": 2, "subscribe": {"channel": "news", "recover": True, "offset": 0, "epoch": epoch}})
        result = (await again.next())["subscribe"]
    assert result["recovered"]
    assert [p["data"] for p in result["publications"]] == [0, 1, 2]


async def test_the_stop_closes_everybody_with_3001_and_turns_readiness_red(node, http, client):
    await client.connect()
    async with http.get(f"{node.inside}/ready") as answer:
        assert answer.status == 200
    stopping = asyncio.get_running_loop().create_task(node.stop("test"))
    message = await client.next()
    assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 3001, "shutdown")
    await asyncio.wait_for(stopping, 5)
    with pytest.raises(aiohttp.ClientConnectionError):
        await http.get(f"{node.url}/connection/websocket")


async def test_readiness_is_red_while_draining(node, http):
    node.ready = False
    async with http.get(f"{node.inside}/ready") as answer:
        assert answer.status == 503
        assert (await answer.json())["reasons"]


async def test_the_scrape_shows_connections(node, http, client):
    await client.connect()
    async with http.get(f"{node.inside}/metrics", headers={"Accept": "application/openmetrics-text"}) as answer:
        text = await answer.text()
    assert 'heliograph_connections{transport="websocket",protocol="json"} 1' in text
    assert "\nheliograph_ready 1\n" in text
    assert "\nheliograph_draining 0\n" in text
    assert text.endswith("# EOF\n")


async def test_nothing_is_left_of_a_connection(node, client):
    await client.connect()
    await client.send({"id": 2, "subscribe": {"channel": "news"}})
    await client.next()
    station = node.station
    assert len(station.registry) == len(station.registry.sockets) == len(station.wheel) == 1
    await client.ws.close()
    for _ in range(50):
        if not station.registry.sockets:
            break
        await asyncio.sleep(0.01)
    assert (len(station.registry), len(station.registry.sockets), len(station.wheel)) == (0, 0, 0)
    assert node.hub.channels() == {}


async def test_the_api_disconnects_a_user(node, http, client):
    await client.connect("bob")
    await http.post(f"{node.url}/api/disconnect", json={"user": "bob"})
    message = await client.next()
    assert (message.data, message.extra) == (closing.FORCE_DISCONNECT.code, "force disconnect")


async def test_an_address_in_use_is_told_and_nothing_stays_open(node, tmp_path):
    taken = int(node.url.rpartition(":")[2])
    other = Service(
        settings(
            tmp_path,
            http_server={
                "address": "127.0.0.1",
                "port": taken,
                "internal_address": "127.0.0.1",
                "internal_port": 0,
            },
        )
    )
    with pytest.raises(OSError, match="in use"):
        await other.start()


async def test_a_signal_is_the_order_to_stop(node):
    waiting = asyncio.get_running_loop().create_task(node.until_told())
    await asyncio.sleep(0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert await asyncio.wait_for(waiting, 2) == "SIGTERM"


async def test_a_log_file_that_cannot_be_is_told(tmp_path, capfd):
    """It serves all the same: the standard output has the lines."""
    service = Service(settings(tmp_path, log={"level": "info", "file": str(tmp_path)}))
    await service.start()
    await service.stop("test")
    notes = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "service.note" in line]
    assert [note["message"] for note in notes] == [
        f"log.file: {tmp_path} cannot be written: Is a directory; the standard output alone has the lines"
    ]
