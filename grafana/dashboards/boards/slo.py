"""SLO: what was promised, and is it kept?"""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import slos as panels
from grafana.dashboards.frame import board


def slo() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 10."""
    return board(
        "heliograph-slo",
        "Heliograph: SLO",
        "Is what was promised kept? Burn rates above; below, for each objective, how fast its allowance is spent over "
        "the windows at which somebody is called.",
        [
            (1, panels.state(), 12, 5),
            (2, panels.kept(), 12, 5),
            (3, panels.burning(), 12, 8),
            (4, panels.burning_now(), 12, 8),
            (5, panels.handshakes(), 8, 8),
            (6, panels.messages(), 8, 8),
            (7, panels.deliveries(), 8, 8),
            (8, panels.ends(), 12, 8),
            (9, panels.fanout(), 12, 8),
        ],
    )
