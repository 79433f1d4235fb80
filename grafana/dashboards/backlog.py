"""Backlog and slow readers: what was accepted and not yet taken."""

from grafana_foundation_sdk.builders import logs, stat, timeseries

from grafana.dashboards.panels import bars, lines, log_lines, number, on_the_right, stacked
from grafana.dashboards.queries import LINES, happened, highest, loki, prometheus, total

MESSAGES, CONNECTIONS = total("heliograph_backlog_messages"), total("heliograph_connections")
#: Waiting messages per connection at which HeliographBacklog calls.
BACKLOG_LIMIT = 1.5


def per_connection() -> stat.Panel:
    """The backlog as one number."""
    return number(
        "Backlog per connection",
        "Messages that wait to be taken, per connection: in our outboxes and in the kernel. Normal is near 0. Above "
        "1.5 for two minutes somebody is called; see Slow readers for whether it is a few of them or all.",
        "short",
        ((1, "yellow"), (BACKLOG_LIMIT, "red")),
        prometheus(f"{MESSAGES} / {CONNECTIONS}", "messages per connection"),
    ).decimals(2)


def slow() -> stat.Panel:
    """Slow connections as one number."""
    return number(
        "Slow connections",
        "Connections that do not take what is sent to them. Normal is a few, on mobile networks; each is bounded in "
        "bytes and in age, then cut, and resumes. More than one in twenty: look for what they share (a proxy, a "
        "network).",
        "short",
        ((10, "yellow"), (100, "orange")),
        prometheus(total("heliograph_slow_connections"), "slow connections"),
    )


def against_connections() -> timeseries.Panel:
    """Backlog in messages and bytes against connections."""
    panel = lines(
        "Backlog against connections",
        "Waiting messages, their bytes (right), the connections, and the line of 1.5 for each connection at which "
        "HeliographBacklog calls. Normal is a backlog near 0 with short spikes after large publications. A backlog "
        "that climbs: too much is published for the readers' networks, or we do not get to writing (event loop lag).",
        "short",
        prometheus(MESSAGES, "waiting messages"),
        prometheus(CONNECTIONS, "connections"),
        prometheus(f"{BACKLOG_LIMIT} * {CONNECTIONS}", "limit"),
        prometheus(total("heliograph_backlog_bytes"), "waiting bytes"),
    )
    return on_the_right(panel, "waiting bytes", "bytes")


def slow_readers() -> timeseries.Panel:
    """How many are slow, and how far behind the slowest is."""
    panel = lines(
        "Slow readers",
        "How many connections do not take what is sent to them, and how long the oldest message waits (right). Normal"
        " is a handful and some seconds. Ages that climb together on all instances: the network in front of them; on "
        "one instance: that host.",
        "short",
        prometheus(total("heliograph_slow_connections", "instance"), "slow on {{instance}}"),
        prometheus(highest("heliograph_unsent_oldest_seconds"), "oldest unsent"),
    )
    return on_the_right(panel, "oldest unsent", "s")


def waiting_bytes() -> stat.Panel:
    """The backlog's bytes as one number."""
    return number(
        "Waiting bytes",
        "Bytes that wait to be taken, in our outboxes and in the kernel. Normal is some kilobytes. The whole is "
        "bounded: near the bound the slowest readers are cut first (cause memory_pressure), so look at Slow readers.",
        "bytes",
        ((16 * 2**20, "yellow"), (128 * 2**20, "red")),
        prometheus(total("heliograph_backlog_bytes"), "waiting"),
    )


def oldest() -> stat.Panel:
    """How far behind the slowest is."""
    return number(
        "Oldest unsent",
        "Age of the oldest message that waits in an outbox. Normal is below a second. Above some seconds: one reader "
        "that is cut soon, or, when many are slow, everybody.",
        "s",
        ((5, "yellow"), (30, "red")),
        prometheus(highest("heliograph_unsent_oldest_seconds"), "oldest"),
    )


def slow_share() -> stat.Panel:
    """Are they few or many?"""
    return number(
        "Slow share",
        "Slow connections as a share of all. Normal is below 1 %. Above 5 % it is no longer a few phones: look for "
        "what they share (instance, network, proxy), or at us (event loop lag).",
        "percentunit",
        ((0.01, "yellow"), (0.05, "red")),
        prometheus(f"{total('heliograph_slow_connections')} / {CONNECTIONS}", "slow"),
    )


def where_it_waits() -> timeseries.Panel:
    """Outboxes or the kernel."""
    panel = lines(
        "Where it waits",
        "Waiting bytes by place: our outboxes, and the kernel's send buffers. Normal is the kernel's alone, and "
        "little. Bytes in outboxes: those readers' kernels take nothing; much in the kernel for many: the network in "
        "front of us.",
        "bytes",
        prometheus(total("heliograph_outbox_bytes"), "outboxes"),
        prometheus(total("heliograph_kernel_unsent_bytes"), "kernel"),
    )
    return stacked(panel.fill_opacity(25))


def outboxes() -> timeseries.Panel:
    """Messages in outboxes, and those that are not confirmed."""
    return lines(
        "Waiting messages by kind",
        "Messages in outboxes and messages that were given but not confirmed. Normal is near 0, and a second's worth "
        "of unconfirmed ones where clients confirm. Unconfirmed that grow: clients that read but do not confirm.",
        "short",
        prometheus(total("heliograph_outbox_messages"), "in outboxes"),
        prometheus(total("heliograph_receipts_unconfirmed"), "unconfirmed"),
    )


def cut() -> timeseries.Panel:
    """Readers that were cut."""
    return bars(
        "Cut readers",
        "Connections that were cut in each step because they did not take what was sent, by cause: too many bytes, too "
        "old, too much in the kernel, or because memory is short. Normal is few; they come back and recover. Many: see "
        "Slow share; memory_pressure: add memory or a process.",
        prometheus(happened("heliograph_connections_closed_total", "cause", 'cause=~"slow_.+|memory_.+"'), "{{cause}}"),
    )


def stories() -> logs.Panel:
    """Who is slow, in words."""
    return log_lines(
        "Slow readers, in words",
        "Lines of connections that stalled, were late or were cut, with bytes, age, address and a verdict: network, "
        "client, or us. Normal is a trickle. Open a line: its connection_id finds all lines of that connection; "
        "`heliograph why` ranks the causes of its end.",
        loki(f"{LINES} | event=~`connection.stalled|message.late|message.dropped` or cause=~`slow_.+`", lines=100),
    )
