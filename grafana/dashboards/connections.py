"""Connections: how many, how they end, and how their hearts beat."""

from grafana_foundation_sdk.builders import heatmap, logs, stat, table, timeseries

from grafana.dashboards.panels import bars, heat, lines, log_lines, number, on_the_right, stacked, traces
from grafana.dashboards.queries import (
    LINES,
    buckets,
    happened,
    increase,
    jaeger,
    loki,
    percentiles,
    prometheus,
    quantile,
    total,
)

CLOSED = "heliograph_connections_closed_total"


def connections() -> stat.Panel:
    """Open connections as one number."""
    return number(
        "Connections",
        "Open connections of the chosen instances. Normal is your own daily course. A cliff: read Closes by cause; a "
        "steep rise: a reconnect storm, read Upgrades by result on Connections & upgrade.",
        "short",
        (),
        prometheus(total("heliograph_connections"), "connections"),
    )


def by_transport() -> timeseries.Panel:
    """Open connections by what they speak."""
    panel = lines(
        "Open connections",
        "Open connections by transport and protocol. Normal is your own daily course, nearly all websocket. Many sse "
        "or http_stream: a proxy between those clients and us lets no WebSocket through.",
        "short",
        prometheus(total("heliograph_connections", "transport, protocol"), "{{transport}}, {{protocol}}"),
    )
    return stacked(panel.fill_opacity(25))


def closes() -> timeseries.Panel:
    """Closes by cause."""
    return bars(
        "Closes by cause",
        "Ended connections in each step, by cause, from a closed list. Normal is client_closed and some network_lost."
        " shutdown belongs to a deploy; slow_… are readers that were cut and resume; no_pong are dead networks; "
        "unknown is a defect of ours, report it with its log line.",
        prometheus(happened(CLOSED, "cause"), "{{cause}}"),
    )


def codes() -> timeseries.Panel:
    """Closes by code and by who began."""
    return bars(
        "Closes by code",
        "Ended connections in each step, by close code and by who began: client, server or network. Normal is 1000 of "
        "clients and 3000 of the network. From 3000 on the code is ours and docs/reference/close-codes.md says "
        "whether the client comes back.",
        prometheus(happened(CLOSED, "code, initiator"), "{{code}} by {{initiator}}"),
    )


def as_clients_saw() -> timeseries.Panel:
    """What clients say how their connections ended."""
    return lines(
        "Ends as clients saw them",
        "How clients say that their last connection ended, in each step, as they report after coming back. Normal is "
        "transport_closed. no_ping in numbers: our pings do not reach them, though we may think that all is well; "
        "compare Event loop lag.",
        "short",
        prometheus(increase("heliograph_client_disconnects_total", "seen"), "{{seen}}"),
    )


def lifetimes() -> heatmap.Panel:
    """How old connections become."""
    return heat(
        "Lifetimes of ended connections",
        "Ended connections by how long they lived. Normal is minutes to days. A band at a round number is a timeout of "
        "a proxy in front (60 s is the usual one): raise it above the ping interval; a band at the bottom: clients "
        "that are thrown out at once, see Closes by cause.",
        "s",
        buckets("heliograph_connection_lifetime_seconds", exemplars=False),
    )


def round_trips() -> timeseries.Panel:
    """From ping to pong."""
    return lines(
        "Ping to pong, percentiles",
        "Median, P95 and P99 from ping to pong; the diamonds lead to traces. Normal is the network's round trip, tens "
        "of milliseconds. All up at once: us (event loop lag) or the network in front; the P99 alone: mobile clients.",
        "s",
        *percentiles("heliograph_heartbeat_rtt_seconds"),
    )


def heartbeats() -> timeseries.Panel:
    """Pings and what became of them."""
    panel = lines(
        "Heartbeats",
        "Pings that stayed without a pong, pongs that came slowly, and all pings (right), in each step. Normal is no "
        "missed one, or a few from dead networks: they are closed with cause no_pong. Many at once: a network path, or "
        "we stood still; our own stalls are discounted.",
        "short",
        prometheus(increase("heliograph_heartbeats_missed_total"), "missed"),
        prometheus(increase("heliograph_heartbeats_late_total"), "late"),
        prometheus(increase("heliograph_pings_total"), "pings"),
    )
    return on_the_right(panel, "pings", "short")


def adapted() -> timeseries.Panel:
    """Networks that got worse or better."""
    return lines(
        "Adapted heartbeats",
        "Connections whose heartbeat was adapted in each step, by the new state of their network. Normal is few, and "
        "about as many back to normal as to weak. Many to weak at once: a network that many share gets worse.",
        "short",
        prometheus(increase("heliograph_heartbeats_adapted_total", "to"), "{{to}}"),
    )


def heartbeat_p99() -> stat.Panel:
    """The slowest hundredth of round trips as one number."""
    return number(
        "P99 ping to pong",
        "99 of 100 pongs come back within this time. Normal is below 300 ms. Above a second: a network path, or the "
        "clients' own event loops; compare Event loop lag for ours.",
        "s",
        ((1, "yellow"), (5, "orange")),
        prometheus(quantile(0.99, "heliograph_heartbeat_rtt_seconds"), "p99"),
    )


def ended_lines() -> logs.Panel:
    """The story of each ended connection."""
    return log_lines(
        "Ended connections, in words",
        "One line an ended connection: cause, age, what was sent and received, what waited. Normal is client_closed. "
        "Open a line: its connection_id finds all lines of that connection, its trace_id its traces.",
        loki(f"{LINES} | event=`connection.closed`", lines=100),
    )


def latest_upgrades() -> table.Panel:
    """A way into Jaeger without an exemplar."""
    return traces(
        "Latest sampled connections",
        "The latest traces of upgrades: websocket.upgrade until the 101, linked from websocket.connect. Normal is some "
        "new ones each minute. None: nobody connects, sampling is off, or the Collector is away.",
        jaeger("websocket.upgrade"),
    )
