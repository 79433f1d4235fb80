"""The overview, home of Grafana: is it us? One screen, from the verdict at the top to the words at the bottom."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import backlog, connections, health, logs, messages, runtime
from grafana.dashboards.frame import board


def overview() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 22."""
    return board(
        "heliograph-overview",
        "Heliograph: overview",
        "Is it us? Green numbers at the top: no. Otherwise read downwards: messages, backlog, connections, process, "
        "logs.",
        [
            (1, health.ready(), 3, 5),
            (2, connections.connections(), 3, 5),
            (3, health.error_share(), 3, 5),
            (4, messages.p99(), 3, 5),
            (5, backlog.per_connection(), 3, 5),
            (6, backlog.slow(), 3, 5),
            (7, health.firing(), 6, 5),
            (8, messages.delivery_heatmap(), 8, 8),
            (9, messages.delivery_percentiles(), 8, 8),
            (10, health.errors_by_kind(), 8, 8),
            (11, backlog.against_connections(), 8, 8),
            (12, backlog.slow_readers(), 8, 8),
            (13, messages.publications_and_deliveries(), 8, 8),
            (14, connections.upgrades(), 8, 8),
            (15, connections.closes(), 8, 8),
            (16, messages.recoveries(), 8, 8),
            (17, runtime.loop_and_pauses(), 6, 8),
            (18, logs.lines_by_level(), 6, 8),
            (21, messages.received_percentiles(), 6, 8),
            (19, messages.latest_traces(), 6, 8),
            (20, logs.worth_reading(), 24, 10),
        ],
    )
