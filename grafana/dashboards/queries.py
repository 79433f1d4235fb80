"""What is asked of the data sources: PromQL, LogQL and Jaeger searches, each with the variables of the board.

Rules of the house: counters only under rate or increase, windows only `$__rate_interval` (LogQL: `$__auto`), `job` and
`instance` in every selector, and no `or vector()`: a query that finds nothing must show that it finds nothing.
"""

from grafana_foundation_sdk.builders.loki import Dataquery as LokiQuery
from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.loki import LokiQueryType
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${prometheus}")
LOKI = DataSourceRef(type_val="loki", uid="${loki}")
JAEGER = DataSourceRef(type_val="jaeger", uid="${jaeger}")

INSTANCES = 'job=~"$job", instance=~"$instance"'
#: The chosen instances' log lines; Loki calls Prometheus's job a service, and an instance by the same name as it.
LINES = '{service_name=~"$job"} | service_instance_id=~"$instance"'


#: What a line tells beside its event, in this order, where it has it; the whole line opens on a click.
TOLD = (
    "cause", "code", "reason", "verdict", "where", "error", "operation", "dependency", "kind", "result", "channel",
    "count", "seconds", "lifetime", "queued_bytes", "user", "address", "connection_id", "suppressed",
)  # fmt: skip
_WORDS = "".join(f"{{{{with .{key}}}}} {key}={{{{.}}}}{{{{end}}}}" for key in TOLD)
READABLE = f"line_format `{{{{if .event}}}}{{{{.event}}}}{_WORDS}{{{{else}}}}{{{{__line__}}}}{{{{end}}}}`"


def of(metric: str, matchers: str = "") -> str:
    """A selector of the chosen instances, with further matchers (`kind="api"`)."""
    return f"{metric}{{{INSTANCES}{', ' if matchers else ''}{matchers}}}"


def total(metric: str, by: str = "", matchers: str = "") -> str:
    """A gauge, added up over the instances, or by the given labels."""
    return f"sum{_by(by)} ({of(metric, matchers)})"


def rate(counter: str, by: str = "", matchers: str = "") -> str:
    """A counter's growth per second."""
    return f"sum{_by(by)} (rate({of(counter, matchers)}[$__rate_interval]))"


def increase(counter: str, by: str = "", matchers: str = "") -> str:
    """A counter's growth in one step of the panel."""
    return f"sum{_by(by)} (increase({of(counter, matchers)}[$__rate_interval]))"


def happened(counter: str, by: str, matchers: str = "") -> str:
    """A counter's growth in one step, only for those labels for which it grew."""
    return f"{increase(counter, by, matchers)} > 0"


def mean(histogram: str, by: str = "") -> str:
    """The mean in seconds of a histogram, given without its suffix."""
    return f"{rate(f'{histogram}_sum', by)} / {rate(f'{histogram}_count', by)}"


def highest(gauge: str, by: str = "") -> str:
    """A gauge's highest value over the instances, or by the given labels."""
    return f"max{_by(by)} ({of(gauge)})"


def theirs(metric: str, job: str, matchers: str = "") -> str:
    """A selector of another part of the stack, by its job in observability/stack/prometheus.yml."""
    return f'{metric}{{job="{job}"{", " if matchers else ""}{matchers}}}'


def their_total(metric: str, job: str, by: str = "", matchers: str = "") -> str:
    """A gauge of another part of the stack, added up."""
    return f"sum{_by(by)} ({theirs(metric, job, matchers)})"


def their_rate(counter: str, job: str, by: str = "", matchers: str = "") -> str:
    """Growth per second of a counter of another part of the stack."""
    return f"sum{_by(by)} (rate({theirs(counter, job, matchers)}[$__rate_interval]))"


def their_increase(counter: str, job: str, by: str = "", matchers: str = "") -> str:
    """Growth in one step of a counter of another part of the stack."""
    return f"sum{_by(by)} (increase({theirs(counter, job, matchers)}[$__rate_interval]))"


def percentiles(histogram: str, *, exemplars: bool = True) -> list[PrometheusQuery]:
    """P99 (with its exemplars where it has some), P95 and median of a histogram, given without its suffix."""
    return [
        prometheus(quantile(0.99, histogram), "p99", exemplars=exemplars),
        prometheus(quantile(0.95, histogram), "p95"),
        prometheus(quantile(0.5, histogram), "median"),
    ]


def quantile(share: float, histogram: str, by: str = "", matchers: str = "") -> str:
    """A quantile in seconds of a histogram, given without its suffix."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', labels, matchers)})"


def prometheus(expression: str, legend: str, *, exemplars: bool = False) -> PrometheusQuery:
    """A line per series over the time of the board; with exemplars where a dot shall lead to a trace."""
    query = PrometheusQuery().datasource(PROMETHEUS).expr(expression).legend_format(legend).range()
    return query.editor_mode(QueryEditorMode.CODE).exemplar(exemplars)


def buckets(histogram: str, *, exemplars: bool = True) -> PrometheusQuery:
    """A histogram as a heatmap takes it: growth per bucket, with exemplars where it has some."""
    query = prometheus(increase(f"{histogram}_bucket", "le"), "{{le}}", exemplars=exemplars)
    return query.format(PromQueryFormat.HEATMAP)


def loki(expression: str, legend: str = "", lines: int | None = None) -> LokiQuery:
    """Log lines (at most `lines`) in words, or a line per series when the expression counts them."""
    expression = f"{expression} | {READABLE}" if lines else expression
    query = LokiQuery().datasource(LOKI).expr(expression).query_type(LokiQueryType.RANGE)
    query = query.max_lines(lines) if lines else query
    return query.legend_format(legend) if legend else query


def jaeger(operation: str, limit: int = 20) -> Builder[Dataquery]:
    """The latest traces that hold such a span."""
    return _JaegerSearch(operation, limit)


class JaegerQuery(Dataquery):
    """A search as Grafana's Jaeger data source stores it; the SDK has no builder for it."""

    def __init__(self, operation: str, limit: int) -> None:
        self.operation, self.limit = operation, limit
        self.ref_id: str | None = None

    def to_json(self) -> dict[str, object]:
        return {
            "datasource": JAEGER,
            "limit": self.limit,
            "operation": self.operation,
            "queryType": "search",
            "refId": self.ref_id,
            "service": "$job",
        }


class _JaegerSearch(Builder[Dataquery]):
    def __init__(self, operation: str, limit: int) -> None:
        self._query = JaegerQuery(operation, limit)

    def build(self) -> JaegerQuery:
        return self._query


def _by(labels: str) -> str:
    return f" by ({labels})" if labels else ""
