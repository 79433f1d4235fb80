"""The real node tells what happens to it: sockets, commands and a broker make the happenings, no test calls an observer."""

import asyncio
import contextlib
import json
from collections import Counter

import aiohttp
import pytest

from observability import names
from service.app import Service
from service.broker.contract import BrokerUnavailable
from service.broker.memory_broker import MemoryBroker
from service.config import load
from service.protocol import framing
from tests.e2e.raw import UPGRADE, Gone, Raw
from tests.e2e.served import KEY, configuration, token
from tests.waiting import until

CHANNEL = "stream:news"


@pytest.fixture
async def make_node(telemetry, tmp_path):
    running = []

    async def make(**changes):
        doors = {"address": "127.0.0.1", "port": 0, "internal_port": 0}
        file = tmp_path / "config.json"
        file.write_text(json.dumps(configuration(http_server=doors, **changes)))
        service = Service(load(file, {}), telemetry.telemetry)
        public, _ = await service.start()
        running.append(service)
        return service, public.port

    yield make
    for service in running:
        if service.station.leaving is None:
            await service.stop("the test is over")
        assert not service.hub.ledger.unaccounted, "whatever the test did, it is known what became of each message"
        assert not service.station.closes.unaccounted(len(service.station.registry.sockets))


async def api(port, method, key=KEY, **params):
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://127.0.0.1:{port}/api/{method}", json=params, headers={"X-API-Key": key}) as answer,
    ):
        return answer.status, await answer.json() if answer.status == 200 else {}


async def slow_reader(port, user, *channels):
    """A client whose socket takes next to nothing, and that does not read."""
    raw = await Raw.connected(port, token(user), *channels, narrow=True)
    raw.writer.transport.pause_reading()
    return raw


@pytest.mark.shows("heliograph_connections_closed_total", "heliograph_connection_lifetime_seconds", "websocket.close")
@pytest.mark.shows("heliograph_upgrades_total", "heliograph_upgrade_seconds", "connection.closed")
@pytest.mark.shows("heliograph_greetings_total", "heliograph_connect_seconds", "heliograph_messages_received_total")
@pytest.mark.shows("heliograph_message_bytes_received_total", "connection.refused", "connection.connected")
async def test_every_end_is_counted_once_with_its_cause(make_node, telemetry):
    """Guarantee 3, from the socket: as many ends as there were upgrades, none of them `unknown`."""
    service, port = await make_node(
        client__stale_close_delay="600ms", client__queue_max_size=100_000, websocket={"message_size_limit": 20_000}
    )

    async def connected(user="ada", *channels):
        return await Raw.connected(port, token(user), *channels)

    said = {
        "bad_frame": b"\x81\x00",  # not masked
        "bad_utf8": framing.client_frame(framing.TEXT, b"\xff", b"abcd"),
        "message_too_big": framing.client_frame(framing.TEXT, b"x" * 20_001, b"abcd"),
        "protocol_error": framing.client_frame(framing.TEXT, b"no JSON", b"abcd"),
        "client_closed": framing.client_frame(framing.CLOSE, (1000).to_bytes(2), b"abcd"),
    }
    clients = []
    for words in said.values():
        raw = await connected()
        raw.writer.write(words)
        clients.append(raw)
    clients.append(await Raw.open(port))  # says nothing: stale
    bad = await Raw.open(port)
    bad.command(id=1, connect={"token": "no.to.ken"})
    clients.append(bad)
    clients.append(await connected("eve"))
    assert (await api(port, "disconnect", user="eve"))[0] == 200
    ends = Counter([(await raw.end()).code for raw in clients])
    assert ends == Counter([1002, 1007, 1009, 3501, 1000, 3502, 3500, 3503])

    lost = await connected()
    await lost.abort()
    lazy = await slow_reader(port, "slow", CHANNEL)
    while service.station.registry.of_user("slow"):
        service.hub.publish(CHANNEL, b'"' + b"x" * 10_000 + b'"')
        await asyncio.sleep(0)
    last = await connected()
    for raw in (*clients, lost, lazy):
        await raw.abort()
    await until(lambda: len(service.station.registry.sockets) == 1)
    stopping = asyncio.get_running_loop().create_task(service.stop("SIGTERM"))
    assert (await last.end()).code == 3001
    await last.abort()
    await stopping

    counted = {labels: count for labels, count in telemetry.registry.values(names.CONNECTIONS_CLOSED).items() if count}
    causes = {cause: count for (_, cause, _), count in counted.items()}
    assert causes == dict.fromkeys(
        [*said, "stale_greeting", "invalid_token", "forced_by_api", "network_lost", "slow_bytes", "shutdown"], 1
    )
    assert sum(counted.values()) == telemetry.value(names.UPGRADES, "accepted")
    lines = [line for line in telemetry.lines if line["event"] == "connection.closed"]
    assert Counter(line["cause"] for line in lines) == Counter(causes)


@pytest.mark.shows("heliograph_pings_total", "heliograph_pongs_total", "heliograph_heartbeat_rtt_seconds")
@pytest.mark.shows("heliograph_heartbeats_missed_total", "heliograph_heartbeats_late_total", "websocket.heartbeat")
@pytest.mark.shows("heartbeat.late", "heartbeat.missed")
@pytest.mark.slow
async def test_a_heartbeat_in_time_a_late_and_a_missed_one(make_node, telemetry):
    """Two misses end it; a pong after the first one is late."""
    _, port = await make_node(client__ping_interval="1s", client__pong_timeout="200ms", client__pong_misses=2)
    raw = await Raw.connected(port, token("ada"))
    assert await raw.replies() == [{}]
    raw.send(b"{}")
    assert await raw.replies() == [{}]
    await until(lambda: telemetry.value(names.HEARTBEATS_MISSED) == 1)
    raw.send(b"{}")
    await until(lambda: telemetry.value(names.HEARTBEATS_LATE) == 1)
    assert (await raw.end()).code == 3012
    await raw.abort()
    assert telemetry.value(names.PONGS) == 2
    assert telemetry.value(names.HEARTBEATS_MISSED) == 3
    assert telemetry.value(names.PINGS) == 4


@pytest.mark.shows("heliograph_commands_total", "heliograph_publications_total", "heliograph_publish_seconds")
@pytest.mark.shows("heliograph_messages_delivered_total", "heliograph_message_delivery_seconds")
@pytest.mark.shows("heliograph_fanout_seconds", "heliograph_subscribes_total", "heliograph_unsubscribes_total")
@pytest.mark.shows("heliograph_recoveries_total", "heliograph_broker_operations_total", "heliograph_requests_total")
@pytest.mark.shows("heliograph_broker_operation_seconds", "heliograph_api_requests_total", "message.published")
@pytest.mark.shows("heliograph_api_request_seconds", "heliograph_traces_sampled_total", "service.started")
@pytest.mark.shows("service.ready", "heliograph_ready", "message.refused", "command.refused")
async def test_what_clients_and_backends_ask_for(make_node, telemetry):
    _, port = await make_node()
    raw = await Raw.connected(port, token("ada"), CHANNEL)
    await raw.ask(id=5, publish={"channel": CHANNEL, "data": 1})
    assert (await api(port, "publish", channel=CHANNEL, data=2))[1]["result"]["offset"] == 2
    assert (await api(port, "publish", channel="nowhere:a", data=2))[1]["error"]["code"] == 102
    raw.command(id=6, history={"channel": "news"})
    while "error" not in (reply := (await raw.replies())[-1]):
        pass
    assert reply["error"]["code"] == 108
    position = (await raw.ask(id=7, history={"channel": CHANNEL}))["history"]
    await raw.ask(id=8, unsubscribe={"channel": CHANNEL})
    await api(port, "publish", channel=CHANNEL, data=3)
    place = {"offset": position["offset"], "epoch": position["epoch"]}
    again = await raw.ask(id=9, subscribe={"channel": CHANNEL, "recover": True, **place})
    assert [pub["data"] for pub in again["subscribe"]["publications"]] == [3]
    assert telemetry.value(names.COMMANDS_TOTAL, "history", "108") == 1
    assert telemetry.value(names.PUBLICATIONS, "stream", "api") == 2
    assert telemetry.value(names.PUBLICATIONS, "stream", "client") == 1
    assert telemetry.value(names.DELIVERED, "stream") == 2
    assert telemetry.line("command.refused")["reason"] == "the namespace keeps no history"
    telemetry.look()
    await raw.abort()


@pytest.mark.shows("heliograph_publish_errors_total", "heliograph_errors_total", "broker.failed", "message.failed")
@pytest.mark.shows("command.failed")
async def test_a_broker_that_fails_is_our_fault_to_all_who_ask(make_node, telemetry, monkeypatch):
    _, port = await make_node()
    raw = await Raw.connected(port, token("ada"), CHANNEL)

    def gone(*_arguments, **_named):
        raise BrokerUnavailable("it is not there")

    monkeypatch.setattr(MemoryBroker, "publish", gone)
    assert (await api(port, "publish", channel=CHANNEL, data=1))[1]["error"]["code"] == 100
    raw.command(id=5, publish={"channel": CHANNEL, "data": 1})
    assert (await raw.replies())[0]["error"]["code"] == 100
    assert telemetry.value(names.ERRORS, "publish") == 2
    await raw.abort()


@pytest.mark.shows("upgrade.refused", "api.refused", "heliograph_upgrades_total")
async def test_who_is_refused_at_the_doors(make_node, telemetry):
    _, port = await make_node()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(UPGRADE.replace("Upgrade: websocket\r\n", "").encode())
    assert (await reader.readuntil(b"\r\n")).split()[1] == b"400"
    writer.transport.abort()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    assert (await api(port, "publish", key="wrong", channel=CHANNEL, data=1))[0] == 401
    assert telemetry.line("upgrade.refused")["reason"] == "upgrade_header"
    assert telemetry.value(names.API_REQUESTS, "publish", "401") == 1


async def test_a_slow_reader_is_cut_resumes_and_harms_nobody(make_node, telemetry):
    """Guarantee 2: what waits for it is bounded, the others get everything, and it recovers what it had not read."""
    service, port = await make_node(client__queue_max_size=100_000)
    fast = await Raw.connected(port, token("fast"), CHANNEL)
    slow = await slow_reader(port, "slow", CHANNEL)
    sent, worst, heard = 0, 0, []
    while service.station.registry.of_user("slow"):
        sent += 1
        service.hub.publish(CHANNEL, json.dumps({"n": sent, "filling": "x" * 10_000}).encode())
        heard += [reply["push"]["pub"]["data"]["n"] for reply in await asyncio.wait_for(fast.replies(), 5)]
        worst = max(worst, service.station.sums.outbox_bytes)
        assert sent < 400, "the reader that stopped is still there"
    assert 0 < worst <= 100_000 + 11_000  # and the frame that the kernel took a part of
    assert heard == list(range(1, sent + 1))
    slow.writer.transport.resume_reading()
    read: list[int] = []
    with contextlib.suppress(Gone):
        while True:
            read += [reply["push"]["pub"]["data"]["n"] for reply in await slow.replies()]
    await slow.abort()
    assert read == list(range(1, len(read) + 1))
    assert len(read) < sent
    epoch = (await fast.ask(id=9, history={"channel": CHANNEL}))["history"]["epoch"]
    again = await Raw.connected(port, token("slow"))
    place = {"recover": True, "offset": len(read), "epoch": epoch}
    result = (await again.ask(id=2, subscribe={"channel": CHANNEL, **place}))["subscribe"]
    assert result["recovered"]
    assert [pub["data"]["n"] for pub in result["publications"]] == list(range(len(read) + 1, sent + 1))
    for raw in (fast, again):
        await raw.abort()
