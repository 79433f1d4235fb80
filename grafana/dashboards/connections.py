"""Connections: how many, how they begin and how they end."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.dashboards.panels import lines, number
from grafana.dashboards.queries import increase, prometheus, total


def connections() -> stat.Panel:
    """Open connections as one number."""
    return number(
        "Connections",
        "Open WebSocket connections of the chosen instances. Normal is your own daily course. A cliff: read Closes by"
        " cause; a steep rise: a reconnect storm, read Upgrades by result.",
        "short",
        (),
        prometheus(total("heliograph_connections"), "connections"),
    )


def upgrades() -> timeseries.Panel:
    """Upgrades by result."""
    return lines(
        "Upgrades by result",
        "Requests to open a WebSocket in each step, by result. Normal is nearly all accepted. bad_request or "
        "wrong_version: something on the way strips the Upgrade header; forbidden: an origin that is not allowed; "
        "overload or error: it is us.",
        "short",
        prometheus(increase("heliograph_upgrades_total", "result"), "{{result}}"),
    )


def closes() -> timeseries.Panel:
    """Closes by cause."""
    return lines(
        "Closes by cause",
        "Ended connections in each step, by cause, from a closed list. Normal is client_closed and some network_lost."
        " shutdown belongs to a deploy; slow_… are readers that were cut and resume; no_pong are dead networks; "
        "unknown is a defect of ours, report it with its log line.",
        "short",
        prometheus(increase("heliograph_connections_closed_total", "cause"), "{{cause}}"),
    )
