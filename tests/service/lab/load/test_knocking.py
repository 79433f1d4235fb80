"""What stands in the way of a load is said at once, with what to do about it."""

import asyncio
import contextlib

import pytest
from aiohttp import web

from service.lab.load.knocking import knock
from service.lab.load.plan import Plan
from tests.service.connections.conftest import make_node  # noqa: F401 - a fixture
from tests.service.connections.streaming import token
from tests.service.lab.load.liar import Liar


def plan(port, scheme="ws", path="/connection/websocket", **changes):
    return Plan(url=f"{scheme}://127.0.0.1:{port}{path}", run="r", **changes)


async def test_whoever_can_come_in_leaves_again(make_node):  # noqa: F811
    node = await make_node()
    assert await knock(plan(node.port), token("ann")) == ""
    async with asyncio.timeout(3):
        while node.station.registry.sockets:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("given", "changes", "says"),
    [
        ("no token at all", {}, "3500 (invalid token); run this in the server's folder, or say --config FILE"),
        ("", {}, "3501 (bad request); run this in the server's folder"),
        (None, {"namespace": "nope"}, "the server has no namespace nope; say another --namespace"),
        (None, {"namespace": "closed"}, "may not subscribe in namespace closed (allow_subscribe_for_client)"),
        (None, {"path": "/elsewhere"}, "HTTP status 404; there is no WebSocket at /elsewhere"),
        (None, {"scheme": "wss"}, "it speaks no TLS; say http://"),
    ],
)
async def test_what_stands_in_the_way(make_node, given, changes, says):  # noqa: F811
    node = await make_node(channel={"namespaces": [{"name": "closed"}]})
    told = await knock(plan(node.port, **changes), token("ann") if given is None else given)
    assert told.startswith("nobody can connect to ws")
    assert says in told


async def test_an_expired_token_is_called_so(make_node):  # noqa: F811
    node = await make_node()
    assert "the token has expired; run this" in await knock(plan(node.port), token("ann", exp=1_000_000_000))


async def test_where_nobody_listens(unused_tcp_port):
    told = await knock(plan(unused_tcp_port), "")
    assert f"nothing listens at 127.0.0.1, port {unused_tcp_port}; start a server there (make run)" in told


async def test_certificates_to_trust_that_are_none(tmp_path):
    assert "nothing.pem cannot be used: No such file" in await knock(plan(1, "wss", cafile="/nothing.pem"), "")
    (tmp_path / "ca.pem").write_text("mine")
    told = await knock(plan(1, "wss", cafile=str(tmp_path / "ca.pem")), "")
    assert told == f"--cafile {tmp_path}/ca.pem cannot be used: it holds no certificate in PEM"


async def test_what_is_no_websocket(monkeypatch):
    monkeypatch.setattr("service.lab.load.knocking.CONNECTING", 0.2)

    async def answers(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0\r\n\r\n")
        await says_nothing(reader, writer)

    async def says_nothing(reader, writer):
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async def hangs_up(_reader, writer):
        writer.close()

    for what, says in (
        (answers, "no answer to a WebSocket"), (says_nothing, "does not answer within"), (hangs_up, "is lost before"),
    ):  # fmt: skip
        server = await asyncio.start_server(what, "127.0.0.1", 0)
        assert says in await knock(plan(server.sockets[0].getsockname()[1]), "")
        server.close()


async def test_other_refusals_are_told_by_their_code(aiohttp_server):
    liar = Liar()
    server = await aiohttp_server(liar.application())
    liar.refuse["connect"] = 100
    assert "connect is answered with error 100 (internal server error)" in await knock(plan(server.port), "")
    liar.refuse = {"subscribe": 4711}
    assert "a subscribe in channels without namespace is answered with error 4711" in await knock(plan(server.port), "")


async def test_a_door_that_is_closed_for_now(aiohttp_server):
    async def busy(_request):
        return web.Response(status=503)

    application = web.Application()
    application.router.add_get("/connection/websocket", busy)
    server = await aiohttp_server(application)
    assert "the upgrade is answered with HTTP status 503" in await knock(plan(server.port), "")
