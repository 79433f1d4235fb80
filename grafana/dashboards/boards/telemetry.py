"""Telemetry health: do the other boards tell the truth?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import pipeline
from grafana.dashboards import telemetry as panels
from grafana.dashboards.frame import board


def telemetry() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 28."""
    return board(
        "heliograph-telemetry",
        "Heliograph: telemetry health",
        "Do the other boards tell the truth? What the service gives out above, the Collector and the stores below.",
        [
            (1, pipeline.unreached(), 4, 4),
            (2, panels.spans_lost(), 4, 4),
            (3, panels.lines_lost(), 4, 4),
            (4, pipeline.queue_share(), 4, 4),
            (5, panels.scrape_lines(), 4, 4),
            (6, pipeline.head_series(), 4, 4),
            (7, pipeline.reached(), 8, 8),
            (8, panels.spans(), 8, 8),
            (9, panels.sampled(), 8, 8),
            (10, panels.scrape_seconds(), 6, 7),
            (11, panels.log_losses(), 6, 7),
            (12, panels.exemplars(), 6, 7),
            (13, panels.new_series(), 6, 7),
            (14, pipeline.collector_spans(), 8, 8),
            (15, pipeline.collector_lines(), 8, 8),
            (16, pipeline.collector_queues(), 8, 8),
            (17, pipeline.collector_memory(), 8, 8),
            (18, pipeline.jaeger(), 8, 8),
            (19, pipeline.loki_lines(), 8, 8),
            (20, pipeline.loki_requests(), 8, 8),
            (21, pipeline.loki_own_errors(), 8, 8),
            (22, pipeline.scrapes(), 8, 8),
            (27, pipeline.loki_delay(), 24, 6),
            (23, pipeline.rule_evaluations(), 6, 7),
            (24, pipeline.storage(), 6, 7),
            (25, panels.scrape_failures(), 6, 7),
            (26, panels.debug_requests(), 6, 7),
        ],
    )
