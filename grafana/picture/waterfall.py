"""One trace as rows of a waterfall: depth, place, length and attributes of each span, where its links lead. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from grafana.picture import colours, units

TITLE: Final = "One message through Heliograph: drawn from Jaeger's answer (not Jaeger's page)"
_UNSAID: Final = ("otel.", "span.kind", "messaging.system", "messaging.operation", "internal.span")
_MARGIN: Final = 1.02  # the longest bar leaves a little room

Span = Mapping[str, Any]


def waterfall(trace: Mapping[str, Any], linked: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The rows of a trace as Jaeger's HTTP API answers it.

    Args:
        trace: one of ``data``.
        linked: traces to which links lead, by their id, as far as they are known.

    """
    spans = ordered(trace["spans"])
    start = min(span["startTime"] for span, _ in spans)
    whole = max(span["startTime"] + span["duration"] for span, _ in spans) - start or 1
    scale = units.ticks(whole * 1e-6, "s", 6)
    reach = whole * 1e-6 * _MARGIN
    said = f"trace {trace['traceID']} · {len(spans)} spans · {units.written(whole * 1e-6, 's')}"
    return {
        "title": TITLE,
        "about": f"{said} · links lead to the traces of the connections that received it",
        "ruler": [(at / reach, text) for at, text in scale if at <= reach],
        "spans": [
            _row(span, depth, (start, reach), linked) | {"color": colours.of_series(n)}
            for n, (span, depth) in enumerate(spans)
        ],
    }


def ordered(spans: Sequence[Span]) -> list[tuple[Span, int]]:
    """Every span after its parent and before its younger siblings, with its depth."""
    known = {span["spanID"] for span in spans}
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda each: each["startTime"]):
        parent = next((ref["spanID"] for ref in span["references"] if ref["refType"] == "CHILD_OF"), "")
        children.setdefault(parent if parent in known else "", []).append(span)
    found: list[tuple[Span, int]] = []
    waiting = [(span, 0) for span in reversed(children.get("", []))]
    while waiting:
        span, depth = waiting.pop()
        found.append((span, depth))
        waiting += [(child, depth + 1) for child in reversed(children.get(span["spanID"], []))]
    return found


def links(span: Span) -> list[Mapping[str, str]]:
    """The references of a span that are no parent."""
    return [ref for ref in span["references"] if ref["refType"] == "FOLLOWS_FROM"]


def _row(span: Span, depth: int, frame: tuple[int, float], linked: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """``frame``: start of the trace in µs, and how many seconds the whole width is."""
    took, (start, reach) = span["duration"] * 1e-6, frame
    return {
        "name": span["operationName"],
        "depth": depth,
        "from": (span["startTime"] - start) * 1e-6 / reach,
        "share": took / reach,
        "took": units.written(took, "s"),
        "tags": [(tag["key"], str(tag["value"])) for tag in span["tags"] if not tag["key"].startswith(_UNSAID)],
        "links": [_told(ref, linked) for ref in links(span)],
    }


def _told(ref: Mapping[str, str], linked: Mapping[str, Mapping[str, Any]]) -> str:
    """The span at the other end by its name and its connection, when it is known."""
    there = linked.get(ref["traceID"], {}).get("spans", ())
    span = next((span for span in there if span["spanID"] == ref["spanID"]), None)
    if span is None:
        return f"trace {ref['traceID']}"
    connection = next((tag["value"] for tag in span["tags"] if tag["key"] == "heliograph.connection.id"), "")
    return f"{span['operationName']} of connection {connection}   trace {ref['traceID']}"
