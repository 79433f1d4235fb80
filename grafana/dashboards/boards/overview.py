"""The overview, home of Grafana: is it us? One screen, from the verdict at the top to the words at the bottom."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import backlog, connections, health, logs, messages, runtime, slos
from grafana.dashboards.frame import board
from grafana.dashboards.panels import leads_to


def overview() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 23."""
    return board(
        "heliograph-overview",
        "Heliograph: overview",
        "Is it us? Green numbers at the top: no. Otherwise read downwards; a number's link opens the board of its "
        "subject.",
        [
            (1, leads_to(health.ready(), "runtime", "Runtime"), 3, 4),
            (22, leads_to(slos.state(), "slo", "SLO"), 6, 4),
            (3, leads_to(health.error_share(), "broker", "Broker and backends"), 2, 4),
            (4, leads_to(messages.p99(), "messages", "Messages"), 3, 4),
            (5, leads_to(backlog.per_connection(), "backlog", "Backlog & slow readers"), 3, 4),
            (2, leads_to(connections.connections(), "connections", "Connections & upgrade"), 2, 4),
            (7, health.firing(), 5, 4),
            (9, messages.delivery_percentiles(), 8, 7),
            (10, health.errors_by_kind(), 8, 7),
            (11, backlog.against_connections(), 8, 7),
            (13, messages.publications_and_deliveries(), 8, 7),
            (15, connections.closes(), 8, 7),
            (17, runtime.loop_and_pauses(), 8, 7),
            (20, logs.worth_reading(), 16, 6),
            (19, messages.latest_traces(), 8, 6),
        ],
    )
