"""Runtime: the process and its event loop."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import connections
from grafana.dashboards import runtime as panels
from grafana.dashboards.frame import board


def runtime() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. 7 to 9 are the broker's; the next is 23."""
    return board(
        "heliograph-runtime",
        "Heliograph: runtime",
        "Has the process what it needs? CPU, memory and descriptors above, its event loop, then starts and stops.",
        [
            (13, panels.cpu_now(), 6, 4),
            (14, panels.lag_p99(), 6, 4),
            (15, panels.memory_per_connection(), 6, 4),
            (16, connections.connections(), 6, 4),
            (1, panels.cpu(), 8, 8),
            (2, panels.memory(), 8, 8),
            (3, panels.files(), 8, 8),
            (4, panels.loop_and_pauses(), 8, 8),
            (17, panels.worst_wait(), 8, 8),
            (5, panels.stalls(), 8, 8),
            (12, panels.pauses(), 8, 8),
            (18, panels.collections(), 8, 8),
            (19, panels.blocks(), 8, 8),
            (10, panels.missed_scrapes(), 6, 7),
            (11, panels.restarts(), 6, 7),
            (6, panels.uptime(), 6, 7),
            (20, panels.readiness(), 6, 7),
            (22, panels.life_lines(), 16, 8),
            (21, panels.versions(), 8, 8),
        ],
    )
