"""A listener of ours with an aiohttp application behind it."""

import aiohttp
import pytest
from aiohttp import web

from observability.observers.door import SilentDoorObserver
from service.api.door import Door, Place
from service.connections.deadlines import clocks
from service.connections.doorstep import Doorstep
from service.connections.limits import HttpLimits
from service.connections.sockopts import SocketSettings


async def hello(_request):
    return web.Response(text="hello")


def place(port=0):
    return Place("127.0.0.1", port, SocketSettings(), Doorstep("public", HttpLimits(), clocks(), SilentDoorObserver()))


def application():
    app = web.Application()
    app.router.add_get("/", hello)
    return app


async def test_it_answers_then_accepts_nobody_then_ends():
    door = Door(application(), [place()], SilentDoorObserver())
    ((host, port),) = await door.open()
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
    first = Door(application(), [place()], SilentDoorObserver())
    ((_, port),) = await first.open()
    second = Door(application(), [place(port)], SilentDoorObserver())
    with pytest.raises(OSError, match="in use"):
        await second.open()
    await second.close()
    await first.close()
