"""Metrics, spans and log lines, from the one place that declares them."""

from docs.pages.markdown import code, page, table
from observability import names, span_names
from observability.field_names import ATTRIBUTES, KEYS

SOURCE = "observability/names.py"


def metrics() -> str:
    """Every family of the scrape with its labels and their values."""
    rows = [
        [code(metric.name), metric.kind, metric.unit, _labels(metric), metric.help]
        for metric in sorted(names.METRICS.values(), key=lambda metric: metric.name)
    ]
    bounds = [
        [code(metric.name), " ".join(f"{bound:g}" for bound in metric.buckets)]
        for metric in sorted(names.METRICS.values(), key=lambda metric: metric.name)
        if metric.buckets
    ]
    return page(
        "Metrics",
        SOURCE,
        "Scraped as OpenMetrics from `/metrics` on the internal port (9000). No label ever holds a user, a channel or"
        " a connection: every label's values are a closed list, and what is outside of it counts as `other`.",
        table(["name", "kind", "unit", "labels", "what it says"], rows),
        "## Bounds of the histograms",
        "The objective of a delivery (0.25 s) and the limits of the alerts are bounds, so shares of them are exact. "
        "Buckets of `heliograph_message_delivery_seconds` carry exemplars with the `trace_id` of a sampled message.",
        table(["name", "bounds in seconds"], bounds),
    )


def traces() -> str:
    """Every span and attribute."""
    spans = [[code(span.name), span.kind, span.help] for span in span_names.SPANS.values()]
    attributes = [[code(name), text] for name, text in ATTRIBUTES.items()]
    return page(
        "Traces",
        SOURCE,
        "Each sampled message is a trace of its own; no span lives as long as a connection. Spans of a message lead "
        "to the receivers by links: `message.fanout` to `websocket.connect`, and that one to `websocket.upgrade`.",
        table(["span", "kind", "from when to when"], spans),
        "## Attributes",
        "No span carries a payload or a token.",
        table(["attribute", "what it holds"], attributes),
    )


def logs() -> str:
    """Every event and key of the log."""
    events = [
        [code(event.name), event.level, "thinned out when it repeats" if event.limited else "each one", event.help]
        for event in names.EVENTS.values()
    ]
    keys = [[code(name), text] for name, text in KEYS.items()]
    return page(
        "Log lines",
        SOURCE,
        "JSON, one object a line. Each line about a connection carries its `connection_id`, each line inside a "
        "sampled trace its `trace_id`. No line carries a payload or a token.",
        table(["event", "level", "how often", "when"], events),
        "## Keys",
        table(["key", "what it holds"], keys),
    )


def _labels(metric: names.Metric) -> str:
    return "; ".join(f"{code(label)}: {_values(values)}" for label, values in metric.labels.items())


def _values(values: names.Values) -> str:
    if isinstance(values, names.Handed):
        return values.what.replace("_", " ")
    return ", ".join(code(value) for value in values)
