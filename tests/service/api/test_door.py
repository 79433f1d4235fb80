"""A listener of ours with an aiohttp application behind it."""

import aiohttp
import pytest
from aiohttp import web

from service.api.door import Door
from service.connections.sockopts import SocketSettings


async def hello(_request):
    return web.Response(text="hello")


def application():
    app = web.Application()
    app.router.add_get("/", hello)
    return app


async def test_it_answers_then_accepts_nobody_then_ends():
    door = Door(application(), "127.0.0.1", 0, SocketSettings())
    host, port = await door.open()
    async with aiohttp.ClientSession() as http:
        async with http.get(f"http://{host}:{port}/") as answer:
            assert await answer.text() == "hello"
    await door.close_listener()
    await door.close_listener()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(f"http://{host}:{port}/")
    await door.close()


async def test_a_taken_address_is_an_error():
    first = Door(application(), "127.0.0.1", 0, SocketSettings())
    _, port = await first.open()
    second = Door(application(), "127.0.0.1", port, SocketSettings())
    with pytest.raises(OSError, match="in use"):
        await second.open()
    await second.close()
    await first.close()
