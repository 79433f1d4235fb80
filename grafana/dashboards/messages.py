"""Messages: how many, and how quickly."""

from grafana_foundation_sdk.builders import heatmap, stat, table, timeseries

from grafana.dashboards.panels import heat, limit, lines, number, traces
from grafana.dashboards.queries import buckets, highest, jaeger, mean, percentiles, prometheus, quantile, rate

DELIVERY = "heliograph_message_delivery_seconds"
RECEIVE = "heliograph_message_receive_seconds"
#: The objective of a delivery, and the P99 at which HeliographDeliveryLatencyP99 calls, in seconds.
OBJECTIVE, LATENCY_LIMIT = 0.25, 2.0


def p99() -> stat.Panel:
    """The P99 of deliveries as one number."""
    return number(
        "P99 delivery",
        "99 of 100 deliveries are quicker than this, from the accepted publication to the kernel. Normal is far below"
        " the objective of 250 ms; above 2 s for five minutes somebody is called. First look whether the event loop "
        "lags: then everything is late.",
        "s",
        ((OBJECTIVE, "yellow"), (LATENCY_LIMIT, "red")),
        prometheus(quantile(0.99, DELIVERY), "p99"),
    )


def in_time() -> stat.Panel:
    """Share of deliveries within the objective."""
    quick = rate(f"{DELIVERY}_bucket", matchers=f'le="{OBJECTIVE}"')
    return number(
        "Late deliveries",
        "Share of deliveries that took longer than the objective of 250 ms. Normal is 0; the objective allows 1 % over "
        "30 days (see SLO). More: all of them, then it is our event loop; a few, then it is slow readers.",
        "percentunit",
        ((0.01, "yellow"), (0.1, "red")),
        prometheus(f"1 - {quick} / {rate(f'{DELIVERY}_count')}", "late"),
    )


def published() -> stat.Panel:
    """Publications as one number."""
    return number(
        "Publications",
        "Accepted publications per second. Normal is your own daily course. None while somebody publishes: read "
        "Publish errors by code and Server API by status.",
        "mps",
        (),
        prometheus(rate("heliograph_publications_total"), "publications"),
    )


def delivered() -> stat.Panel:
    """Deliveries as one number."""
    return number(
        "Deliveries",
        "Messages handed to the kernel per second. Normal is publications times audience. Fewer while publications go "
        "on: readers went (Open connections), or the fan-out is behind (Fan-out).",
        "mps",
        (),
        prometheus(rate("heliograph_messages_delivered_total"), "deliveries"),
    )


def fanout() -> timeseries.Panel:
    """How far the fan-out is behind, and how long a batch takes."""
    return lines(
        "Fan-out",
        "Age of the oldest publication that the fan-out has not begun, and the P99 and mean of a batch from its first "
        "to its last slice (diamonds lead to traces). Normal is a few milliseconds. A lag that grows: more is "
        "published than one core can hand out; spread the channels over more processes, or batch at the publisher.",
        "s",
        prometheus(highest("heliograph_fanout_lag_seconds"), "not begun for"),
        prometheus(quantile(0.99, "heliograph_fanout_seconds"), "a batch, p99", exemplars=True),
        prometheus(mean("heliograph_fanout_seconds"), "a batch, mean"),
    )


def late_by_namespace() -> timeseries.Panel:
    """Whose messages are late."""
    late = rate("heliograph_messages_late_total", "namespace")
    delivered = rate("heliograph_messages_delivered_total", "namespace")
    return lines(
        "Late deliveries by namespace",
        "Share of each namespace's deliveries that took longer than telemetry.slow_message (250 ms). Normal is 0 for "
        "all. One alone: its channels are large, its messages heavy, or its readers slow; find them under Backlog & "
        "slow readers. other is every namespace that metrics do not tell by name (prometheus.namespaces).",
        "percentunit",
        prometheus(f"{late} / {delivered}", "{{namespace}}"),
    )


def delivery_heatmap() -> heatmap.Panel:
    """All deliveries by their latency."""
    return heat(
        "Delivery latency",
        "Every delivery, by how long it took from the accepted publication to the kernel; a dot is a sampled one and "
        "leads to its trace. Normal is one dark band at the bottom. A second band above it is a group of slow "
        "readers; a band that rises as a whole is us.",
        "s",
        buckets(DELIVERY),
    )


def delivery_percentiles() -> timeseries.Panel:
    """Percentiles of the delivery latency with exemplars."""
    panel = lines(
        "Delivery latency, percentiles",
        "Median, P95 and P99 of deliveries; the diamonds are exemplars, each leads to its trace. Normal is far below "
        "the objective of 250 ms; the dashed line is where HeliographDeliveryLatencyP99 calls. Follow a high diamond:"
        " the trace's links name the receiver's connection.",
        "s",
        *percentiles(DELIVERY),
    )
    return limit(panel, LATENCY_LIMIT)


def received_percentiles() -> timeseries.Panel:
    """Until the clients had it, as they say."""
    return lines(
        "Until clients had it",
        "Median, P95 and P99 from the accepted publication to the client, as clients report it by the helper "
        "(docs/receipts.md); the diamonds lead to traces that end in message.receive. Normal is the delivery latency "
        "plus the way through the network. Much more: the network, or busy clients. Nothing: no client reports.",
        "s",
        *percentiles(RECEIVE),
    )


def publications_and_deliveries() -> timeseries.Panel:
    """What goes in and what comes out of it."""
    return lines(
        "Publications and deliveries",
        "Publications accepted by the API and from clients, and the messages that were handed to the kernel for them."
        " Normal is your own daily course, deliveries being publications times audience. Publications without "
        "deliveries: nobody is subscribed, or the fan-out stands still.",
        "mps",
        prometheus(rate("heliograph_publications_total", "via"), "published by {{via}}"),
        prometheus(rate("heliograph_messages_delivered_total"), "delivered"),
    )


def latest_traces() -> table.Panel:
    """A way into Jaeger without an exemplar."""
    return traces(
        "Latest sampled messages",
        "The latest traces of publications: message.publish, broker.publish, message.fanout and, for slow ones, "
        "message.deliver. Normal is a few new ones each minute under load. None: sampling is off, or the Collector is"
        " away (nothing else is harmed by that).",
        jaeger("message.publish"),
    )


def slow_traces() -> table.Panel:
    """Those that a receiver kept waiting."""
    return traces(
        "Latest slow deliveries",
        "The latest traces with message.deliver: deliveries slower than the limit, each linked to its receiver's "
        "connection. Normal is none, or some of slow readers. Open one: the connection id in it finds its log lines.",
        jaeger("message.deliver"),
    )
