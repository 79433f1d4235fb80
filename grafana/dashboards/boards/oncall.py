"""On-call: what fires, who has it, and does the way to a person work?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import oncall as panels
from grafana.dashboards.frame import board


def oncall() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 17."""
    return board(
        "heliograph-oncall",
        "Heliograph: on-call",
        "What fires, who has it, and does the way from Prometheus to a person work?",
        [
            (1, panels.unacknowledged(), 4, 4),
            (2, panels.acknowledged(), 4, 4),
            (3, panels.letters_waiting(), 4, 4),
            (4, panels.rota(), 4, 4),
            (5, panels.silences(), 4, 4),
            (16, panels.heard(), 4, 4),
            (6, panels.firing_now(), 8, 9),
            (7, panels.history(), 8, 9),
            (8, panels.pending(), 8, 9),
            (9, panels.from_prometheus(), 8, 8),
            (10, panels.alertmanager(), 8, 8),
            (11, panels.notifications(), 8, 8),
            (12, panels.webhook(), 6, 8),
            (13, panels.cases(), 6, 8),
            (14, panels.providers(), 6, 8),
            (15, panels.provider_seconds(), 6, 8),
        ],
    )
