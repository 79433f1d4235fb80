"""The process and what it leans on: its core, its memory, its descriptors, its loop, its broker."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import broker, runtime
from grafana.dashboards.frame import board


def process() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 13."""
    return board(
        "heliograph-process",
        "Heliograph: process and broker",
        "Has the process what it needs? CPU, memory and descriptors above, its event loop, then the broker.",
        [
            (1, runtime.cpu(), 8, 8),
            (2, runtime.memory(), 8, 8),
            (3, runtime.files(), 8, 8),
            (4, runtime.loop_and_pauses(), 8, 8),
            (5, runtime.stalls(), 8, 8),
            (6, runtime.uptime(), 8, 8),
            (7, broker.slow_operations(), 8, 8),
            (8, broker.duration(), 8, 8),
            (9, broker.failures(), 8, 8),
            (10, runtime.missed_scrapes(), 8, 8),
            (11, runtime.restarts(), 8, 8),
            (12, runtime.pauses(), 8, 8),
        ],
    )
