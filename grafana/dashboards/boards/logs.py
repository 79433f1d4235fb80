"""Logs: what was said, by whom, and everything about one connection."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import logs as panels
from grafana.dashboards.frame import board, connection_field


def logs() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 9."""
    return board(
        "heliograph-logs",
        "Heliograph: logs",
        "What was said. Errors by event first; a connection's id in the field above shows its own lines.",
        [
            (1, panels.lines_by_level(), 6, 8),
            (2, panels.errors_by_event(), 6, 8),
            (3, panels.by_event(), 6, 8),
            (4, panels.ends_by_cause(), 6, 8),
            (5, panels.worth_reading(), 24, 9),
            (6, panels.of_one_connection(), 24, 9),
            (7, panels.everything(), 18, 9),
            (8, panels.dropped(), 6, 9),
        ],
        connection_field(),
    )
