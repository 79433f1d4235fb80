import asyncio
import io

import pytest
from aiohttp import web

from observability.observers.api import SilentApiObserver
from service.api import api_messages as messages
from service.api.api_methods import Methods, Node
from service.api.server_api import ApiSettings, ServerApi, worst
from tests.service.api.rooms import FakeConnections, FakeHub, namespaces

KEY = {"X-API-Key": "right"}
TRANSPORT = {**KEY, "X-Centrifugo-Error-Mode": "transport"}
PARENT = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"


class Heard(SilentApiObserver):
    def __init__(self):
        self.calls = []

    def called(self, method, status, error_code, seconds, traceparent=None):
        assert seconds >= 0
        self.calls.append((method, status, error_code, traceparent))


def made(**settings):
    known = namespaces()
    hub, heard = FakeHub(known), Heard()
    methods = Methods(hub, known, FakeConnections(), Node("uid", "name", "1"))
    application = web.Application()
    ServerApi(ApiSettings(**{"key": "right", **settings}), methods, heard).add_routes(application.router)
    return application, hub, heard


@pytest.fixture
async def api(aiohttp_client):
    async def serve(**settings):
        application, hub, heard = made(**settings)
        client = await aiohttp_client(application)
        client.hub, client.heard = hub, heard.calls
        return client

    return serve


async def test_a_call(api):
    client = await api()
    answer = await client.post("/api/publish", json={"channel": "hist:a", "data": {}}, headers=KEY)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert await answer.json() == {"result": {"offset": 1, "epoch": "epoch"}}
    assert client.heard == [("publish", 200, 0, None)]


async def test_an_error_is_an_answer(api):
    client = await api()
    answer = await client.post("/api/publish", json={"channel": "nope:a", "data": {}}, headers=KEY)
    assert answer.status == 200
    assert await answer.json() == {"error": {"code": 102, "message": "unknown channel"}}
    assert client.heard == [("publish", 200, 102, None)]


@pytest.mark.parametrize(
    ("method", "body", "status", "code"),
    [
        ("publish", {"channel": "nope:a", "data": {}}, 404, 102),
        ("publish", {"data": {}}, 400, 107),
        ("presence", {"channel": "open:a"}, 400, 108),
        ("rpc", {"method": "x"}, 404, 104),
    ],
)
async def test_errors_are_statuses_where_that_was_asked_for(api, method, body, status, code):
    for client, headers in ((await api(), TRANSPORT), (await api(transport_errors=True), KEY)):
        answer = await client.post(f"/api/{method}", json=body, headers=headers)
        assert answer.status == status
        assert (await answer.json())["code"] == code


async def test_the_header_only_switches_on(api):
    client = await api(transport_errors=True)
    reply = {**KEY, "X-Centrifugo-Error-Mode": "reply"}
    assert (await client.post("/api/rpc", json={}, headers=reply)).status == 400
    unknown = {**KEY, "X-Centrifugo-Error-Mode": "zzz"}
    assert (await (await api()).post("/api/rpc", json={}, headers=unknown)).status == 200


async def test_batch_and_broadcast_keep_their_errors_inside(api):
    client = await api()
    answer = await client.post("/api/batch", json={"commands": [{"rpc": {}}]}, headers=TRANSPORT)
    assert (answer.status, await answer.json()) == (
        200,
        {"replies": [{"error": {"code": 107, "message": "bad request"}}]},
    )
    assert await (await client.post("/api/batch", json={}, headers=KEY)).json() == {}
    answer = await client.post("/api/broadcast", json={"channels": ["nope:x"], "data": 1}, headers=TRANSPORT)
    assert answer.status == 200


@pytest.mark.parametrize("path", ["/api/nothing", "/api/Info", "/api/info/", "/api/connections", "/api/"])
async def test_an_unknown_method_is_not_found_whatever_the_key(api, path):
    client = await api()
    assert (await client.post(path, json={})).status == 404
    assert (await client.get(path)).status == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS", "DELETE"])
async def test_only_post_calls(api, method):
    client = await api()
    for path in ("/api/publish", "/api"):
        answer = await client.request(method, path)
        assert (answer.status, await answer.read()) == (405, b"")
        assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "", 401),
        ({"X-API-Key": "wrong"}, "", 401),
        ({"X-API-Key": "right"}, "", 200),
        ({"Authorization": "apikey right"}, "", 200),
        ({"Authorization": "ApiKey right"}, "", 200),
        ({"Authorization": "Bearer right"}, "", 401),
        ({"X-API-Key": "wrong", "Authorization": "apikey right"}, "", 401),
        ({"X-API-Key": "wrong"}, "?api_key=right", 200),
        ({"X-API-Key": "right"}, "?api_key=x", 200),
        ({}, "?api_key=x", 401),
    ],
)
async def test_keys(api, headers, query, status):
    client = await api()
    answer = await client.post(f"/api/info{query}", json={}, headers=headers)
    assert answer.status == status
    if status == 401:
        assert await answer.read() == b""
        assert client.heard == [("info", 401, 0, None)]


@pytest.mark.parametrize(("insecure", "status"), [(False, 401), (True, 200)])
async def test_without_a_configured_key_everybody_is_refused_unless_insecure(api, insecure, status):
    client = await api(key="", insecure=insecure)
    assert (await client.post("/api/info", json={}, headers={"X-API-Key": ""})).status == status


@pytest.mark.parametrize("body", ["", "{", "[]", "5", '{"channel":"a"} x', '{"channel":5}'])
async def test_bad_bodies(api, body):
    client = await api()
    answer = await client.post("/api/publish", data=body, headers=KEY)
    assert answer.status == 400
    assert (await answer.text()).startswith("Bad Request: ")
    assert client.heard == [("publish", 400, 0, None)]


async def test_the_trace_comes_in_and_goes_back(api):
    client = await api()
    client.hub.traceparent = "00-" + "3" * 32 + "-" + "4" * 16 + "-01"
    headers = {**KEY, "traceparent": PARENT}
    answer = await client.post("/api/publish", json={"channel": "open:a", "data": 1}, headers=headers)
    assert answer.headers["traceparent"] == client.hub.traceparent
    assert client.hub.published[0][2]["parent"] == PARENT
    assert client.heard == [("publish", 200, 0, PARENT)]


async def test_what_is_not_sampled_has_no_trace(api):
    answer = await (await api()).post("/api/publish", json={"channel": "open:a", "data": 1}, headers=KEY)
    assert "traceparent" not in answer.headers


async def test_old_style(api):
    client = await api()
    one = await client.post("/api", json={"method": "rpc", "params": {"method": "x"}}, headers=TRANSPORT)
    assert (one.status, await one.json()) == (200, {"error": {"code": 104, "message": "not found"}})
    lines = (
        '{"method":"channels","params":{"pattern":"zzz"}}\n{"id":5,"method":"presence","params":{"channel":"pres:a"}}\n'
    )
    two = await client.post("/api", data=lines, headers=KEY)
    assert (await two.text()).split("\n") == ['{"result":{"channels":{}}}', '{"id":5,"result":{"presence":{}}}']
    assert client.heard == [("old_style", 200, 104, None), ("old_style", 200, 0, None)]


@pytest.mark.parametrize("body", ["", "{", '{"method":"foo"}', '{"method":"batch"}'])
async def test_old_style_that_is_bad(api, body):
    client = await api()
    assert (await client.post("/api", data=body, headers=KEY)).status == 400
    assert (await client.post("/api", data=body)).status == 401


@pytest.mark.parametrize(
    ("body", "code"), [('{"method":"publish","params":{"channel":1}}', 107), ("{}", 107), ('{"method":14}', 104)]
)
async def test_old_style_errors_are_answers(api, body, code):
    answer = await (await api()).post("/api", data=body, headers=TRANSPORT)
    assert (answer.status, (await answer.json())["error"]["code"]) == (200, code)


async def test_old_style_commands_before_a_broken_one_are_carried_out(api):
    client = await api()
    body = '{"method":"publish","params":{"channel":"open:a","data":1}}\n' * 100 + "{"
    assert (await client.post("/api", data=body, headers=KEY)).status == 400
    assert len(client.hub.published) == 100


async def test_old_style_spaces_are_no_command(api):
    answer = await (await api()).post("/api", data=" \n", headers=KEY)
    assert (answer.status, await answer.text()) == (200, "")


async def test_a_fault_of_ours_is_counted(api):
    client = await api()
    client.hub.listed = None
    assert (await client.post("/api/channels", json={}, headers=KEY)).status == 500
    assert client.heard == [("channels", 500, 100, None)]


@pytest.mark.parametrize("path", ["/api/publish", "/api"])
async def test_a_body_beyond_the_limit_is_the_caller_s_fault(api, path):
    client = await api()
    answer = await client.post(path, data=io.BytesIO(b" " * 2_000_000), headers=KEY)
    assert answer.status == 413
    assert "http_api.max_request_size" in await answer.text()
    assert client.heard[0][1] == 413


@pytest.mark.parametrize("framing", [b"Content-Length: 100", b"Transfer-Encoding: chunked"])
async def test_a_caller_that_goes_away_is_no_fault_of_ours(framing):
    """On a runner of its own: the test client's cancels handlers, ours does not."""
    application, _, heard = made()
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0])
    head = b"POST /api/publish HTTP/1.1\r\nHost: x\r\nX-API-Key: right\r\nExpect: 100-continue\r\n"
    writer.write(head + framing + b"\r\n\r\n")
    assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")
    writer.write(b"5\r\nab")
    writer.close()
    async with asyncio.timeout(5):
        while not heard.calls:
            await asyncio.sleep(0.01)
    assert heard.calls == [("publish", 400, 0, None)]
    await runner.cleanup()


async def test_another_prefix(api):
    client = await api(path="/back")
    assert (await client.post("/back/info", json={}, headers=KEY)).status == 200
    assert (await client.post("/api/info", json={}, headers=KEY)).status == 404


def failed(code):
    return messages.Response(error=messages.ApiError(code, "x"))


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (messages.Response(result=messages.Done()), 0),
        (failed(107), 107),
        (messages.Response(result=messages.BatchResult()), 0),
        (
            messages.Response(result=messages.BatchResult([{"publish": {}}, {"error": messages.ApiError(107, "x")}])),
            107,
        ),
        (
            messages.Response(
                result=messages.BroadcastResult([messages.Response(result=messages.Done()), failed(102), failed(100)])
            ),
            100,
        ),
    ],
)
def test_a_fault_within_a_batch_or_a_broadcast_is_counted(response, code):
    assert worst(response) == code
