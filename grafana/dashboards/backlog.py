"""Backlog and slow readers: what was accepted and not yet taken."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.dashboards.panels import lines, number, on_the_right
from grafana.dashboards.queries import of, prometheus, total

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
    )


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
        prometheus(f"max ({of('heliograph_unsent_oldest_seconds')})", "oldest unsent"),
    )
    return on_the_right(panel, "oldest unsent", "s")
