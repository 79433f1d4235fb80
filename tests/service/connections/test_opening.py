"""The doors of streams: what is answered to whom."""

import asyncio
import json
from urllib.parse import quote

import pytest

from observability import names
from service.connections.admission import Verdict
from tests.service.connections.streaming import ON, connect, http_stream, opened, sse, token, until

REFUSED = [
    ("cf_connect", "400"), ("method", "405"), ("connect_request", "400"), ("too_large", "413"), ("body", "400"),
]  # fmt: skip


@pytest.fixture
async def node(make_node):
    return await make_node(**ON)


async def test_proxies_and_caches_are_told_to_keep_out(node):
    for body in (await sse(node), await http_stream(node)):
        assert body.headers["Cache-Control"] == "private, no-cache, no-store, must-revalidate, max-age=0"
        assert body.headers["X-Accel-Buffering"] == "no"
        assert (body.headers["Connection"], body.headers["Transfer-Encoding"]) == ("close", "chunked")
        assert "Date" in body.headers


async def test_an_event_stream_begins_before_there_is_an_event(node):
    body = await sse(node)
    assert body.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert await body.chunk() == b"\r\n"
    assert (await body.chunk()).startswith(b'data: {"id":1,"connect"')


async def test_the_session_is_a_secret_of_its_own(node):
    greetings = [(await (await sse(node)).message())["connect"] for _ in range(3)]
    known = {g["client"] for g in greetings} | {g["session"] for g in greetings}
    assert len(known) == 6
    assert {g["node"] for g in greetings} == {node.node.uid}
    assert all(len(g["session"]) == 36 for g in greetings)


async def test_each_stream_has_its_methods(node):
    told = {}
    for path in ("sse", "http_stream", "uni_sse", "uni_http_stream"):
        for method in ("GET", "POST", "PUT", "HEAD", "OPTIONS"):
            told[path, method] = (await opened(node, method, f"/connection/{path}", b"{" * (method == "POST"))).status
    for path in ("sse", "uni_sse"):
        assert [told[path, method] for method in ("PUT", "HEAD", "OPTIONS")] == [405, 405, 405]
    for path in ("http_stream", "uni_http_stream"):
        assert [told[path, method] for method in ("GET", "PUT", "HEAD", "OPTIONS")] == [405, 405, 405, 204]
    assert (told["sse", "GET"], told["uni_sse", "GET"]) == (400, 200)  # without cf_connect
    assert (told["sse", "POST"], told["http_stream", "POST"]) == (200, 200)  # what is wrong is told in the stream
    assert (told["uni_sse", "POST"], told["uni_http_stream", "POST"]) == (400, 400)


async def test_a_body_has_a_limit_with_and_without_a_length(make_node):
    node = await make_node(**{**ON, "http_stream": {"enabled": True, "max_request_body_size": 100}})
    assert (await opened(node, "POST", "/connection/http_stream", b"x" * 101)).status == 413
    chunks = b"80\r\n" + b"x" * 128 + b"\r\n0\r\n\r\n"
    answer = await opened(node, "POST", "/connection/http_stream", headers=["Transfer-Encoding: chunked"], rest=chunks)
    assert answer.status == 413


@pytest.mark.shows("upgrade.refused")
async def test_refusals_are_counted_with_their_reason(make_node, telemetry):
    node = await make_node(telemetry=telemetry.telemetry, **ON)
    await opened(node, "GET", "/connection/sse")
    line = telemetry.line("upgrade.refused")
    assert (line["code"], line["reason"], line["path"]) == (400, "cf_connect", "/connection/sse")
    await opened(node, "PUT", "/connection/sse")
    await opened(node, "POST", "/connection/uni_sse", b"{")
    await opened(node, "POST", "/connection/http_stream", b"x" * 70_000)
    _, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(b"POST /connection/http_stream HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
    await asyncio.sleep(0)
    writer.close()
    await until(lambda: telemetry.value(names.UPGRADES, "bad_request") == 5)
    for cause, answer in REFUSED:
        assert telemetry.value(names.REFUSALS, cause, answer) == 1, cause


async def test_an_accepted_stream_is_traced_and_counted_by_its_transport(make_node, telemetry):
    node = await make_node(telemetry=telemetry.telemetry, **ON)
    body = await http_stream(node, connect(), headers=["traceparent: 00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"])
    await body.message()
    span = telemetry.span("websocket.upgrade")
    assert span.attributes["heliograph.transport"] == "http_stream"
    assert (span.attributes["http.request.method"], span.attributes["http.response.status_code"]) == ("POST", 200)
    figures = {figure.labels: figure.value for figure in node.figures() if figure.name == names.CONNECTIONS.name}
    assert figures == {("websocket", "json"): 0, ("http_stream", "json"): 1}
    body.writer.close()
    await until(lambda: not node.station.registry.sockets)
    figures = {figure.labels: figure.value for figure in node.figures() if figure.name == names.CONNECTIONS.name}
    assert figures["http_stream", "json"] == 0


async def test_pages_of_foreign_origins_are_answered_but_may_not_read(node):
    ours = await sse(node, headers=["Origin: https://app.example.com"])
    foreign = await sse(node, headers=["Origin: https://evil.example.com"])
    assert ours.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert (foreign.status, "Access-Control-Allow-Origin" in foreign.headers) == (200, False)


async def test_without_a_place_a_stream_is_told_3013_like_a_websocket(make_node):
    node = await make_node(**ON)
    knock, node.station.entrance.knock = node.station.entrance.knock, lambda _address: Verdict(0.0, "connection_limit")
    body = await sse(node)
    node.station.entrance.knock = knock
    assert (await body.message())["push"]["disconnect"]["code"] == 3013
    assert await body.message() is None


async def test_a_unidirectional_event_stream_takes_its_request_from_url_or_body(node):
    request = json.dumps({"token": token(channels=["stream:a"])})
    for body in (
        await opened(node, "GET", f"/connection/uni_sse?cf_connect={quote(request)}"),
        await opened(node, "POST", "/connection/uni_sse", request.encode()),
    ):
        assert (await body.message())["connect"]["subs"]["stream:a"]["recoverable"] is True


async def test_the_routes_are_closed_until_they_are_opened(make_node):
    node = await make_node()
    for path in ("/connection/sse", "/connection/http_stream", "/emulation", "/connection/uni_sse"):
        assert (await opened(node, "POST", path, b"{}")).status == 404
