"""Causes: what each rule compares, with its limit; where the link of an alert leads."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import causes as panels
from grafana.dashboards.frame import board


def causes() -> Dashboard:
    """Ids belong to panels for good: alerts and bookmarks link to them. The next free one is 26."""
    return board(
        "heliograph-causes",
        "Heliograph: causes",
        "Each panel is what one rule compares, by instance, with the line at which its alert calls. Behind the dots of "
        "the other boards: here you see how near the next call is.",
        [
            (1, panels.http5xx(), 8, 8),
            (2, panels.messages_dropped(), 8, 8),
            (3, panels.fanout_lag(), 8, 8),
            (4, panels.oldest_unsent(), 8, 8),
            (5, panels.backlog_bytes(), 8, 8),
            (6, panels.slow_readers(), 8, 8),
            (7, panels.slow_readers_cut(), 8, 8),
            (8, panels.reconnect_storm(), 8, 8),
            (9, panels.connections_collapsed(), 8, 8),
            (10, panels.connections_near_limit(), 8, 8),
            (11, panels.connections_ahead(), 8, 8),
            (12, panels.heartbeats_missed(), 8, 8),
            (13, panels.heartbeat_slow(), 8, 8),
            (14, panels.drain_stuck(), 8, 8),
            (15, panels.unknown_cause(), 8, 8),
            (16, panels.loop_lag(), 8, 8),
            (17, panels.loop_blocked(), 8, 8),
            (18, panels.loop_pauses(), 8, 8),
            (19, panels.memory_growth(), 8, 8),
            (20, panels.certificate_expiry(), 8, 8),
            (21, panels.certificate_urgent(), 8, 8),
            (22, panels.certificate_refused(), 8, 8),
            (23, panels.hooks_slow(), 8, 8),
            (24, panels.breaker_open(), 8, 8),
            (25, panels.broker_failing(), 8, 8),
        ],
    )
