"""What happens seldom, made to happen to the real node: gaps, drops, stalls, faults, the order to stop."""

import asyncio
import time

import pytest

from observability import names
from service.api.api_methods import Methods
from service.broker.memory_broker import MemoryBroker
from service.connections import visits
from service.connections.tcp_info import TcpInfo
from tests.e2e.raw import Raw
from tests.e2e.served import token
from tests.e2e.test_happenings import CHANNEL, api, make_node, slow_reader, until

__all__ = ["make_node"]  # the fixture


@pytest.mark.shows("channel.gap", "heliograph_insufficient_state_total")
async def test_a_history_that_begins_anew_is_a_gap_to_everybody_positioned(make_node, telemetry):
    """The broker lost its stream: both positioned subscribers are told, once each."""
    service, port = await make_node()
    clients = [await Raw.connected(port, token(user), CHANNEL) for user in ("ann", "bob")]
    await api(port, "publish", channel=CHANNEL, data=1)
    assert (await api(port, "history_remove", channel=CHANNEL))[0] == 200
    service.hub.lose(service.hub.look(CHANNEL), type(await position(service))(0, "another"), 0)
    for raw in clients:
        while True:
            (reply,) = await raw.replies()
            if "unsubscribe" in reply.get("push", {}):
                break
        assert reply["push"]["unsubscribe"]["code"] == 2500
        await raw.abort()
    assert telemetry.value(names.INSUFFICIENT, "stream") == 2


async def position(service):
    from service.broker.contract import HistoryFilter

    return service.hub.history(CHANNEL, HistoryFilter(limit=0)).position


@pytest.mark.shows("message.dropped", "heliograph_messages_dropped_total")
async def test_a_codec_that_cannot_say_a_message_drops_it_and_closes_nobody(make_node, telemetry, monkeypatch):
    """Our fault: no subscriber gets that publication, and each one is counted as a drop."""
    service, port = await make_node()
    clients = [await Raw.connected(port, token(user), "news") for user in ("ann", "bob")]

    def broken(*_):
        raise RuntimeError("made up")

    for variant in list(service.hub._fanout._encoders):
        monkeypatch.setitem(service.hub._fanout._encoders, variant, broken)
    await api(port, "publish", channel="news", data=1)
    await until(lambda: sum(telemetry.registry.values(names.DROPPED).values()))
    assert sum(telemetry.registry.values(names.DROPPED).values()) == 2
    assert len(service.station.registry) == 2
    for raw in clients:
        await raw.abort()


async def blocked_with_fifty_open_pings(telemetry, port):
    """The loop stands still for 1.5 s while 50 clients owe a pong; they answer a fifth of a second later."""
    clients = await asyncio.gather(*(Raw.connected(port, token(f"user{n}")) for n in range(50)))
    await until(lambda: telemetry.value(names.PINGS) >= 50)
    time.sleep(1.5)
    await asyncio.sleep(0.2)
    for raw in clients:
        raw.send(b"{}")
    await asyncio.sleep(0.5)
    return clients


@pytest.mark.shows("loop.stalled", "heliograph_event_loop_stalls_total", "heliograph_event_loop_lag_seconds")
@pytest.mark.slow
async def test_a_blocked_loop_is_named_and_disconnects_no_healthy_client(make_node, telemetry):
    """50 of 50 (requirement H1)."""
    service, port = await make_node(client__ping_interval="2s", client__pong_timeout="1500ms")
    clients = await blocked_with_fifty_open_pings(telemetry, port)
    assert len(service.station.registry) == 50
    line = telemetry.line("loop.stalled")
    assert line["seconds"] >= 1.3
    assert "test_rare_happenings.py" in line["where"]
    recorder = telemetry.telemetry.connections.recorder
    kinds = {event.told()["event"] for place in range(50) for event in recorder.events(place)}
    assert "loop_stalled" in kinds
    for raw in clients:
        await raw.abort()


@pytest.mark.slow
async def test_without_the_excuse_the_same_block_would_cut_them(make_node, telemetry, monkeypatch):
    """The control of the test above."""
    monkeypatch.setattr(type(telemetry.telemetry.runtime), "excuse", lambda _self: 0.0)
    service, port = await make_node(client__ping_interval="2s", client__pong_timeout="1500ms")
    clients = await blocked_with_fifty_open_pings(telemetry, port)
    assert len(service.station.registry) < 25
    for raw in clients:
        await raw.abort()


@pytest.mark.shows("websocket.connect", "loop.stalled")
async def test_a_span_that_was_under_way_says_that_the_loop_stood_still(make_node, telemetry):
    """The connect command lies unread while the loop is blocked: its span was long, and says why."""
    _, port = await make_node()
    raw = await Raw.open(port)
    raw.command(id=1, connect={"token": token("ann")})
    await asyncio.sleep(0)
    time.sleep(0.8)
    assert (await raw.replies())[0]["id"] == 1
    span = telemetry.span("websocket.connect")
    assert [event.name for event in span.events] == ["loop.stalled"]
    assert span.events[0].attributes["heliograph.stall.seconds"] > 0.5
    assert "test_rare_happenings.py" in span.events[0].attributes["code.location"]
    await asyncio.sleep(0.2)  # the line comes with the tick
    await raw.abort()


@pytest.mark.shows("api.failed", "heliograph_errors_total")
async def test_a_fault_of_ours_in_the_server_api(make_node, telemetry, monkeypatch):
    _, port = await make_node()

    async def broken(*_):
        raise RuntimeError("made up")

    monkeypatch.setattr(Methods, "answer", broken)
    assert (await api(port, "publish", channel=CHANNEL, data=1))[0] == 500
    assert telemetry.line("api.failed")["code"] == 100
    assert telemetry.value(names.ERRORS, "api") == 1


@pytest.mark.shows("service.draining", "heliograph_draining", "service.stopped")
async def test_the_order_to_stop_is_told_before_anybody_is_closed(make_node, telemetry):
    service, port = await make_node()
    raw = await Raw.connected(port, token("ann"))
    assert telemetry.value(names.DRAINING) == 0
    stopping = asyncio.get_running_loop().create_task(service.stop("SIGTERM"))
    assert (await raw.end()).code == 3001
    assert telemetry.value(names.DRAINING) == 1
    assert telemetry.line("service.draining")["connections"] == 1
    await raw.abort()
    await stopping
    events = [line["event"] for line in telemetry.lines]
    assert events.index("service.draining") < events.index("connection.closed") < events.index("service.stopped")


@pytest.mark.shows("heliograph_heartbeats_adapted_total", "heartbeat.adapted")
async def test_a_heartbeat_adapts_to_a_far_network(make_node, telemetry, monkeypatch):
    """What TCP says is recorded; the rest is real. The client was told of the longest interval."""
    service, port = await make_node(client__heartbeat="adaptive")
    far = TcpInfo(0, 0, 1448, 1, 0.9, 0.9, 0.1, 10, 0, 0.8, 5, 0.1, 0.0, 65_535, 0)
    monkeypatch.setattr(visits, "tcp_info", lambda _fd: far)
    raw = await Raw.open(port)
    reply = await raw.ask(id=1, connect={"token": token("ann")})
    assert reply["connect"]["ping"] == 45
    (one,) = service.station.registry.of_user("ann")
    one.visit(one.session.heartbeat.deadline(), 0.0)
    assert {} in await raw.replies()
    assert one.session.heartbeat.settings.interval == 45
    assert telemetry.value(names.HEARTBEATS_ADAPTED, "far") == 1
    events = telemetry.telemetry.connections.recorder.events(one.number)
    assert events[-1].told() == {"at": events[-1].at, "event": "interval", "ms": 45_000}
    await raw.abort()


@pytest.mark.shows("connection.stalled", "connection.recorded", "heliograph_slow_connections")
async def test_a_slow_readers_record_tells_how_it_came_to_that(make_node, telemetry):
    service, port = await make_node(client__queue_max_size=100_000)
    lazy = await slow_reader(port, "lazy", "news")
    while service.station.registry.of_user("lazy"):
        service.hub.publish("news", b'"' + b"x" * 10_000 + b'"')
        await asyncio.sleep(0)
        telemetry.look()
    await until(lambda: not service.station.registry.sockets)
    record = telemetry.line("connection.recorded")
    assert (record["cause"], record["verdict"]) == ("slow_bytes", "client")
    kinds = [event["event"] for event in record["events"]]
    assert kinds[:3] == ["upgraded", "connected", "command"]
    assert kinds[-3:] == ["stalled", "cut", "dropped"]
    assert record["network"]["unacknowledged"] > 0
    assert telemetry.line("connection.closed")["queued_bytes_high"] > 10_000
    await lazy.abort()


def test_a_broker_of_one_node_loses_nothing_by_itself():
    """Hence the gap above is made by hand: this broker's streams end with the process only."""
    assert not hasattr(MemoryBroker, "lose")
