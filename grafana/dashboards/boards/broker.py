"""Broker and backends: what we lean on."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import backends
from grafana.dashboards import broker as panels
from grafana.dashboards.frame import board


def broker() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. 1 to 6 are the runtime's; the next is 22."""
    return board(
        "heliograph-broker",
        "Heliograph: broker and backends",
        "Publishers and those who subscribe wait as long as the broker does; those with hooks as long as your backend.",
        [
            (10, panels.share_failed(), 6, 4),
            (11, panels.p99(), 6, 4),
            (12, backends.failed_share(), 6, 4),
            (13, backends.open_breakers(), 6, 4),
            (14, panels.operations(), 6, 8),
            (7, panels.slow_operations(), 6, 8),
            (8, panels.duration(), 6, 8),
            (9, panels.failures(), 6, 8),
            (15, backends.results(), 8, 8),
            (16, backends.answers(), 8, 8),
            (17, backends.all_answers(), 8, 8),
            (18, backends.places(), 8, 8),
            (19, backends.breakers(), 8, 8),
            (20, backends.retries(), 8, 8),
            (21, panels.failed_lines(), 24, 8),
        ],
    )
