"""Follows the provisioned links as Grafana does: exemplar -> trace -> log lines and metrics, log line -> trace,
log line -> lines of its connection.

The stack's test takes an exemplar of the running Prometheus and walks with these; what the provisioning does not lead to is
not found.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

PROVISIONED = Path(__file__).parents[2] / "grafana" / "provisioning" / "datasources" / "datasources.yaml"
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def sources() -> dict[str, dict[str, Any]]:
    """The provisioned data sources by uid; single dollars, as Grafana has them after reading the file."""
    text = PROVISIONED.read_text().replace("$$", "$")
    return {source["uid"]: source for source in yaml.safe_load(text)["datasources"]}


def trace_of_exemplar(labels: Mapping[str, str]) -> tuple[str, str]:
    """Data source and path of the trace behind an exemplar with these labels; KeyError when there is no link."""
    (destination,) = sources()["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    return destination["datasourceUid"], f"/api/traces/{labels[destination['name']]}"


def trace_of_line(labels: Mapping[str, str]) -> tuple[str, str]:
    """Data source and path of the trace that a log line with these labels and structured metadata belongs to."""
    source, trace_id = _derived(labels, "jaeger")
    return source, f"/api/traces/{trace_id}"


def lines_of_connection(labels: Mapping[str, str], start: float, end: float) -> tuple[str, str]:
    """Data source and question for all lines of the connection that a log line with these labels belongs to."""
    source, query = _derived(labels, "loki")
    nanoseconds = {"start": int(start * 1e9), "end": int(end * 1e9)}
    return source, f"/loki/api/v1/query_range?{urlencode({'query': query, 'limit': 100} | nanoseconds)}"


def lines_of_trace(trace_id: str, start: float, end: float) -> tuple[str, str]:
    """Data source and question for the log lines of a span from `start` to `end` (seconds since the epoch)."""
    logs = sources()["jaeger"]["jsonData"]["tracesToLogsV2"]
    query = logs["query"].replace("${__trace.traceId}", trace_id)
    shifted = {"start": start + _shift(logs["spanStartTimeShift"]), "end": end + _shift(logs["spanEndTimeShift"])}
    nanoseconds = {name: int(value * 1e9) for name, value in shifted.items()}
    return logs["datasourceUid"], f"/loki/api/v1/query_range?{urlencode({'query': query, 'limit': 100} | nanoseconds)}"


def metrics_of_span(tags: Mapping[str, str], end: float) -> list[tuple[str, str]]:
    """Data source and question for each metric that a span with these attributes leads to, asked for the time `end`."""
    metrics = sources()["jaeger"]["jsonData"]["tracesToMetrics"]
    matchers = ", ".join(f'{tag["value"]}="{tags[tag["key"]]}"' for tag in metrics["tags"] if tag["key"] in tags)
    asked = [query["query"].replace("$__tags", matchers) for query in metrics["queries"]]
    return [(metrics["datasourceUid"], f"/api/v1/query?{urlencode({'query': query, 'time': end})}") for query in asked]


def _derived(labels: Mapping[str, str], target: str) -> tuple[str, str]:
    """Where a line's derived field with this target leads, filled; ValueError when the line has none."""
    fields = sources()["loki"]["jsonData"]["derivedFields"]
    (field,) = (each for each in fields if each["datasourceUid"] == target)
    assert field["matcherType"] == "label"
    (value,) = [labels[name] for name in labels if re.fullmatch(field["matcherRegex"], name)]
    return field["datasourceUid"], field["url"].replace("${__value.raw}", value)


def _shift(text: str) -> float:
    sign, number, unit = re.fullmatch(r"(-?)(\d+)(ms|[smh])", text).groups()
    return int(f"{sign}{number}") * _SECONDS[unit]
