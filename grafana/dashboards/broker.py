"""Does the broker answer in time?"""

from grafana_foundation_sdk.builders import timeseries

from grafana.dashboards.panels import limit, lines
from grafana.dashboards.queries import prometheus, quantile, rate

#: A broker's answer that took longer counts as slow, in seconds; a bound of the histogram.
SLOW = "0.25"
#: The alert HeliographBrokerSlow calls at so many slow answers a minute.
SLOW_LIMIT = 10


def slow_operations() -> timeseries.Panel:
    """Operations that took too long."""
    count = rate("heliograph_broker_operation_seconds_count", "operation")
    quick = rate("heliograph_broker_operation_seconds_bucket", "operation", f'le="{SLOW}"')
    panel = lines(
        "Slow broker operations",
        "Operations of the broker that took longer than 250 ms, a minute, by kind. Normal is none: the memory broker "
        "answers in microseconds. The dashed line is where HeliographBrokerSlow calls; publishers wait as long.",
        "short",
        prometheus(f"60 * ({count} - {quick})", "{{operation}}"),
    )
    return limit(panel, SLOW_LIMIT)


def duration() -> timeseries.Panel:
    """How long operations take."""
    return lines(
        "Broker operations, P99",
        "How long the slowest hundredth of the broker's operations takes, by kind. Normal is below 1 ms for the memory "
        "broker. When it rises together with the event loop's lag it is us; alone it is the broker.",
        "s",
        prometheus(quantile(0.99, "heliograph_broker_operation_seconds", "operation"), "{{operation}}"),
    )


def failures() -> timeseries.Panel:
    """Operations that failed."""
    return lines(
        "Failed broker operations",
        "Operations that the broker did not do, per second, by kind. Normal is none; publishers hear error 100. The "
        "log has a line for each kind of failure (the event broker.failed).",
        "short",
        prometheus(rate("heliograph_broker_operations_total", "operation", 'result="failed"'), "{{operation}}"),
    )
