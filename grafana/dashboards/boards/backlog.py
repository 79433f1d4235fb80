"""Backlog & slow readers: what was accepted and not yet taken."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import backlog as panels
from grafana.dashboards import connections, messages, receivers
from grafana.dashboards.frame import board


def backlog() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 16."""
    return board(
        "heliograph-backlog",
        "Heliograph: backlog & slow readers",
        "Who does not take what is sent, how far behind are they, and is it them, the network or us?",
        [
            (1, panels.per_connection(), 5, 4),
            (2, panels.slow(), 5, 4),
            (3, panels.slow_share(), 5, 4),
            (4, panels.oldest(), 5, 4),
            (5, panels.waiting_bytes(), 4, 4),
            (6, panels.against_connections(), 8, 8),
            (7, panels.slow_readers(), 8, 8),
            (8, panels.where_it_waits(), 8, 8),
            (9, panels.cut(), 8, 8),
            (10, receivers.drops(), 8, 8),
            (11, panels.outboxes(), 8, 8),
            (12, messages.fanout(), 8, 8),
            (13, connections.round_trips(), 8, 8),
            (14, messages.slow_traces(), 8, 8),
            (15, panels.stories(), 24, 9),
        ],
    )
