"""Connections: greeting, commands, heartbeats, slowness, and the story at the end."""

from typing import Any

import pytest

from observability import names
from observability.logs import Log, LogSettings
from observability.metrics import Registry, Words
from observability.observers.connections import ConnectionsObserver, ConnectionStory, SilentConnectionsObserver
from observability.observers.instruments import Instruments
from observability.observers.upgrade import Upgrade
from observability.sampling import Gate, SamplingSettings
from observability.tracing import Link

UPGRADE = Link(0xA, 0xB)
CONNECT = Link(0xC, 0xD)


def greeting(observe, link=UPGRADE):
    upgrade = Upgrade(0.0)
    upgrade.link = link
    return observe.greeting(upgrade)


def story(**changes):
    facts: dict[str, Any] = {
        "connection_id": "c1",
        "code": 3001,
        "cause": "shutdown",
        "initiator": "server",
        "lifetime": 12.5,
    }
    return ConnectionStory(**(facts | changes))


@pytest.mark.shows("heliograph_greetings_total", "heliograph_connect_seconds", "websocket.connect")
@pytest.mark.shows("connection.connected")
def test_a_greeting_is_linked_to_its_upgrade(telemetry):
    observe = telemetry.telemetry.connections
    link = observe.connected(greeting(observe), "c1", "ada", "json")
    span = telemetry.span("websocket.connect")
    assert (span.link, span.links) == (link, (UPGRADE,))
    assert span.link.trace_id != UPGRADE.trace_id
    assert span.attributes["enduser.id"] == "ada"
    assert telemetry.value(names.GREETINGS, "connected") == 1
    assert telemetry.value(names.CONNECT_SECONDS) == 1
    assert telemetry.value(names.REQUESTS, "connect") == 1
    line = telemetry.line("connection.connected")
    assert (line["connection_id"], line["user"], line["trace_id"]) == ("c1", "ada", f"{link.trace_id:032x}")


def test_a_greeting_that_is_not_sampled_leaves_numbers_only(telemetry):
    observe = telemetry.telemetry.connections
    assert observe.connected(greeting(observe, None), "c1", "ada", "json") is None
    assert not telemetry.spans
    assert not telemetry.lines
    assert telemetry.value(names.CONNECT_SECONDS) == 1


def test_a_user_of_the_list_is_traced_though_the_upgrade_was_not(telemetry):
    telemetry.instruments.gate = Gate(SamplingSettings(users=frozenset({"ada"})), lambda: 0.999)
    observe = telemetry.telemetry.connections
    assert observe.connected(greeting(observe, None), "c1", "ada", "json") is not None
    assert observe.connected(greeting(observe, None), "c2", "bob", "json") is None
    assert telemetry.value(names.TRACES_SAMPLED, "allow_list") == 1


@pytest.mark.shows("connection.refused")
def test_a_refused_greeting_counts_once(telemetry):
    observe = telemetry.telemetry.connections
    refused = greeting(observe)
    observe.refused(refused, 109, "c1")
    observe.refused(refused, 1000, "c1", "client_closed")
    assert telemetry.value(names.GREETINGS, "refused") == 1
    assert telemetry.value(names.GREETINGS, "abandoned") == 0
    assert telemetry.value(names.ERRORS, "connect") == 0
    line = telemetry.line("connection.refused")
    assert (line["code"], line["trace_id"]) == (109, f"{UPGRADE.trace_id:032x}")


def test_a_client_that_leaves_before_its_greeting_abandons_it(telemetry):
    observe = telemetry.telemetry.connections
    observe.refused(greeting(observe), 3000, "c1", "network_lost")
    assert telemetry.value(names.GREETINGS, "abandoned") == 1


def test_a_greeting_that_fails_by_our_fault_is_an_error_with_a_span(telemetry):
    observe = telemetry.telemetry.connections
    observe.refused(greeting(observe), 100, "c1")
    assert telemetry.value(names.GREETINGS, "failed") == 1
    assert telemetry.value(names.ERRORS, "connect") == 1
    span = telemetry.span("websocket.connect")
    assert (span.error, span.links) == ("100", (UPGRADE,))
    assert telemetry.line("connection.refused")["span_id"] == f"{span.link.span_id:016x}"


@pytest.mark.shows("heliograph_commands_total", "heliograph_requests_total", "heliograph_errors_total")
@pytest.mark.shows("command.failed", "command.refused")
def test_commands_are_counted_by_method_and_code(telemetry):
    observe = telemetry.telemetry.connections
    observe.command("subscribe")
    observe.command("subscribe", 103, "c1", why="no option allows it")
    observe.command("connect", 109, "c2")
    observe.command("publish", 100, "c1")
    assert telemetry.value(names.COMMANDS_TOTAL, "subscribe", "0") == 1
    assert telemetry.value(names.COMMANDS_TOTAL, "subscribe", "103") == 1
    assert telemetry.value(names.REQUESTS, "command") == 4
    assert telemetry.value(names.ERRORS, "command") == 1
    line = telemetry.line("command.failed")
    assert (line["method"], line["connection_id"], line["level"]) == ("publish", "c1", "error")
    line = telemetry.line("command.refused")
    assert (line["method"], line["code"], line["connection_id"]) == ("subscribe", 103, "c1")
    assert (line["reason"], line["level"]) == ("no option allows it", "info")


@pytest.mark.shows("heliograph_messages_received_total", "heliograph_message_bytes_received_total")
def test_received_messages_and_bytes(telemetry):
    telemetry.telemetry.connections.received(3, 120)
    assert telemetry.value(names.MESSAGES_RECEIVED) == 3
    assert telemetry.value(names.MESSAGE_BYTES_RECEIVED) == 120


@pytest.mark.shows("heliograph_pings_total", "heliograph_pongs_total", "heliograph_heartbeat_rtt_seconds")
@pytest.mark.shows("websocket.heartbeat")
def test_a_sampled_heartbeat_has_a_span_linked_to_the_connect(telemetry):
    telemetry.instruments.gate = Gate(SamplingSettings(), lambda: 0.0)
    observe = telemetry.telemetry.connections
    observe.pinged()
    observe.ponged(0.04, CONNECT, "c1")
    span = telemetry.span("websocket.heartbeat")
    assert (span.links, span.attributes["heliograph.heartbeat.outcome"]) == ((CONNECT,), "answered")
    assert span.end - span.start == 40_000_000
    assert telemetry.value(names.PINGS) == telemetry.value(names.PONGS) == telemetry.value(names.HEARTBEAT_RTT) == 1


def test_a_heartbeat_is_an_exemplar_if_its_trace_is_kept(telemetry):
    """One a second, by the span's own word: the Collector throws others away."""
    telemetry.instruments.gate = Gate(SamplingSettings(), lambda: 0.0)
    for connection in ("c1", "c2"):
        telemetry.telemetry.connections.ponged(0.04, CONNECT, connection)
    first, second = telemetry.spans
    kept = "heliograph.heartbeat.kept"
    assert (first.attributes[kept], second.attributes[kept]) == (True, False)
    told = b"".join(telemetry.registry.render())
    assert f"{first.link.trace_id:032x}".encode() in told
    assert f"{second.link.trace_id:032x}".encode() not in told


def test_most_heartbeats_are_numbers_only(telemetry):
    telemetry.instruments.gate = Gate(SamplingSettings(), lambda: 0.5)
    telemetry.telemetry.connections.ponged(0.04, CONNECT, "c1")
    assert not telemetry.spans
    assert telemetry.value(names.PONGS) == 1


@pytest.mark.shows("heliograph_heartbeats_late_total", "heartbeat.late")
def test_a_late_heartbeat_is_always_told(telemetry):
    telemetry.telemetry.connections.heartbeat_late(5.0, CONNECT, "c1")
    assert telemetry.value(names.HEARTBEATS_LATE) == telemetry.value(names.PONGS) == 1
    span = telemetry.span("websocket.heartbeat")
    assert span.attributes["heliograph.heartbeat.outcome"] == "late"
    assert telemetry.line("heartbeat.late")["trace_id"] == f"{span.link.trace_id:032x}"
    assert f'trace_id="{span.link.trace_id:032x}"'.encode() in b"".join(telemetry.registry.render())
    assert span.attributes["heliograph.heartbeat.kept"]


@pytest.mark.shows("heliograph_heartbeats_missed_total", "heartbeat.missed")
def test_a_missed_heartbeat_is_an_error(telemetry):
    telemetry.telemetry.connections.heartbeat_missed(8.0, None, "c1")
    assert telemetry.value(names.HEARTBEATS_MISSED) == 1
    assert telemetry.span("websocket.heartbeat").error == "no_pong"
    assert telemetry.line("heartbeat.missed")["seconds"] == 8.0


@pytest.mark.shows("connection.stalled")
def test_a_stalled_client_has_a_name(telemetry):
    telemetry.telemetry.connections.stalled("c1", 70_000, CONNECT)
    line = telemetry.line("connection.stalled")
    assert (line["connection_id"], line["queued_bytes"], line["trace_id"]) == ("c1", 70_000, f"{0xC:032x}")


@pytest.mark.shows("heliograph_connections_closed_total", "heliograph_connection_lifetime_seconds")
@pytest.mark.shows("websocket.close", "connection.closed")
def test_one_line_tells_the_whole_story(telemetry):
    telemetry.telemetry.connections.closed(
        story(user="ada", reason="shutdown", link=CONNECT, sent=7, received=3, queued_bytes=10)
    )
    assert telemetry.value(names.CONNECTIONS_CLOSED, "3001", "shutdown", "server") == 1
    assert telemetry.value(names.CONNECTION_LIFETIME) == 1
    span = telemetry.span("websocket.close")
    assert (span.links, span.error, span.attributes["heliograph.close.code"]) == ((CONNECT,), "", 3001)
    line = telemetry.line("connection.closed")
    wanted = {"connection_id": "c1", "user": "ada", "code": 3001, "cause": "shutdown", "lifetime": 12.5, "sent": 7}
    assert wanted.items() <= line.items()
    assert line["span_id"] == f"{span.link.span_id:016x}"


@pytest.mark.shows("connection.recorded")
def test_an_end_that_nobody_wanted_is_told_with_its_record(telemetry):
    observe = telemetry.telemetry.connections
    begun = observe.greeting(Upgrade(0.0), 7)
    observe.connected(begun, "c1", "ada", "json", 7)
    observe.command("publish", 0, "c1", 7)  # answered ones are no events
    observe.command("publish", 103, "c1", 7)
    observe.pinged(7)
    observe.ponged(0.25, None, "c1", 7)
    observe.heartbeat_missed(8.0, None, "c1", 7)
    observe.waiting(7, 10, 20)
    observe.closed(
        story(
            code=3012, cause="no_pong", user="ada", place=7, abnormal=True, link=CONNECT,
            network={"resent": 3}, verdict="network",
        )
    )  # fmt: skip
    line = telemetry.line("connection.recorded")
    assert (line["cause"], line["verdict"], line["network"]) == ("no_pong", "network", {"resent": 3})
    assert line["trace_id"]
    assert [event["event"] for event in line["events"]] == ["upgraded", "connected", "command", "ping_missed"]
    closed = telemetry.line("connection.closed")
    assert (closed["pings"], closed["pongs"], closed["rtt"], closed["rtt_high"]) == (1, 1, 0.25, 0.25)
    assert closed["queued_bytes_high"] == 30
    assert "events" not in closed
    assert observe.recorder.ended[-1]["events"] == line["events"]


def test_an_expected_end_leaves_no_record(telemetry):
    observe = telemetry.telemetry.connections
    observe.greeting(Upgrade(0.0), 7)
    observe.closed(story(place=7))
    assert [line["event"] for line in telemetry.lines] == ["connection.closed"]
    assert observe.recorder.ended[-1]["cause"] == "shutdown"


def test_a_mass_close_writes_every_line(telemetry):
    for number in range(500):
        telemetry.telemetry.connections.closed(story(connection_id=f"c{number}"))
    assert len(telemetry.lines) == 500
    assert not telemetry.spans


def test_a_close_by_our_fault_or_without_a_cause_is_an_error(telemetry):
    observe = telemetry.telemetry.connections
    observe.closed(story(code=3004, cause="unknown", link=CONNECT))
    assert telemetry.span("websocket.close").error == "3004"


def test_silence():
    observe = SilentConnectionsObserver()
    silent = observe.greeting(Upgrade(0.0))
    assert observe.connected(silent, "c", "u", "json") is None
    observe.refused(silent, 100)
    observe.command("ping")
    observe.received(1, 1)
    observe.pinged()
    observe.ponged(0.1)
    observe.heartbeat_late(0.1)
    observe.heartbeat_missed(0.1)
    observe.stalled("c", 1)
    observe.closed(story())


def test_usual_ends_are_counted_from_zero_on():
    """Else the first close of a kind would be no increase to anybody who watches."""
    row = ("3012", "no_pong", "server")
    registry = Registry(Words(close_codes=("3012",), close_causes=("no_pong",), ends=(row,)))
    observe = ConnectionsObserver(
        Instruments(registry, Log(LogSettings(stdout=False), ()), Gate(SamplingSettings(), lambda: 0.9))
    )
    assert registry.values(names.CONNECTIONS_CLOSED) == {row: 0}
    observe.closed(story(code=3012, cause="no_pong"))
    assert registry.values(names.CONNECTIONS_CLOSED) == {row: 1}
