"""Hooks against a whole node and a real backend that behaves, errs, stalls and lies."""

import asyncio
import base64
import json
import time
from pathlib import Path

import jwt
import pytest

from observability import names
from tests.service.connections.authority import Authority
from tests.service.connections.conftest import SECRET
from tests.service.outside.backend import Backend, drips, gushes, raw, response, stalls
from tests.waiting import until


@pytest.fixture
async def backend():
    async with Backend() as backend:
        yield backend


def connect_hook(backend, **more):
    return {"proxy": {"connect": {"enabled": True, "endpoint": backend.address + "/connect", **more}}}


def channel_hook(backend, kind, options=None, **more):
    return {
        "proxy": {kind: {"endpoint": f"{backend.address}/{kind}", **more}},
        "without_namespace": {f"{kind}_proxy_enabled": True, **(options or {})},
    }


async def said(peer, *commands):
    """The reply to the last of the commands, or ("close", code, reason)."""
    peer.text(*commands)
    while True:
        opcode, payload = await peer.any_frame()
        if opcode == 8:
            return ("close", int.from_bytes(payload[:2]), payload[2:].decode())
        for line in payload.split(b"\n"):
            reply = json.loads(line)
            if reply.get("id") == commands[-1]["id"]:
                return reply


async def greet(node, *headers, **connect):
    return await said(await node.peer(*headers), {"id": 1, "connect": connect})


# ------------------------------------------------------------------------------------ connect


@pytest.mark.slow
async def test_certificates_towards_a_backend_are_replaced_while_clients_are_there(start, telemetry, tmp_path):
    """Both sides change their authority: bad files keep the old ones, good ones are used without a restart."""
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    certificate, key = first.issue("heliograph", days=3)
    tls = {"enabled": True, "server_ca_pem": str(first.file), "cert_pem": certificate, "key_pem": key}
    yes = {"result": {"user": "ann"}}

    async with Backend(first.serving()) as backend:
        backend.says("/connect", yes)
        node = await start(client=connect_hook(backend, http={"tls": tls}))
        stays = await node.peer()
        assert "connect" in await said(stays, {"id": 1, "connect": {}})
        Path(certificate).write_text("half a file")
        await until(lambda: telemetry.value(names.CERTIFICATE_RELOADS, "refused"))
        assert "connect" in await greet(node), "the old one is still in use"
        assert backend.shown == ["heliograph"] * len(backend.shown)
    second.issue("renewed", file="heliograph", days=3)
    first.file.write_text(second.pem)
    await until(lambda: telemetry.value(names.CERTIFICATE_RELOADS, "loaded") == 2)
    async with Backend(second.serving(), backend.port) as backend:
        backend.says("/connect", yes)
        assert "connect" in await greet(node)
        assert set(backend.shown) == {"renewed"}
    assert (await said(stays, {"id": 2, "rpc": {"method": "x"}}))["id"] == 2, "it is still there"
    told = telemetry.line("certificate.refused")
    assert (told["dependency"], told["reason"]) == ("default", "cert_pem: the file holds no PEM block (-----BEGIN …)")
    assert 80_000 < telemetry.value(names.OUTSIDE_CERTIFICATE_EXPIRY, "default") <= 86_400, (
        "the authority's is the first"
    )


@pytest.mark.shows("hook.call", "heliograph_outside_calls_total")
async def test_the_backend_says_who_connects(start, backend, telemetry):
    ends = int(time.time()) + 100
    backend.says(
        "/connect",
        {
            "result": {
                "user": "ann",
                "expire_at": ends,
                "info": {"name": "Ann"},
                "data": {"hello": 1},
                "channels": ["news"],
                "subs": {"mine": {"data": {"x": 1}, "info": {"role": "admin"}}},
                "meta": {"plan": "gold"},
            }
        },
    )
    hook = connect_hook(
        backend,
        http_headers=["Cookie", "X-Real-Ip"],
        emulated_headers=["Authorization"],
        http={"static_headers": {"X-Secret": "s3"}},
    )
    node = await start(client=hook)
    connect = {
        "data": {"a": 1},
        "name": "js",
        "version": "5",
        "subs": {"other": {}},
        "headers": {"authorization": "B x"},
    }
    reply = await greet(node, "Cookie: sid=1", "X-Other: 2", **connect)
    result = reply["connect"]
    assert (result["data"], result["expires"], 95 <= result["ttl"] <= 100) == ({"hello": 1}, True, True)
    assert set(result["subs"]) == {"news", "mine"}
    assert result["subs"]["mine"]["data"] == {"x": 1}
    [asked] = backend.bodies("/connect")
    assert asked == {
        "client": result["client"],
        "transport": "websocket",
        "protocol": "json",
        "encoding": "json",
        "name": "js",
        "version": "5",
        "channels": ["other"],
        "data": {"a": 1},
    }
    [headers] = backend.headers("/connect")
    assert (headers["cookie"], headers["authorization"], headers["x-secret"]) == ("sid=1", "B x", "s3")
    assert headers["content-type"] == "application/json"
    assert "x-other" not in headers
    assert telemetry.value(names.OUTSIDE_CALLS, "default", "connect", "done") == 1
    span = telemetry.span("hook.call")
    assert headers["traceparent"] == f"00-{span.link.trace_id:032x}-{span.link.span_id:016x}-01"
    assert span.parent == telemetry.span("websocket.upgrade").link


async def test_a_token_goes_before_the_hook(start, backend):
    node = await start(client=connect_hook(backend))
    token = jwt.encode({"sub": "bob"}, SECRET, algorithm="HS256")
    assert "connect" in await greet(node, token=token)
    assert backend.asked == []


@pytest.mark.parametrize(("anonymous", "answer"), [(True, "connect"), (False, ("close", 3501, "bad request"))])
async def test_a_backend_that_knows_nobody(start, backend, anonymous, answer):
    backend.says("/connect", {})
    node = await start(client={**connect_hook(backend), "allow_anonymous_connect_without_token": anonymous})
    reply = await greet(node)
    assert reply == answer or answer in reply


REFUSALS = {
    "error": ({"error": {"code": 1000, "message": "no", "temporary": True}}, (1000, "no", True)),
    "error 403": ({"error": {"code": 403, "message": "permission denied"}}, (403, "permission denied", None)),
    "disconnect": ({"disconnect": {"code": 4501, "reason": "unauthorized"}}, ("close", 4501, "unauthorized")),
    "both": (
        {"result": {"user": "a"}, "error": {"code": 1000}, "disconnect": {"code": 4000, "reason": "x"}},
        ("close", 4000, "x"),
    ),
    "unknown channel": ({"result": {"user": "a", "channels": ["nowhere:x"]}}, (102, "unknown channel", None)),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refusal_keeps_the_backend_s_words(start, backend, case):
    answer, expected = REFUSALS[case]
    backend.says("/connect", answer)
    node = await start(client=connect_hook(backend))
    reply = await greet(node)
    if expected[0] != "close":
        error = reply["error"]
        reply = (error["code"], error["message"], error.get("temporary"))
    assert reply == expected


GARBAGE = {
    "not JSON": (b"<html>", "the answer is not JSON"),
    "a list": (b"[]", "the answer has a field of the wrong type: Expected `object`, got `array`"),
    "half a character": (b'{"result":{"user":"\xff"}}', "the answer is not JSON"),
    "wrong type": (
        {"result": {"user": 5}},
        "the answer has a field of the wrong type: Expected `str`, got `int` - at `$.result.user`",
    ),
    "channels": (
        {"result": {"user": "a", "channels": "x"}},
        "the answer has a field of the wrong type: Expected `array`, got `str` - at `$.result.channels`",
    ),
    "b64info": ({"result": {"user": "a", "b64info": "?"}}, "a b64 field is not base64"),
    "b64info no JSON": (
        {"result": {"user": "a", "b64info": base64.b64encode(b"\x00").decode()}},
        "the answer's b64info is not JSON",
    ),
    "b64data for JSON": (
        {"result": {"user": "a", "b64data": base64.b64encode(b"\x00").decode()}},
        "the answer's b64data is not JSON, and the client takes nothing else",
    ),
    "expire_at": ({"result": {"user": "a", "expire_at": -1}}, "the answer's expire_at is no Unix time in seconds"),
    "error without code": ({"error": {"message": "x"}}, "the answer's error has no code of 1 to 65535"),
    "close code": (
        {"disconnect": {"code": 1000, "reason": "x"}},
        "the answer's disconnect code is not one of 3000 to 4999",
    ),
    "long reason": (
        {"disconnect": {"code": 4000, "reason": "x" * 200}},
        "the answer's disconnect reason is longer than 123 bytes",
    ),
    "deep info": (b'{"result":{"user":"a","info":' + b"[" * 300 + b"]" * 300 + b"}}", "a payload of the answer nests"),
    "status": (500, "status 500 instead of 200"),
    "redirect": (raw(response(302, b"", "Location: /x")), "status 302 instead of 200; redirects are not followed"),
    "huge": (gushes, "the answer is longer than 1048576 bytes"),
    "half": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), "no HTTP as it should be: ClientPayloadError"),
}


@pytest.mark.shows("outside.failed")
@pytest.mark.parametrize("case", GARBAGE)
async def test_garbage_is_refused_with_a_sentence(start, backend, telemetry, case):
    answer, sentence = GARBAGE[case]
    backend.says("/connect", answer)
    node = await start(client=connect_hook(backend))
    error = (await greet(node))["error"]
    assert (error["code"], error["temporary"]) == (100, True)
    line = telemetry.line("outside.failed")
    assert line["reason"].startswith(sentence)
    assert (line["dependency"], line["kind"]) == ("default", "connect")
    assert line["connection_id"]


@pytest.mark.parametrize("slow", [stalls, drips])
async def test_a_slow_backend_is_error_100_within_its_budget_and_holds_up_nobody(start, backend, telemetry, slow):
    backend.says("/connect", slow)
    node = await start(client=connect_hook(backend, timeout="1s"))
    began = time.monotonic()
    waiting = [asyncio.ensure_future(greet(node)) for _ in range(50)]
    await until(lambda: len(backend.asked) >= 50)
    asked = time.monotonic()
    fast = await node.greeted()  # with a token
    assert time.monotonic() - asked < 0.45
    assert not any(task.done() for task in waiting), "it came in while all the others wait"
    assert (await said(fast, {"id": 2, "publish": {"channel": "a", "data": 1}}))["publish"] == {}
    replies = await asyncio.gather(*waiting)
    assert {reply["error"]["code"] for reply in replies} == {100}
    assert time.monotonic() - began < 3
    assert not any(task.done() is False for task in waiting)


async def test_the_breaker_opens_and_closes(start, backend, telemetry):
    backend.says("/connect", 500)
    node = await start(client=connect_hook(backend))
    codes = [(await greet(node))["error"]["code"] for _ in range(30)]
    assert set(codes) == {100}
    assert len(backend.asked) == 20
    assert telemetry.value(names.OUTSIDE_CALLS, "default", "connect", "breaker_open") == 10
    assert telemetry.line("breaker.opened")["kind"] == "connect"


async def test_a_status_can_mean_something(start, backend):
    transforms = [
        {"status_code": 403, "to_error": {"code": 403, "message": "permission denied"}},
        {"status_code": 401, "to_disconnect": {"code": 4501, "reason": "unauthorized"}},
    ]
    backend.says("/connect", 403, 401, 404)
    node = await start(client=connect_hook(backend, http={"status_to_code_transforms": transforms}))
    assert (await greet(node))["error"] == {"code": 403, "message": "permission denied"}
    assert await greet(node) == ("close", 4501, "unauthorized")
    assert (await greet(node))["error"]["code"] == 100


async def test_questions_that_only_ask_are_asked_again(start, backend, telemetry):
    backend.says("/connect", 503, raw(b""), {"result": {"user": "ann"}})
    node = await start(client=connect_hook(backend))
    assert "connect" in await greet(node)
    assert len(backend.asked) == 3
    assert telemetry.value(names.OUTSIDE_RETRIES, "default", "connect") == 2


async def test_a_client_that_leaves_takes_its_question_along(start, backend, telemetry):
    backend.says("/connect", stalls)
    node = await start(client=connect_hook(backend, timeout="5s"))
    peer = await node.peer()
    peer.text({"id": 1, "connect": {}})
    while not backend.asked:
        await asyncio.sleep(0.01)
    peer.writer.transport.abort()
    while node.station.registry.sockets or len(node.station.errands):
        await asyncio.sleep(0.01)
    assert telemetry.value(names.OUTSIDE_CALLS, "default", "connect", "abandoned") == 1


async def test_a_client_that_says_goodbye_while_the_backend_thinks_is_not_connected(start, backend, telemetry):
    backend.says("/connect", stalls)
    node = await start(client=connect_hook(backend, timeout="200ms"))
    peer = await node.peer()
    peer.text({"id": 1, "connect": {}})
    while not backend.asked:
        await asyncio.sleep(0.01)
    peer.writer.write(bytes.fromhex("888200000000") + (1000).to_bytes(2))
    assert (await peer.closed())[0] == 1000
    while node.station.registry.sockets:
        await asyncio.sleep(0.01)
    assert telemetry.value(names.GREETINGS, "connected") == 0


# ------------------------------------------------------------------------------------ refresh


@pytest.mark.slow
async def test_the_backend_prolongs_connections(start, backend, monkeypatch):
    monkeypatch.setattr("service.connections.commands.renewing.PATIENCE", 0.3)
    now = int(time.time())
    backend.says("/connect", {"result": {"user": "ann", "expire_at": now + 2, "meta": {"plan": "gold"}}})
    backend.says("/refresh", 500, {"result": {"expire_at": now + 4, "info": {"n": 2}}}, {"result": {"expired": True}})
    refresh = {"enabled": True, "endpoint": backend.address + "/refresh", "include_connection_meta": True}
    client = connect_hook(backend)
    client["proxy"]["refresh"] = refresh
    node = await start(client=client)
    peer = await node.peer()
    reply = await said(peer, {"id": 1, "connect": {}})
    assert "expires" not in reply["connect"]
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    await peer.replies()
    assert await asyncio.wait_for(_close(peer), 8) == 3005
    assert 3.5 < time.time() - now < 7
    bodies = backend.bodies("/refresh")
    assert len(bodies) == 3
    assert (bodies[0]["user"], bodies[0]["meta"]) == ("ann", {"plan": "gold"})


async def _close(peer):
    peer.patience = 8
    return (await peer.closed())[0]


async def test_where_the_backend_prolongs_no_client_does(start, backend):
    refresh = {"enabled": True, "endpoint": backend.address + "/refresh"}
    node = await start(client={"proxy": {"refresh": refresh}})
    peer = await node.greeted()
    token = jwt.encode({"sub": "ann"}, SECRET, algorithm="HS256")
    assert await said(peer, {"id": 2, "refresh": {"token": token}}) == ("close", 3501, "bad request")


# ---------------------------------------------------------------------- subscribe, sub_refresh


async def test_the_backend_says_who_subscribes(start, backend):
    backend.says(
        "/subscribe",
        {"result": {"data": {"d": 1}, "info": {"i": 1}, "expire_at": int(time.time()) + 100}},
        {"error": {"code": 403, "message": "permission denied"}},
        {"disconnect": {"code": 4500, "reason": "go"}},
    )
    node = await start(channel=channel_hook(backend, "subscribe", {"allow_subscribe_for_client": False}))
    peer = await node.greeted("ann")
    reply = await said(peer, {"id": 2, "subscribe": {"channel": "a", "data": {"q": 1}}})
    assert (reply["subscribe"]["data"], reply["subscribe"]["expires"]) == ({"d": 1}, True)
    asked = backend.bodies("/subscribe")[0]
    assert (asked["user"], asked["channel"], asked["data"]) == ("ann", "a", {"q": 1})
    assert (await said(peer, {"id": 3, "subscribe": {"channel": "b"}}))["error"]["code"] == 403
    assert await said(peer, {"id": 4, "subscribe": {"channel": "c"}}) == ("close", 4500, "go")


async def test_tokens_and_limited_channels_are_not_the_backend_s_to_judge(start, backend):
    hook = channel_hook(backend, "subscribe", {"allow_user_limited_channels": True})
    node = await start(channel=hook)
    peer = await node.greeted("ann")
    token = jwt.encode({"sub": "ann", "channel": "a"}, SECRET, algorithm="HS256")
    assert "subscribe" in await said(peer, {"id": 2, "subscribe": {"channel": "a", "token": token}})
    assert "subscribe" in await said(peer, {"id": 3, "subscribe": {"channel": "x#ann"}})
    reply = await said(peer, {"id": 4, "subscribe": {"channel": "x#bob"}})
    assert reply["error"]["code"] == 103
    assert backend.asked == []


@pytest.mark.slow
async def test_the_backend_prolongs_subscriptions(start, backend):
    now = int(time.time())
    backend.says("/subscribe", {"result": {"expire_at": now + 2}})
    backend.says("/sub_refresh", {"result": {"expire_at": now + 4}}, {"result": {"expired": True}})
    channel = channel_hook(backend, "subscribe")
    channel["proxy"] |= {"sub_refresh": {"endpoint": backend.address + "/sub_refresh"}}
    channel["without_namespace"]["sub_refresh_proxy_enabled"] = True
    node = await start(channel=channel)
    peer = await node.greeted("ann")
    reply = await said(peer, {"id": 2, "subscribe": {"channel": "a"}})
    assert "expires" not in reply["subscribe"]
    peer.patience = 8
    _, payload = await peer.frame()
    assert json.loads(payload)["push"] == {
        "channel": "a",
        "unsubscribe": {"code": 2501, "reason": "subscription expired"},
    }
    assert 3.5 < time.time() - now < 6
    assert [body["channel"] for body in backend.bodies("/sub_refresh")] == ["a", "a"]


# ------------------------------------------------------------------------------ publish and rpc


async def test_the_backend_says_who_publishes_and_what(start, backend):
    backend.says(
        "/publish",
        {"result": {}},
        {"result": {"data": {"changed": True}, "tags": {"t": "1"}}},
        {"error": {"code": 400, "message": "no"}},
        {"result": {"b64data": base64.b64encode(b"\x00").decode()}},
    )
    node = await start(channel=channel_hook(backend, "publish"))
    peer = await node.greeted("ann")
    await said(peer, {"id": 2, "subscribe": {"channel": "a"}})
    publish = {"channel": "a", "data": {"x": 1}}
    pushes = []
    for number, expected in ((3, "publish"), (4, "publish"), (5, 400), (6, 100)):
        peer.text({"id": number, "publish": publish})
        reply = None
        while reply is None:
            for message in await peer.replies():
                if message.get("id") == number:
                    reply = message
                else:
                    pushes.append(message["push"]["pub"])
        assert expected in reply or reply["error"]["code"] == expected
    assert [push["data"] for push in pushes] == [{"x": 1}, {"changed": True}]
    assert pushes[1]["tags"]["t"] == "1"
    assert backend.bodies("/publish")[0]["data"] == {"x": 1}


async def test_what_may_happen_only_once_is_asked_once(start, backend):
    backend.says("/publish", 503, {"result": {}})
    node = await start(channel=channel_hook(backend, "publish"))
    peer = await node.greeted("ann")
    reply = await said(peer, {"id": 2, "publish": {"channel": "a", "data": 1}})
    assert reply["error"]["code"] == 100
    assert len(backend.asked) == 1


async def test_the_backend_answers_calls(start, backend):
    backend.says("/rpc", {"result": {"data": {"answer": 2019}}}, {"error": {"code": 404, "message": "nope"}}, {})
    backend.says("/billing", {"result": {"data": 1}})
    node = await start(
        proxies=[{"name": "billing", "endpoint": backend.address + "/billing", "timeout": "2s"}],
        rpc={
            "proxy": {"endpoint": backend.address + "/rpc"},
            "without_namespace": {"proxy_enabled": True},
            "namespaces": [
                {"name": "pay", "proxy_enabled": True, "proxy_name": "billing"},
                {"name": "off"},
            ],
        },
    )
    peer = await node.greeted("ann")
    rpc = {"method": "price", "data": {"id": 12}}
    assert (await said(peer, {"id": 2, "rpc": rpc}))["rpc"] == {"data": {"answer": 2019}}
    asked = backend.bodies("/rpc")[0]
    assert (asked["user"], asked["method"], asked["data"]) == ("ann", "price", {"id": 12})
    assert (await said(peer, {"id": 3, "rpc": rpc}))["error"] == {"code": 404, "message": "nope"}
    assert (await said(peer, {"id": 4, "rpc": rpc}))["rpc"] == {}
    assert (await said(peer, {"id": 5, "rpc": {"method": "pay:x"}}))["rpc"] == {"data": 1}
    assert (await said(peer, {"id": 6, "rpc": {"method": "off:x"}}))["error"]["code"] == 108
    assert (await said(peer, {"id": 7, "rpc": {"method": "none:x"}}))["error"]["code"] == 104
    assert (await said(peer, {"id": 8, "rpc": {"method": "heliograph.nothing"}}))["error"]["code"] == 104


async def test_binary_encoding_sends_base64(start, backend):
    backend.says("/rpc", {"result": {"b64data": base64.b64encode(b'{"a":1}').decode()}})
    node = await start(
        rpc={
            "proxy": {"endpoint": backend.address + "/rpc", "binary_encoding": True},
            "without_namespace": {"proxy_enabled": True},
        }
    )
    peer = await node.greeted("ann")
    reply = await said(peer, {"id": 2, "rpc": {"method": "x", "data": {"q": 1}}})
    assert reply["rpc"] == {"data": {"a": 1}}
    asked = backend.bodies("/rpc")[0]
    assert (asked["encoding"], base64.b64decode(asked["b64data"])) == ("binary", b'{"q": 1}')


async def test_one_hook_that_is_down_stops_no_other(start, backend):
    """A breaker and a bulkhead for each kind and name."""
    backend.says("/rpc", stalls)
    backend.says("/publish", {"result": {}})
    channel = channel_hook(backend, "publish")
    node = await start(
        channel=channel,
        rpc={
            "proxy": {"endpoint": backend.address + "/rpc", "timeout": "300ms"},
            "without_namespace": {"proxy_enabled": True},
        },
    )
    callers = [await node.greeted(f"u{n}") for n in range(25)]
    calls = [asyncio.ensure_future(said(peer, {"id": 2, "rpc": {"method": "x"}})) for peer in callers]
    publisher = await node.greeted("ann")
    began = time.monotonic()
    assert (await said(publisher, {"id": 2, "publish": {"channel": "a", "data": 1}}))["publish"] == {}
    assert time.monotonic() - began < 0.25
    assert {reply["error"]["code"] for reply in await asyncio.gather(*calls)} == {100}
    began = time.monotonic()
    assert (await said(callers[0], {"id": 3, "rpc": {"method": "x"}}))["error"]["code"] == 100
    assert time.monotonic() - began < 0.2  # the breaker is open: at once
    assert (await said(publisher, {"id": 3, "publish": {"channel": "a", "data": 1}}))["publish"] == {}
