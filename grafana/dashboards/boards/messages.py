"""Messages: from the publisher to the kernel, and what readers say."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import ledger, publishing, receivers
from grafana.dashboards import messages as panels
from grafana.dashboards.frame import board


def messages() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 33."""
    return board(
        "heliograph-messages",
        "Heliograph: messages",
        "Are messages in time, and did anybody miss one? Latency above, then what comes in, then what readers say.",
        [
            (1, panels.published(), 5, 4),
            (2, panels.delivered(), 5, 4),
            (3, panels.p99(), 5, 4),
            (4, panels.in_time(), 5, 4),
            (30, ledger.unaccounted(), 4, 4),
            (5, panels.delivery_heatmap(), 8, 8),
            (6, panels.delivery_percentiles(), 8, 8),
            (7, panels.received_percentiles(), 8, 8),
            (8, panels.fanout(), 8, 8),
            (9, panels.late_by_namespace(), 8, 8),
            (10, panels.publications_and_deliveries(), 8, 8),
            (11, publishing.by_namespace(), 8, 8),
            (12, publishing.publish_seconds(), 8, 8),
            (13, publishing.errors(), 8, 8),
            (14, publishing.api_requests(), 8, 8),
            (15, publishing.api_seconds(), 8, 8),
            (16, publishing.received(), 8, 8),
            (17, publishing.commands(), 8, 8),
            (18, publishing.failed_commands(), 8, 8),
            (19, publishing.channels(), 8, 8),
            (31, ledger.became(), 8, 8),
            (32, ledger.unbalanced(), 8, 8),
            (20, receivers.drops(), 8, 8),
            (21, receivers.recoveries(), 8, 8),
            (22, receivers.lost_positions(), 8, 8),
            (29, receivers.unconfirmed(), 8, 8),
            (23, receivers.receipts(), 8, 8),
            (24, receivers.reports(), 8, 8),
            (25, publishing.announcements(), 8, 8),
            (26, receivers.deltas(), 8, 8),
            (27, panels.latest_traces(), 8, 8),
            (28, panels.slow_traces(), 24, 7),
        ],
    )
