"""Values of labels that no other test makes, each by what a client, a backend or a stranger does to a real node."""

import asyncio
import json
import time

import jwt
import pytest

from observability import names
from service.broker.contract import HistoryFilter, PublishOptions
from service.presence.contract import PresenceUnavailable
from tests.service.connections.conftest import SECRET, make_node

__all__ = ["make_node"]
KEYED = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
VERSION = "Sec-WebSocket-Version: 13\r\n"
ASKING = "Upgrade: websocket\r\nConnection: Upgrade\r\n"


async def says(node, text):
    """The first line of the answer to these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    writer.write(text.encode())
    try:
        return (await asyncio.wait_for(reader.readline(), 5)).decode()
    finally:
        writer.close()


def upgrade(headers, version="1.1"):
    return f"GET /connection/websocket HTTP/{version}\r\nHost: a\r\n{headers}\r\n"


REFUSED = {
    "connection_header": upgrade("Upgrade: websocket\r\n" + VERSION + KEYED),
    "http_version": upgrade(ASKING + VERSION + KEYED, "1.0"),
    "version_header": upgrade(ASKING + KEYED),
    "key_header": upgrade(ASKING + VERSION),
    "key": upgrade(ASKING + VERSION + "Sec-WebSocket-Key: short\r\n"),
}


async def test_upgrades_that_are_none(make_node):
    node = await make_node()
    for cause, text in REFUSED.items():
        assert " 400 " in await says(node, text)
        assert node.telemetry.registry.value(names.REFUSALS, cause, "400") == 1


def called(method, body="{}", verb="POST", headers=""):
    return (
        f"{verb} /api/{method} HTTP/1.1\r\nHost: a\r\nX-API-Key: key\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    )


async def test_every_status_of_the_server_api(make_node):
    keeping = {"without_namespace": {"history_size": 3, "history_ttl": "10s"}}
    node = await make_node(channel=keeping, http_api={"max_request_size": 1000}, http_server={"door_timeout": "300ms"})
    as_status = "X-Centrifugo-Error-Mode: transport\r\n"
    lost = json.dumps({"channel": "a", "limit": 1, "since": {"offset": 1, "epoch": "lost"}})
    asked = {
        "400": called("info", "no JSON"),
        "404": called("nothing"),
        "405": called("info", verb="GET"),
        "408": called("info").replace("Content-Length: 2", "Content-Length: 20"),
        "413": called("info", "x" * 1001),
        "415": called("info", headers="Content-Encoding: gzip\r\n"),
        "416": called("history", lost, headers=as_status),
    }
    for status, text in asked.items():
        assert f" {status} " in await says(node, text)
    counted = node.telemetry.registry.values(names.API_REQUESTS)
    assert {status for (_, status), count in counted.items() if count} == set(asked)
    assert node.telemetry.registry.value(names.ERRORS, "api") == 0


async def connected(node):
    peer = await node.greeted()
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    await peer.replies()
    return peer


async def test_every_method_of_clients(make_node):
    everything = {
        "presence": True,
        "allow_presence_for_client": True,
        "history_size": 3,
        "history_ttl": "10s",
        "allow_history_for_client": True,
    }
    node = await make_node(channel={"without_namespace": everything})
    peer = await connected(node)
    ticket = jwt.encode({"sub": "ann", "channel": "b", "exp": int(time.time()) + 100}, SECRET, "HS256")
    peer.text({"id": 3, "subscribe": {"channel": "b", "token": ticket}})
    await peer.replies()
    for number, command in enumerate(
        (
            {"presence": {"channel": "a"}},
            {"presence_stats": {"channel": "a"}},
            {"history": {"channel": "a"}},
            {"sub_refresh": {"channel": "b", "token": ticket}},
            {"rpc": {"method": "x"}},
            {"unsubscribe": {"channel": "a"}},
        ),
        4,
    ):
        peer.text({"id": number, **command})
        await peer.replies()
    done = node.telemetry.registry.values(names.COMMANDS_TOTAL)
    seen = {method for (method, _), count in done.items() if count}
    assert seen == set(names.COMMANDS) - {"refresh", "publish"}


async def test_a_history_that_begins_a_new_epoch(make_node):
    node = await make_node(channel={"without_namespace": {"history_size": 3, "history_ttl": "10s"}})
    kept = PublishOptions(history_size=3, history_ttl=10.0)
    epoch = node.broker.history("a", HistoryFilter(), kept).position.epoch
    assert node.broker.renew_epoch("a", epoch, kept).position.epoch != epoch


async def test_reports_that_cannot_be_measured(make_node):
    node = await make_node(channel={"without_namespace": {"history_size": 3, "history_ttl": "10s"}})
    for number, report in enumerate(
        (
            {"ended": {"code": 3012, "reason": "no pong", "seconds": 3}},
            {"ended": {"code": 2, "reason": "no ping", "seconds": 3}},
            {"ended": {"code": 77, "reason": "?", "seconds": 3}},
            {"clock": 0, "error": 1, "received": [{"channel": "elsewhere", "offset": 1, "at": 1}]},
            {"clock": 0, "error": 1, "received": [{"channel": "a", "offset": 9, "at": 1}]},
            {"clock": "late"},
        )
    ):
        peer = await connected(node)
        peer.text({"id": 30 + number, "rpc": {"method": "heliograph.report", "data": report}})
        await peer.replies()
    values = node.telemetry.registry.values
    assert {seen for (seen,), count in values(names.CLIENT_DISCONNECTS).items() if count} == {
        "no_ping",
        "server",
        "other",
    }
    assert values(names.UNMEASURED)[("not_subscribed",)] == 1
    assert values(names.UNMEASURED)[("unknown",)] == 1
    assert values(names.REPORTS)[("malformed",)] == 1


async def test_places_in_admission(make_node):
    """A queue that is full, and one address that comes too often."""
    node = await make_node(client={"connection_limit": 1, "connection_queue_size": 1})
    await node.greeted()
    waiting = asyncio.ensure_future(node.peer())
    await asyncio.sleep(0)
    peers = await asyncio.gather(*(node.peer() for _ in range(3)), waiting)
    assert {(await peer.closed())[0] for peer in peers} == {3013}
    assert node.telemetry.registry.value(names.REFUSALS, "waiting_room_full", "3013") >= 1
    often = await make_node(client={"address_connection_rate_limit": 1})
    codes = [(await peer.closed())[0] for peer in [await often.peer() for _ in range(4)][1:]]
    assert 3013 in codes
    assert often.telemetry.registry.value(names.REFUSALS, "address_rate", "3013") >= 1


async def test_questions_that_are_asked_once_more(make_node):
    """Every hook that only asks is tried again while its backend refuses connections; those that act are not."""
    nobody = {"endpoint": "http://127.0.0.1:9", "timeout": "400ms"}
    node = await make_node(
        client={"proxy": {"refresh": {"enabled": True, **nobody}}},
        channel={
            "proxy": {kind: nobody for kind in ("subscribe", "publish", "sub_refresh")},
            "without_namespace": {
                "allow_subscribe_for_client": False,
                "subscribe_proxy_enabled": True,
                "publish_proxy_enabled": True,
            },
        },
        rpc={"proxy": nobody, "without_namespace": {"proxy_enabled": True}},
    )
    peer = await node.greeted()
    for number, command in enumerate(
        (
            {"subscribe": {"channel": "a"}},
            {"publish": {"channel": "a", "data": 1}},
            {"rpc": {"method": "x"}},
        ),
        2,
    ):
        peer.text({"id": number, **command})
        (reply,) = await peer.replies()
        assert reply["error"]["code"] == 100
    tries = {kind for (_, kind), count in node.telemetry.registry.values(names.OUTSIDE_RETRIES).items() if count}
    assert tries == {"subscribe"}


async def test_a_receipt_that_says_nothing_new(make_node):
    kept = {"history_size": 3, "history_ttl": "10s", "force_recovery": True, "receipts": True}
    node = await make_node(channel={"without_namespace": kept})
    peer = await connected(node)
    node.hub.publish("a", b"1")
    await peer.replies()
    for number in (5, 6):
        receipt = {"channel": "a", "offset": 1}
        peer.text({"id": number, "rpc": {"method": "heliograph.receipt", "data": receipt}})
        (reply,) = await peer.replies()
        assert "error" not in reply
    counted = node.telemetry.registry.values(names.RECEIPTS)
    assert sum(count for (result,), count in counted.items() if result == "repeated") == 1


async def test_a_presence_that_cannot_be_taken_back(make_node, monkeypatch):
    """The client leaves all the same; what failed is counted."""

    def unavailable(*_):
        raise PresenceUnavailable("timeout")

    node = await make_node(channel={"without_namespace": {"presence": True}})
    peer = await connected(node)
    monkeypatch.setattr(type(node.presence), "remove", unavailable)
    peer.text({"id": 3, "unsubscribe": {"channel": "a"}})
    (reply,) = await peer.replies()
    assert "unsubscribe" in reply
    assert node.telemetry.registry.value(names.PRESENCE_FAILURES, "remove") == 1


@pytest.mark.slow
async def test_a_connection_that_a_backend_out_of_reach_should_prolong(make_node):
    """It is asked more than once, and the connection stays."""
    nobody = {"enabled": True, "endpoint": "http://127.0.0.1:9", "timeout": "400ms"}
    node = await make_node(client={"proxy": {"refresh": nobody}})
    peer = await node.peer()
    peer.text({"id": 1, "connect": {"token": jwt.encode({"sub": "ann", "exp": int(time.time()) + 2}, SECRET, "HS256")}})
    await peer.replies()
    async with asyncio.timeout(20):
        while not node.telemetry.registry.values(names.OUTSIDE_RETRIES).get(("default", "refresh")):
            await asyncio.sleep(0.05)
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    assert "subscribe" in (await peer.replies())[0]
