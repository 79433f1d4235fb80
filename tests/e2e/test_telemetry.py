"""What the real node tells: one message from the backend to its receivers, and what waits for a client that reads nothing."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from observability import names
from service.app import Service
from service.config import load
from tests.e2e.raw import Raw
from tests.e2e.served import KEY, configuration, token
from tests.waiting import until

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def node(telemetry, tmp_path):
    settings = configuration(http_server={"address": "127.0.0.1", "port": 0, "internal_port": 0})
    file = tmp_path / "config.json"
    file.write_text(json.dumps(settings))
    service = Service(load(file, {}), telemetry.telemetry)
    public, internal = await service.start()
    yield service, public.port, internal.port
    if service.station.leaving is None:
        await service.stop("the test is over")


async def leave(*clients):
    for client in clients:
        await client.abort()


async def publish(port, channel, **headers):
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"http://127.0.0.1:{port}/api/publish",
            json={"channel": channel, "data": {"text": "hello"}},
            headers={"X-API-Key": KEY, **headers},
        ) as answer,
    ):
        assert answer.status == 200
        return answer.headers


def ended(telemetry, name):
    return [span for span in telemetry.spans if span.name.name == name]


@pytest.mark.shows("heliograph_connections", "heliograph_channels", "heliograph_subscriptions")
@pytest.mark.shows("websocket.upgrade", "websocket.connect", "message.publish", "broker.publish", "message.fanout")
async def test_one_message_is_one_trace_that_leads_to_its_receivers(node, telemetry):
    _, port, internal = node
    receivers = [await Raw.connected(port, token(user), "stream:news") for user in ("ada", "bob")]
    headers = await publish(port, "stream:news", traceparent=CALLER)
    pushes = [(await receiver.replies())[0]["push"] for receiver in receivers]
    await until(lambda: ended(telemetry, "message.fanout"))

    message, broker, fanout = (telemetry.span(name) for name in ("message.publish", "broker.publish", "message.fanout"))
    assert f"{message.link.trace_id:032x}" == CALLER.split("-")[1]
    assert f"{message.parent.span_id:016x}" == CALLER.split("-")[2]
    assert broker.parent == fanout.parent == message.link
    connects = {span.link: span for span in ended(telemetry, "websocket.connect")}
    upgrades = {span.link: span for span in ended(telemetry, "websocket.upgrade")}
    assert set(fanout.links) == set(connects)
    assert {link for span in connects.values() for link in span.links} == set(upgrades)
    assert len(upgrades) == 2

    traceparent = f"00-{message.link.trace_id:032x}-{message.link.span_id:016x}-01"
    assert headers["traceparent"] == traceparent
    assert [push["pub"]["tags"] for push in pushes] == [{"traceparent": traceparent}] * 2
    assert telemetry.line("message.published")["trace_id"] == CALLER.split("-")[1]
    async with aiohttp.ClientSession() as session:
        scraped = await session.get(
            f"http://127.0.0.1:{internal}/metrics", headers={"Accept": "application/openmetrics-text"}
        )
        text = await scraped.text()
    assert f'# {{trace_id="{CALLER.split("-")[1]}"}}' in text
    assert 'heliograph_messages_delivered_total{namespace="stream"} 2' in text
    telemetry.look()
    await leave(*receivers)


@pytest.mark.shows("heliograph_backlog_messages", "heliograph_backlog_bytes", "heliograph_outbox_messages")
@pytest.mark.shows("heliograph_outbox_bytes", "heliograph_kernel_unsent_bytes", "heliograph_unsent_oldest_seconds")
@pytest.mark.shows("heliograph_slow_connections", "heliograph_fanout_lag_seconds", "connection.stalled")
@pytest.mark.shows("heliograph_backlog_memory_bytes", "heliograph_backlog_limit_bytes")
@pytest.mark.shows("message.deliver", "message.late")
async def test_what_waits_for_a_client_that_reads_nothing_is_seen(node, telemetry):
    service, port, _ = node
    lazy = await Raw.open(port, narrow=True)
    await lazy.ask(id=1, connect={"token": token("ada")})
    await lazy.ask(id=2, subscribe={"channel": "stream:news"})
    transport: Any = lazy.writer.transport
    transport.pause_reading()
    for _ in range(25):
        for _ in range(4):
            service.hub.publish("stream:news", b'"' + b"x" * 8000 + b'"')
        telemetry.look()  # before the fan-out has its turn
        await asyncio.sleep(0)
    await until(lambda: telemetry.value(names.OUTBOX_BYTES) > 0)
    await until(lambda: telemetry.value(names.KERNEL_UNSENT) > 0)
    await until(lambda: telemetry.value(names.UNSENT_OLDEST) > 0.3)
    assert telemetry.value(names.SLOW_CONNECTIONS) == 1
    assert telemetry.value(names.BACKLOG_LIMIT) == 512 * 1024 * 1024
    assert telemetry.value(names.BACKLOG_BYTES) > telemetry.value(names.OUTBOX_BYTES)
    assert 0 < telemetry.value(names.BACKLOG_MEMORY) <= telemetry.value(names.BACKLOG_BYTES)
    assert telemetry.value(names.BACKLOG_MESSAGES) > telemetry.value(names.OUTBOX_MESSAGES) > 0
    telemetry.look()
    transport.resume_reading()
    reading = asyncio.get_running_loop().create_task(lazy.end())
    await until(lambda: telemetry.value(names.OUTBOX_BYTES) == 0)
    assert telemetry.value(names.SLOW_CONNECTIONS) == 0
    await leave(lazy)
    await reading


@pytest.mark.shows("connection.closed", "service.draining", "service.stopped", "heliograph_connections_closed_total")
async def test_the_end_is_told_for_everybody(node, telemetry):
    service, port, _ = node
    clients = [await Raw.connected(port, token("ada")) for _ in range(3)]
    stopping = asyncio.get_running_loop().create_task(service.stop("SIGTERM"))
    assert [(await client.end()).code for client in clients] == [3001] * 3
    await leave(*clients)
    await stopping
    assert telemetry.value(names.CONNECTIONS_CLOSED, "3001", "shutdown", "server") == 3
    closed = [line for line in telemetry.lines if line["event"] == "connection.closed"]
    assert {line["user"] for line in closed} == {"ada"}
    assert all("trace_id" in line for line in closed)
    assert telemetry.line("service.stopped")["reason"] == "SIGTERM"
