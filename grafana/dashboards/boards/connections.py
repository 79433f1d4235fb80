"""Connections & upgrade: who comes in, who does not, who goes."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import connections as panels
from grafana.dashboards import upgrades
from grafana.dashboards.frame import board


def connections() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 29."""
    return board(
        "heliograph-connections",
        "Heliograph: connections & upgrade",
        "Can they come in, do they stay, why do they go? The door above, ends below it, heartbeats, then the words.",
        [
            (1, panels.connections(), 4, 4),
            (2, upgrades.turned_away(), 4, 4),
            (3, upgrades.upgrade_p99(), 4, 4),
            (4, upgrades.connect_p99(), 4, 4),
            (5, upgrades.waiting(), 4, 4),
            (6, panels.heartbeat_p99(), 4, 4),
            (7, panels.by_transport(), 8, 8),
            (8, upgrades.results(), 8, 8),
            (9, panels.closes(), 8, 8),
            (10, upgrades.refusals(), 8, 8),
            (11, upgrades.upgrade_seconds(), 8, 8),
            (12, panels.codes(), 8, 8),
            (13, upgrades.greetings(), 8, 8),
            (14, upgrades.connect_seconds(), 8, 8),
            (15, panels.as_clients_saw(), 8, 8),
            (16, upgrades.tokens(), 8, 8),
            (17, upgrades.admission(), 8, 8),
            (18, panels.lifetimes(), 8, 8),
            (19, panels.round_trips(), 8, 8),
            (20, panels.heartbeats(), 8, 8),
            (21, panels.adapted(), 8, 8),
            (22, upgrades.visitors(), 6, 7),
            (23, upgrades.emulation(), 6, 7),
            (24, upgrades.skipped_steps(), 6, 7),
            (25, upgrades.certificates(), 6, 7),
            (26, upgrades.refused_lines(), 12, 9),
            (27, panels.ended_lines(), 12, 9),
            (28, panels.latest_upgrades(), 24, 8),
        ],
    )
