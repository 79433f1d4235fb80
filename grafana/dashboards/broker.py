"""Does the broker answer in time?"""

from grafana_foundation_sdk.builders import logs, stat, timeseries

from grafana.dashboards.panels import limit, lines, log_lines, number
from grafana.dashboards.queries import LINES, loki, prometheus, quantile, rate

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
        "How long the slowest hundredth of the broker's operations takes, by kind; the diamonds lead to traces. "
        "Normal is below 1 ms for the memory broker. When it rises together with the event loop's lag it is us; alone "
        "it is the broker.",
        "s",
        prometheus(quantile(0.99, "heliograph_broker_operation_seconds", "operation"), "{{operation}}", exemplars=True),
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


def share_failed() -> stat.Panel:
    """Share of operations that failed."""
    failed = rate("heliograph_broker_operations_total", matchers='result="failed"')
    return number(
        "Failed operations",
        "Share of the broker's operations that failed. Normal is 0. Anything else: publishers hear error 100 and try "
        "again; the log says what failed (event broker.failed).",
        "percentunit",
        ((0.001, "yellow"), (0.01, "red")),
        prometheus(f"{failed} / {rate('heliograph_broker_operations_total')}", "failed"),
    )


def p99() -> stat.Panel:
    """The slowest hundredth of publishes as one number."""
    return number(
        "P99 broker publish",
        "99 of 100 publishes are done by the broker within this time. Normal is below 1 ms for the memory broker. "
        "Publishers wait as long, and so do their readers.",
        "s",
        ((0.05, "yellow"), (0.25, "red")),
        prometheus(
            quantile(0.99, "heliograph_broker_operation_seconds", matchers='operation="publish"'),
            "p99",
        ),
    )


def operations() -> timeseries.Panel:
    """What it is asked."""
    return lines(
        "Broker operations",
        "Operations of the broker per second, by kind. Normal is as many as publications, and history for those "
        "who come back. Much history at once: a reconnect storm, which the ring of recent publications should absorb.",
        "ops",
        prometheus(rate("heliograph_broker_operations_total", "operation"), "{{operation}}"),
    )


def failed_lines() -> logs.Panel:
    """What went wrong, in words."""
    return log_lines(
        "Broker and backends, in words",
        "Lines about operations that the broker did not do, and questions that backends did not answer. Normal is no "
        "line. Each says what was asked, of whom, and what came instead.",
        loki(
            f"{LINES} | event=~`broker.failed|outside.failed|breaker.opened|breaker.closed|presence.failed`", lines=100
        ),
    )
