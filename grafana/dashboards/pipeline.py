"""Where our signals go: Prometheus, the Collector, Jaeger, Loki."""

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery as PrometheusQuery

from grafana.dashboards.panels import lines, number, on_the_right
from grafana.dashboards.queries import prometheus, their_increase, their_rate, their_total, theirs

COLLECTOR, JAEGER, LOKI, PROMETHEUS = "collector", "jaeger", "loki", "prometheus"


def unreached() -> stat.Panel:
    """Parts of the stack that Prometheus does not reach."""
    return number(
        "Unreached targets",
        "Targets of Prometheus, all jobs, that did not answer its last question. Normal is 0. The graph beside it says "
        "which; the service itself runs and serves without any of them.",
        "short",
        ((1, "red"),),
        prometheus('count (up{job=~".+"}) - sum (up{job=~".+"})', "unreached"),
    )


def queue_share() -> stat.Panel:
    """How full the Collector's queues are."""
    size, capacity = (theirs(f"otelcol_exporter_queue_{part}", COLLECTOR) for part in ("size", "capacity"))
    return number(
        "Collector's queue",
        "How full the fullest queue of the Collector is. Normal is below 5 %. Growing: Jaeger or Loki do not take what "
        "comes; at 100 % it refuses, and spans are lost. The queue is on disk and survives a restart.",
        "percentunit",
        ((0.5, "yellow"), (0.8, "red")),
        prometheus(f"max ({size} / {capacity})", "fullest"),
    )


def head_series() -> stat.Panel:
    """How many series Prometheus holds."""
    return number(
        "Series",
        "Series that Prometheus holds in memory, all jobs. Normal is some thousands (each instance of ours has about a "
        "thousand), the same every day. A steady climb: a label with open values, see New series.",
        "short",
        ((100_000, "yellow"), (1_000_000, "red")),
        prometheus(their_total("prometheus_tsdb_head_series", PROMETHEUS), "series"),
    )


def reached() -> timeseries.Panel:
    """Which parts answer."""
    return lines(
        "Reached targets",
        "Share of the targets of each job that Prometheus reaches. Normal is 100 % for all. A job at 0: that part is "
        "down; what it would tell is missing below, and its alerts are silent.",
        "percentunit",
        prometheus('avg by (job) (up{job=~".+"})', "{{job}}"),
    )


def scrapes() -> timeseries.Panel:
    """How long each job takes to answer."""
    return lines(
        "Scrape duration by job",
        "How long Prometheus waits for each job's figures. Normal is milliseconds; Loki's many take tens. Near the "
        "interval of 5 s scrapes begin to fail.",
        "s",
        prometheus('max by (job) (scrape_duration_seconds{job=~".+"})', "{{job}}"),
    )


def _through_the_collector(signal: str) -> list[PrometheusQuery]:
    """What came in and went out, and what did neither."""
    counters = {"accepted": "receiver", "sent": "exporter", "refused": "receiver", "failed": "receiver"}
    return [
        prometheus(their_rate(f"otelcol_{part}_{what}_{signal}_total", COLLECTOR), what)
        for what, part in counters.items()
    ]


def collector_spans() -> timeseries.Panel:
    """Spans through the Collector."""
    return lines(
        "Collector: spans",
        "Spans per second that the Collector accepted, sent on to Jaeger, refused and failed on. Normal is accepted "
        "and sent as one line, refused none. Sent below accepted: Jaeger is away and the queue grows; refused: its "
        "memory limit.",
        "ops",
        *_through_the_collector("spans"),
    )


def collector_lines() -> timeseries.Panel:
    """Log lines through the Collector."""
    return lines(
        "Collector: log lines",
        "Log lines per second that the Collector read, sent on to Loki, refused and failed on. Normal is accepted and "
        "sent as one line. Sent below accepted: Loki is away; nothing is lost, the file is read on when it is back.",
        "ops",
        *_through_the_collector("log_records"),
    )


def collector_queues() -> timeseries.Panel:
    """What waits in the Collector."""
    return lines(
        "Collector: queues",
        "Batches that wait in the Collector, by where they shall go. Normal is near 0; the capacity is 2,000. A queue "
        "that grows names the part that does not take: otlp_grpc/jaeger or otlp_http/loki.",
        "short",
        prometheus(their_total("otelcol_exporter_queue_size", COLLECTOR, "exporter"), "{{exporter}}"),
    )


def collector_memory() -> timeseries.Panel:
    """What the Collector needs."""
    panel = lines(
        "Collector: memory and CPU",
        "Resident memory of the Collector, and its cores in use (right). Normal is 60 to 120 MB and a few percent. "
        "Near its limit of 256 MB it refuses spans: more is sampled than it was given memory for.",
        "bytes",
        prometheus(their_total("otelcol_process_memory_rss_bytes", COLLECTOR), "memory"),
        prometheus(their_rate("otelcol_process_cpu_seconds_total", COLLECTOR), "cores"),
    )
    return on_the_right(panel, "cores", "short")


def jaeger() -> timeseries.Panel:
    """Spans that Jaeger keeps."""
    return lines(
        "Jaeger: spans",
        "Spans per second that Jaeger took, stored, and failed to store. Normal is taken and stored as one line. "
        "Failures: its storage; the traces of that time are not complete.",
        "ops",
        prometheus(their_rate("otelcol_receiver_accepted_spans_total", JAEGER), "taken"),
        prometheus(their_rate("otelcol_exporter_sent_spans_total", JAEGER), "stored"),
        prometheus(their_rate("otelcol_exporter_send_failed_spans_total", JAEGER), "failed"),
    )


def loki_lines() -> timeseries.Panel:
    """Lines that Loki takes."""
    panel = lines(
        "Loki: lines",
        "Log lines per second that Loki took, and their bytes (right). Normal is the Collector's sent line. Lines "
        "that are sent and not taken were refused: too old, too long, too many; Loki's own log says which.",
        "ops",
        prometheus(their_rate("loki_distributor_lines_received_total", LOKI), "lines"),
        prometheus(their_rate("loki_distributor_bytes_received_total", LOKI), "bytes"),
    )
    return on_the_right(panel, "bytes", "Bps")


def loki_delay() -> timeseries.Panel:
    """How late lines come."""
    lag = their_rate("loki_distributor_lag_ms_total", LOKI)
    pushes = their_rate("loki_request_duration_seconds_count", LOKI, matchers='route="otlp_v1_logs", status_code="204"')
    return lines(
        "Loki: delay of lines",
        "From writing a line to Loki's taking it, by Loki's clock: the mean of the newest line of each batch. Normal "
        "is 0.2 to 0.6 s. More than a second: Collector or Loki cannot keep up, or bring what they missed; a gap: no "
        "line comes at all.",
        "s",
        prometheus(f"{lag} / {pushes} / 1000", "delay"),
    )


def loki_requests() -> timeseries.Panel:
    """Loki's answers."""
    return lines(
        "Loki: requests by status",
        "Requests to Loki per second by status. Normal is 2xx. 429: too much at once; 5xx: it is not well, and the "
        "panels with log lines are not complete.",
        "reqps",
        prometheus(their_rate("loki_request_duration_seconds_count", LOKI, "status_code"), "{{status_code}}"),
    )


def loki_own_errors() -> timeseries.Panel:
    """What Loki says about itself."""
    return lines(
        "Loki: its own warnings",
        "Lines of Loki's own log in each step, errors and warnings. Normal is none but at the start. A steady stream: "
        "read its container's log; its disk or its memory is the usual cause.",
        "short",
        prometheus(
            their_increase("loki_internal_log_messages_total", LOKI, "level", 'level=~"error|warn"'), "{{level}}"
        ),
    )


def rule_evaluations() -> timeseries.Panel:
    """Do the rules run?"""
    return lines(
        "Rules",
        "Rules that Prometheus evaluates per second, evaluations that failed, and groups that came too late. Normal is "
        "a steady line and none failed. Failures: alerts are blind; promtool check rules says what is wrong.",
        "ops",
        prometheus(their_rate("prometheus_rule_evaluations_total", PROMETHEUS), "evaluated"),
        prometheus(their_rate("prometheus_rule_evaluation_failures_total", PROMETHEUS), "failed"),
        prometheus(their_rate("prometheus_rule_group_iterations_missed_total", PROMETHEUS), "missed"),
    )


def storage() -> timeseries.Panel:
    """What Prometheus keeps."""
    panel = lines(
        "Prometheus: samples",
        "Samples that Prometheus stores per second, and the series that it holds (right). Normal is a steady line for "
        "both. Series that climb: New series says whether they are ours.",
        "ops",
        prometheus(their_rate("prometheus_tsdb_head_samples_appended_total", PROMETHEUS), "samples"),
        prometheus(their_total("prometheus_tsdb_head_series", PROMETHEUS), "series"),
    )
    return on_the_right(panel, "series", "short")
