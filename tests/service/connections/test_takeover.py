"""The takeover, and a guard for each inside of aiohttp that it uses."""

import ast
import asyncio
import inspect

import pytest
from aiohttp import web
from aiohttp.http_writer import _serialize_headers
from aiohttp.test_utils import TestServer
from aiohttp.web_protocol import RequestHandler
from multidict import CIMultiDict

from service.connections import takeover

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Echo(asyncio.Protocol):
    def __init__(self):
        self.transport = None
        self.lost = asyncio.get_running_loop().create_future()

    def attach(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"<" + data + b">")

    def connection_lost(self, exc):
        self.lost.set_result(exc)


async def unguarded(work):
    await work


@pytest.fixture
async def site():
    heirs = []

    async def upgrade(request):
        heirs.append(Echo())
        answer = takeover.SwitchingProtocols({"Upgrade": "websocket", "Connection": "Upgrade"}, unguarded)
        await answer.prepare(request)
        assert takeover.hand_over(request, heirs[-1])
        return answer

    app = web.Application()
    app.router.add_get("/ws", upgrade)
    server = TestServer(app)
    await server.start_server()
    server.heirs = heirs
    yield server
    await server.close()


async def upgraded(site, more=b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(UPGRADE + more)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    return reader, writer, head


async def leave(site, writer):
    writer.close()
    await writer.wait_closed()
    for heir in site.heirs:
        await heir.lost


async def test_bytes_after_the_upgrade_reach_the_heir(site):
    reader, writer, _ = await upgraded(site)
    writer.write(b"hello")
    assert await reader.readexactly(7) == b"<hello>"
    await leave(site, writer)


async def test_bytes_in_the_segment_of_the_request_are_not_lost(site):
    reader, writer, _ = await upgraded(site, b"early")
    assert await reader.readexactly(7) == b"<early>"
    await leave(site, writer)


async def test_nothing_of_aiohttp_is_left(site):
    tasks = len(asyncio.all_tasks())
    _, writer, _ = await upgraded(site)
    await asyncio.sleep(0.01)
    assert site.runner.server.connections == []
    assert len(asyncio.all_tasks()) == tasks
    await leave(site, writer)


async def test_the_cleanup_of_aiohttp_leaves_our_connections_alone(site):
    reader, writer, _ = await upgraded(site)
    await site.close()
    writer.write(b"still")
    assert await reader.readexactly(7) == b"<still>"
    await leave(site, writer)


async def test_signals_may_add_headers():
    async def stamp(_request, response):
        response.headers["X-Stamp"] = "1"

    async def upgrade(request):
        answer = takeover.SwitchingProtocols({"Upgrade": "websocket", "Connection": "Upgrade"}, unguarded)
        await answer.prepare(request)
        takeover.hand_over(request, Echo())
        return answer

    app = web.Application()
    app.on_response_prepare.append(stamp)
    app.router.add_get("/ws", upgrade)
    async with TestServer(app) as server:
        _, writer, head = await upgraded(server)
        assert b"X-Stamp: 1" in head
        writer.close()


async def test_a_header_that_cannot_be_sent_is_left_out():
    """A signal that would inject a line costs its own headers, not the upgrade."""
    raised = []

    async def guard(work):
        try:
            await work
        except ValueError as error:
            raised.append(error)

    async def inject(_request, response):
        response.headers["X-Stamp"] = "1\r\nX-Evil: 1"

    async def upgrade(request):
        answer = takeover.SwitchingProtocols({"Upgrade": "websocket", "Connection": "Upgrade"}, guard)
        await answer.prepare(request)
        takeover.hand_over(request, Echo())
        return answer

    app = web.Application()
    app.on_response_prepare.append(inject)
    app.router.add_get("/ws", upgrade)
    async with TestServer(app) as server:
        _, writer, head = await upgraded(server)
        assert b"Evil" not in head
        assert b"Upgrade: websocket" in head
        assert len(raised) == 1
        writer.close()


async def test_a_peer_that_has_left_is_not_taken_over():
    """Its transport is gone or closing when the handler gets there."""
    seen = asyncio.get_running_loop().create_future()

    async def upgrade(request):
        request.transport.abort()
        seen.set_result(takeover.hand_over(request, Echo()))
        return web.Response()

    app = web.Application()
    app.router.add_get("/ws", upgrade)
    async with TestServer(app) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(UPGRADE)
        assert await seen is False
        writer.close()


# ------------------------------------------------------- guards of the inside


async def test_the_server_header_shows_no_version():
    """Of an answer of a handler's and of one that aiohttp makes for a request that is none."""
    takeover.say_no_version()
    async with TestServer(web.Application()) as server:
        for request in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"G\r\n\r\n"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(request)
            assert b"\r\nServer: Heliograph\r\n" in await reader.readuntil(b"\r\n\r\n")
            writer.close()


def test_the_installed_release_is_known():
    takeover.check_release()


@pytest.mark.parametrize("version", ["3.13.9", "4.0.0", "3.15.0a1"])
def test_an_unknown_release_is_refused_with_a_sentence(version):
    with pytest.raises(takeover.UnknownRelease, match=r"pip install 'aiohttp~=3\.14\.0'"):
        takeover.check_release(version)


@pytest.mark.parametrize("name", ["_message_tail"])
def test_slots_of_the_request_handler(name):
    assert name in RequestHandler.__slots__


def test_parts_of_a_response_and_a_request():
    assert callable(web.StreamResponse._start)
    assert callable(web.Request._prepare_hook)
    assert callable(RequestHandler.connection_lost)


OUR_OWN = {
    "_ready",
    "_more",
    "_mistake",
    "_signals_guard",
    "_send_signals",
    "_has_signals",
    "_agreed",
    "_line",
    "_first_bytes",
}


def test_heads_are_written_as_we_know_it():
    head = _serialize_headers("HTTP/1.1 101 Switching Protocols", CIMultiDict({"Upgrade": "websocket"}))
    assert head == b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"


#: What takeover.py touches of aiohttp's inside, and the class that must have it.
INSIDE = {
    "_current_request": RequestHandler,
    "_lingering_time": RequestHandler,
    "_loop": RequestHandler,
    "_message_tail": RequestHandler,
    "_messages": RequestHandler,
    "_request_count": RequestHandler,
    "_upgraded": RequestHandler,
    "_payload_writer": web.BaseRequest,
    "_prepare_hook": web.Request,
    "_req": web.StreamResponse,
    "_start": web.StreamResponse,
    "_apps": web.UrlMappingMatchInfo,
}


@pytest.mark.parametrize("name", INSIDE)
def test_the_inside_is_as_we_know_it(name):
    """An attribute is one of the class, of its slots, or set by its own code."""
    owner = INSIDE[name]
    declared = any(name in vars(parent) or name in getattr(parent, "__slots__", ()) for parent in owner.__mro__)
    assert declared or f"self.{name} = " in inspect.getsource(owner), f"{owner.__name__} has no {name} any more"


def test_each_inside_that_is_used_has_its_guard():
    tree = ast.parse(inspect.getsource(takeover))
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.startswith("_")}
    made = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert {name for name in used | made if name[:2] != "__"} - OUR_OWN == {name for name in INSIDE} | {
        name for name in made if name[0] != "_"
    }
