"""Broker: does it answer, and in time?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import broker as panels
from grafana.dashboards.frame import board


def broker() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. 1 to 6 are the runtime's; the next is 10."""
    return board(
        "heliograph-broker",
        "Heliograph: broker",
        "Publishers and those who subscribe wait as long as the broker does.",
        [
            (7, panels.slow_operations(), 8, 8),
            (8, panels.duration(), 8, 8),
            (9, panels.failures(), 8, 8),
        ],
    )
