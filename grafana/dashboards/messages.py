"""Messages: how many, how quickly, and what became of those that were missed."""

from grafana_foundation_sdk.builders import heatmap, stat, table, timeseries

from grafana.dashboards.panels import heat, limit, lines, number, traces
from grafana.dashboards.queries import buckets, increase, jaeger, prometheus, quantile, rate

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
        prometheus(quantile(0.99, DELIVERY), "p99", exemplars=True),
        prometheus(quantile(0.95, DELIVERY), "p95"),
        prometheus(quantile(0.5, DELIVERY), "median"),
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
        prometheus(quantile(0.99, RECEIVE), "p99", exemplars=True),
        prometheus(quantile(0.95, RECEIVE), "p95"),
        prometheus(quantile(0.5, RECEIVE), "median"),
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


def recoveries() -> timeseries.Panel:
    """Reconnects: recovered, or told that something is missing."""
    return lines(
        "Recoveries",
        "Clients that came back with a position: recovered got all they had missed, told could not (history too short"
        " or lost) and know it; positions lost are live subscribers that had to be told. Normal is recovered only. "
        "Many told: lengthen the namespace's history_size or history_ttl.",
        "short",
        prometheus(increase("heliograph_recoveries_total", "result"), "{{result}}"),
        prometheus(increase("heliograph_insufficient_state_total"), "positions lost"),
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
