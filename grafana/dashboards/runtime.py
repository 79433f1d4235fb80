"""The process itself: does the event loop come round in time?"""

from grafana_foundation_sdk.builders import timeseries

from grafana.dashboards.panels import lines
from grafana.dashboards.queries import prometheus, quantile, rate


def loop_and_pauses() -> timeseries.Panel:
    """Event loop lag and garbage collection."""
    return lines(
        "Event loop lag and GC pauses",
        "How late the event loop's tick comes (P99 and mean), and the seconds per second that the garbage collector "
        "holds it. Normal is a few milliseconds, up to 25 ms under heavy tracing; at 100 ms half the latency "
        "objective is gone. A stall is named in the log with file and line (the event loop.stalled).",
        "s",
        prometheus(quantile(0.99, "heliograph_event_loop_lag_seconds"), "loop lag p99"),
        prometheus(
            f"{rate('heliograph_event_loop_lag_seconds_sum')} / {rate('heliograph_event_loop_lag_seconds_count')}",
            "loop lag mean",
        ),
        prometheus(rate("heliograph_gc_pause_seconds_sum"), "GC pauses per second"),
    )
