"""The ledgers: what became of every message and of every connection."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.dashboards.panels import lines, number
from grafana.dashboards.queries import prometheus, rate, total

#: What HeliographUnaccounted takes: nothing.
UNACCOUNTED_LIMIT = 0.0


def unaccounted() -> stat.Panel:
    """What nobody can explain."""
    return number(
        "Unaccounted",
        "Messages and connections of which nobody knows what became. Normal is 0 and 0, always: both ledgers balance "
        "at every moment. Anything else is a fault of ours: report it with the log of that time (docs/ledger.md).",
        "short",
        ((1, "red"),),
        prometheus(f"sum (abs ({total('heliograph_messages_unaccounted', 'namespace')}))", "messages"),
        prometheus(total("heliograph_connections_unaccounted"), "connections"),
    )


def became() -> timeseries.Panel:
    """Expected, and how it ended."""
    return lines(
        "What became of messages",
        "Messages that subscribers were to get per second, and how they ended: delivered, dropped, or otherwise "
        "(recovered, told, filtered, unsubscribed, repeated). Normal is expected and delivered as one line. What lies "
        "between them stands below it, by its end; see Dropped messages by cause for the rest.",
        "mps",
        prometheus(rate("heliograph_messages_expected_total"), "expected"),
        prometheus(rate("heliograph_messages_delivered_total"), "delivered"),
        prometheus(rate("heliograph_messages_dropped_total"), "dropped"),
        prometheus(rate("heliograph_messages_ended_total", "end"), "{{end}}"),
    )


def unbalanced() -> timeseries.Panel:
    """Since when, and in which namespace."""
    return lines(
        "Unaccounted messages",
        "Messages of which nobody knows what became, by namespace; below 0 some have ended twice. Normal is 0. "
        "HeliographUnaccounted calls at anything else; its runbook says what to keep for the report.",
        "short",
        prometheus(total("heliograph_messages_unaccounted", "namespace"), "{{namespace}}"),
    )
