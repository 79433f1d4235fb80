"""Runtime: the process and its event loop."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import runtime as panels
from grafana.dashboards.frame import board


def runtime() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. 7 to 9 are the broker's; the next is 13."""
    return board(
        "heliograph-runtime",
        "Heliograph: runtime",
        "Has the process what it needs? CPU, memory and descriptors above, then its event loop.",
        [
            (1, panels.cpu(), 8, 8),
            (2, panels.memory(), 8, 8),
            (3, panels.files(), 8, 8),
            (4, panels.loop_and_pauses(), 8, 8),
            (5, panels.stalls(), 8, 8),
            (6, panels.uptime(), 8, 8),
            (10, panels.missed_scrapes(), 8, 8),
            (11, panels.restarts(), 8, 8),
            (12, panels.pauses(), 8, 8),
        ],
    )
