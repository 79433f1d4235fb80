"""Hooks as both SDKs meet them, unmodified: let in, refused, prolonged, asked to come again while the backend is down."""

import time

import pytest

from tests.e2e.served import Served, configuration, token
from tests.sdk.clients import Refused
from tests.service.outside.backend import Backend

pytestmark = pytest.mark.sdk


@pytest.fixture
async def backend():
    async with Backend() as backend:
        yield backend


@pytest.fixture
def server(tmp_path, backend):
    settings = configuration()
    settings["client"]["proxy"] = {
        kind: {"enabled": True, "endpoint": f"{backend.address}/{kind}"} for kind in ("connect", "refresh")
    }
    settings["channel"]["proxy"] = {
        kind: {"endpoint": f"{backend.address}/{kind}"} for kind in ("subscribe", "publish", "sub_refresh")
    }
    switches = {f"{kind}_proxy_enabled": True for kind in ("subscribe", "publish", "sub_refresh")}
    settings["channel"]["namespaces"].append({"name": "asked", **switches})
    settings["rpc"] = {
        "proxy": {"endpoint": f"{backend.address}/rpc"},
        "without_namespace": {"proxy_enabled": True},
    }
    with Served(tmp_path, settings) as served:
        yield served


async def test_the_backend_lets_in_subscribes_publishes_and_answers(sdk, server, backend):
    backend.says("/connect", {"result": {"user": "ada"}})
    backend.says("/subscribe", {"result": {"data": {"hello": 1}}}, {"error": {"code": 403, "message": "not you"}})
    backend.says("/publish", {"result": {"data": "changed"}})
    backend.says("/rpc", {"result": {"data": 42}}, {"error": {"code": 1001, "message": "no answer"}})
    await sdk.connect(server.url)
    await sdk.expect("connected")
    await sdk.subscribe("asked:one")
    assert (await sdk.expect("subscribed", channel="asked:one"))["channel"] == "asked:one"
    await sdk.publish("asked:one", "sent")
    assert (await sdk.expect("publication", channel="asked:one"))["data"] == "changed"
    await sdk.subscribe("asked:two")
    assert (await sdk.expect("unsubscribed", channel="asked:two"))["code"] == 403
    assert await sdk.rpc("question", {"a": 1}) == 42
    with pytest.raises(Refused) as refusal:
        await sdk.rpc("question", {"a": 1})
    assert refusal.value.code == 1001


async def test_a_disconnect_of_the_backend_is_final(sdk, server, backend):
    backend.says("/connect", {"disconnect": {"code": 4501, "reason": "unauthorized"}})
    await sdk.connect(server.url)
    assert (await sdk.expect("disconnected"))["code"] == 4501
    assert len(backend.asked) == 1


@pytest.mark.slow
async def test_an_outage_is_waited_out(sdk, server, backend):
    backend.says("/connect", 500, b"<html>", {"result": {"user": "ada"}})
    await sdk.connect(server.url)
    await sdk.expect("connected")
    assert len(backend.asked) == 3


@pytest.mark.slow
async def test_the_backend_prolongs_and_ends(sdk, server, backend):
    now = int(time.time())
    backend.says("/connect", {"result": {"user": "ada", "expire_at": now + 2}}, {"disconnect": {"code": 4500}})
    backend.says("/refresh", {"result": {"expire_at": now + 4}}, {"result": {"expired": True}})
    await sdk.connect(server.url)
    await sdk.expect("connected")
    assert (await sdk.expect("disconnected"))["code"] == 4500  # after 3005 it came back, and was told to stay away
    assert time.time() > now + 3.5
    assert [path for _, path, _, _ in backend.asked] == ["/connect", "/refresh", "/refresh", "/connect"]


async def test_a_token_needs_no_backend(sdk, server, backend):
    await sdk.connect(server.url, token("ada"))
    await sdk.expect("connected")
    assert backend.asked == []
