"""What comes in: publications, requests of the server API, commands of clients."""

from grafana_foundation_sdk.builders import timeseries

from grafana.dashboards.panels import bars, lines, on_the_right
from grafana.dashboards.queries import happened, percentiles, prometheus, rate, total


def by_namespace() -> timeseries.Panel:
    """Who publishes."""
    return lines(
        "Publications by namespace",
        "Accepted publications per second, by namespace and by way in. Normal is your own daily course. A namespace "
        "that jumps is the first suspect when CPU or the backlog climbs; its publisher can be told by its API key's "
        "service.",
        "mps",
        prometheus(rate("heliograph_publications_total", "namespace, via"), "{{namespace}} by {{via}}"),
    )


def errors() -> timeseries.Panel:
    """Publications that were not accepted."""
    return bars(
        "Publish errors by code",
        "Refused or failed publications in each step, by way in and reply code. Normal is none. 100 is ours (the "
        "broker or the publish hook, see Broker and backends); 102, 103, 107 and 108 are the publisher's: channel, "
        "rights, body, options. docs/reference/errors.md has all codes.",
        prometheus(happened("heliograph_publish_errors_total", "via, error"), "{{error}} by {{via}}"),
    )


def publish_seconds() -> timeseries.Panel:
    """Until it has its place in the stream."""
    return lines(
        "Publish, percentiles",
        "Median, P95 and P99 from accepting a publication to its place in the stream; the diamonds lead to traces. "
        "Normal is below a millisecond. Slower: the broker (see Broker operations, P99) or the publish hook.",
        "s",
        *percentiles("heliograph_publish_seconds"),
    )


def api_seconds() -> timeseries.Panel:
    """How long the server API takes."""
    return lines(
        "Server API, percentiles",
        "Median, P95 and P99 of requests of the server API. Normal is a few milliseconds. Slower than Publish, "
        "percentiles: the event loop lags, or bodies come slowly.",
        "s",
        *percentiles("heliograph_api_request_seconds", exemplars=False),
    )


def api_requests() -> timeseries.Panel:
    """What backends ask."""
    return bars(
        "Server API by status",
        "Requests of the server API in each step, by method and status. Normal is 200. 401: a wrong key; 400 and 404: "
        "a client library of another version; 429: too many at once; 500 and 503 are ours, see Errors by kind on the "
        "overview.",
        prometheus(happened("heliograph_api_requests_total", "method, status"), "{{method}} {{status}}"),
    )


def commands() -> timeseries.Panel:
    """What clients ask."""
    return bars(
        "Commands by method",
        "Commands of clients in each step. Normal is your own daily course. Many connect and subscribe at once: a "
        "reconnect storm; many publish: see whether their namespace is meant to take them from clients.",
        prometheus(happened("heliograph_commands_total", "method"), "{{method}}"),
    )


def failed_commands() -> timeseries.Panel:
    """Commands that were not done."""
    return bars(
        "Refused commands by code",
        "Commands of clients that were answered with an error, in each step, by method and code. Normal is a few 103 "
        "(permission denied) and 109 (token expired). 100 is ours: see Broker and backends; 105 and 106: clients ask "
        "twice, or too much. docs/reference/errors.md has all codes.",
        prometheus(happened("heliograph_commands_total", "method, error", 'error!="0"'), "{{method}}: {{error}}"),
    )


def received() -> timeseries.Panel:
    """Messages and bytes from clients."""
    panel = lines(
        "Received from clients",
        "WebSocket messages from clients per second, and their bytes (right). Normal is a course like that of the "
        "connections. Bytes that jump without messages: somebody sends large frames; they are bounded, see "
        "message_too_big among the causes of closes.",
        "mps",
        prometheus(rate("heliograph_messages_received_total"), "messages"),
        prometheus(rate("heliograph_message_bytes_received_total"), "bytes"),
    )
    return on_the_right(panel, "bytes", "Bps")


def channels() -> timeseries.Panel:
    """What is subscribed."""
    panel = lines(
        "Channels and subscriptions",
        "Channels with a subscriber here, subscriptions, and who is present (right: subscriptions that came and went "
        "per second). Normal is a course like that of the connections. Channels that only grow: clients that never "
        "unsubscribe, or names with an id in them.",
        "short",
        prometheus(total("heliograph_channels"), "channels"),
        prometheus(total("heliograph_subscriptions"), "subscriptions"),
        prometheus(total("heliograph_present"), "present"),
        prometheus(rate("heliograph_subscribes_total"), "came"),
        prometheus(rate("heliograph_unsubscribes_total"), "went"),
    )
    return on_the_right(on_the_right(panel, "came", "ops"), "went", "ops")


def announcements() -> timeseries.Panel:
    """Joins, leaves, presence."""
    return lines(
        "Joins, leaves, presence",
        "Joins and leaves announced per second, the messages they became, and presence that could not be kept. Normal "
        "is 0 where join_leave is off. Delivered grows with the square of a channel's audience: switch join_leave off "
        "in large channels. Failures: the broker.",
        "ops",
        prometheus(rate("heliograph_announcements_total", "kind"), "{{kind}}"),
        prometheus(rate("heliograph_announcements_delivered_total"), "delivered"),
        prometheus(rate("heliograph_presence_failures_total"), "presence failed"),
    )
