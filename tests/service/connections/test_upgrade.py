"""The door: what is answered to whom."""

import asyncio
import uuid

import aiohttp
import pytest
from aiohttp import web

from observability import names
from service.connections.upgrade import new_id


async def get(node, **headers):
    async with (
        aiohttp.ClientSession() as http,
        http.get(
            f"http://127.0.0.1:{node.port}/connection/websocket",
            headers={k.replace("_", "-"): v for k, v in headers.items()},
        ) as answer,
    ):
        return answer.status, await answer.text(), answer.headers


async def test_a_plain_request_is_told_what_is_missing(node):
    status, text, _ = await get(node)
    assert status == 400
    assert "Upgrade: websocket" in text
    assert "nginx" in text


async def test_a_wrong_version_is_told_the_right_one(node):
    status, _, headers = await get(
        node, Upgrade="websocket", Connection="Upgrade", Sec_WebSocket_Version="8", Sec_WebSocket_Key="x"
    )
    assert (status, headers["Sec-WebSocket-Version"]) == (426, "13")


async def test_a_foreign_page_is_refused_and_our_own_is_not(node):
    url = f"ws://127.0.0.1:{node.port}/connection/websocket"
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(url, origin="https://evil.example")
        assert refused.value.status == 403
        for origin in (f"http://127.0.0.1:{node.port}", "https://app.example.com"):
            async with http.ws_connect(url, origin=origin):
                pass


async def test_the_subprotocol_is_echoed(node):
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"ws://127.0.0.1:{node.port}/connection/websocket", protocols=["centrifuge-json"]) as ws,
    ):
        assert ws.protocol == "centrifuge-json"


async def test_a_socket_that_comes_while_we_leave_is_closed_with_3001(node):
    from service.protocol import closing

    node.station.leaving = closing.SHUTDOWN
    peer = await node.peer()
    assert await peer.closed() == (3001, "shutdown")
    node.station.leaving = None


async def test_a_signal_that_raises_or_sleeps_does_not_break_the_upgrade(node):
    """Requirement U3: a step costs its own budget only."""

    async def broken(_request, _response):
        raise KeyError("bug")

    async def sleeper(_request, _response):
        await asyncio.sleep(30)

    for signal in (broken, sleeper):
        application = web.Application()
        application.on_response_prepare.append(signal)
        application.router.add_get("/connection/websocket", node.upgrade.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = site._server.sockets[0].getsockname()[1]
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(
                f"ws://127.0.0.1:{port}/connection/websocket", timeout=aiohttp.ClientWSTimeout(ws_close=1)
            ) as ws,
        ):
            await ws.send_str('{"id":1,"connect":{}}')
            message = await ws.receive()
            assert message.data == 3501
        await runner.cleanup()


async def test_middlewares_work_on_http_and_cannot_break_an_upgrade(make_node):
    """Requirement U3: a slow, a raising and a body-wrapping middleware."""
    seen = []

    @web.middleware
    async def sleeper(request, handler):
        await asyncio.sleep(0.2)
        seen.append(request.path)
        return await handler(request)

    @web.middleware
    async def broken(_request, _handler):
        raise KeyError("bug")

    @web.middleware
    async def wrapper(request, handler):
        response = await handler(request)
        return web.Response(text="wrapped", status=response.status)

    node = await make_node(middlewares=[sleeper, broken, wrapper])
    peer = await node.greeted()
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    assert (await peer.replies())[0]["id"] == 2
    assert seen == []
    counted = node.telemetry.registry.value
    assert counted(names.STEPS_SKIPPED, "sleeper", "late") == 1
    assert counted(names.STEPS_SKIPPED, "broken", "raised") == 1

    working = await make_node(middlewares=[sleeper, wrapper], health={"enabled": True})
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{working.port}/health") as answer:
        assert await answer.text() == "wrapped"
    assert seen == ["/health"]


async def test_a_good_middleware_and_a_good_signal_work_on_an_upgrade(make_node):
    """They run before and after the 101 and may add to it."""
    seen = []

    @web.middleware
    async def good(request, handler):
        seen.append(("before", request.path))
        response = await handler(request)
        seen.append(("after", response.status))
        return response

    async def stamp(_request, response):
        response.headers["X-Stamp"] = str(response.status)

    node = await make_node(middlewares=[good])
    await node.greeted()
    assert seen == [("before", "/connection/websocket"), ("after", 101)]
    assert not any(node.telemetry.registry.values(names.STEPS_SKIPPED).values())

    application = web.Application()
    application.on_response_prepare.append(stamp)
    application.router.add_get("/connection/websocket", node.upgrade.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"ws://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/connection/websocket"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
        assert ws._response.headers["X-Stamp"] == "101"
        await ws.send_str('{"id":1,"connect":{}}')
        assert (await ws.receive()).data == 3501
    await runner.cleanup()


def test_ids_are_random_uuids():
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(
        uuid.UUID(i).version == 4 and uuid.UUID(i).variant == uuid.RFC_4122 and str(uuid.UUID(i)) == i for i in ids
    )
