"""Metrics that are not ours: what rules, boards and runbooks may use of the programs around the server.

Only what stands here may be used; `tests/stack` looks whether the running programs have it.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Foreign:
    """One metric of another program, as Prometheus has it."""

    job: str  # whose scrape it is in; "" for every one's
    kind: str  # counter or gauge
    labels: dict[str, str | tuple[str, ...]] = field(default_factory=dict)  # each with values that it takes
    also: str = ""  # another job that has it, too
    trouble: bool = False  # there only once something has gone wrong, or has been asked for


_QUEUE = {"exporter": ("otlp_http/loki", "otlp_grpc/jaeger"), "data_type": ("logs", "traces")}
_PROVIDER = {"channel": "chat"}
#: As in observability/stack/prometheus.yml.
JOBS = ("heliograph", "collector", "jaeger", "loki", "prometheus", "alertmanager", "pager")

#: What Prometheus adds by itself to each scrape.
OF_SCRAPES = {
    "up": Foreign("", "gauge"),
    "scrape_samples_scraped": Foreign("", "gauge"),
    "scrape_series_added": Foreign("", "gauge"),
    "scrape_duration_seconds": Foreign("", "gauge"),
}
FOREIGN = {
    **OF_SCRAPES,
    "ALERTS": Foreign(  # Prometheus' own account of what its rules found
        "heliograph",
        "gauge",
        {
            "alertname": ("HeliographBacklog", "Watchdog"),
            "alertstate": ("firing", "pending"),
            "severity": "critical",
            "service": "heliograph",
        },
        trouble=True,
    ),  # fmt: skip
    # ------------------------------------------------------------------ the Collector
    "otelcol_exporter_queue_size": Foreign("collector", "gauge", _QUEUE),
    "otelcol_exporter_queue_capacity": Foreign("collector", "gauge", _QUEUE),
    "otelcol_exporter_sent_spans_total": Foreign("collector", "counter", {"exporter": "otlp_grpc/jaeger"}, "jaeger"),
    "otelcol_exporter_sent_log_records_total": Foreign("collector", "counter", {"exporter": "otlp_http/loki"}),
    **{
        f"otelcol_exporter_{trouble}_{what}_total": Foreign(
            "collector", "counter", {"exporter": exporter}, "jaeger", trouble=True
        )
        for trouble in ("send_failed", "enqueue_failed")
        for what, exporter in (("spans", "otlp_grpc/jaeger"), ("log_records", "otlp_http/loki"))
    },
    **{
        f"otelcol_receiver_{fate}_{what}_total": Foreign("collector", "counter", {"receiver": receiver}, "jaeger")
        for fate in ("accepted", "refused", "failed")
        for what, receiver in (("spans", "otlp"), ("log_records", "file_log"))
    },
    "otelcol_process_memory_rss_bytes": Foreign("collector", "gauge"),
    "otelcol_process_cpu_seconds_total": Foreign("collector", "counter"),
    "otelcol_process_uptime_seconds_total": Foreign("collector", "counter"),
    # ------------------------------------------------------------------- Loki, Jaeger
    "loki_distributor_lines_received_total": Foreign("loki", "counter"),
    "loki_distributor_bytes_received_total": Foreign("loki", "counter"),
    "loki_internal_log_messages_total": Foreign("loki", "counter", {"level": ("error", "warn")}),
    "loki_distributor_lag_ms_total": Foreign("loki", "counter"),
    "loki_discarded_samples_total": Foreign("loki", "counter", {"reason": "rate_limited"}, trouble=True),
    "loki_request_duration_seconds_count": Foreign(
        "loki", "counter", {"route": "otlp_v1_logs", "method": "POST", "status_code": "204"}
    ),
    "loki_prometheus_rule_evaluation_failures_total": Foreign("loki", "counter", {"rule_group": "heliograph.logs"}),
    # -------------------------------------------------------- Prometheus, Alertmanager
    "prometheus_config_last_reload_successful": Foreign("prometheus", "gauge"),
    "prometheus_config_last_reload_success_timestamp_seconds": Foreign("prometheus", "gauge"),
    "prometheus_notifications_errors_total": Foreign("prometheus", "counter"),
    "prometheus_notifications_dropped_total": Foreign("prometheus", "counter"),
    "prometheus_notifications_sent_total": Foreign("prometheus", "counter"),
    "prometheus_notifications_queue_length": Foreign("prometheus", "gauge"),
    "prometheus_rule_evaluation_failures_total": Foreign(
        "prometheus", "counter", {"rule_group": "/etc/prometheus/rules/requests.yml;heliograph.requests"}
    ),
    "prometheus_rule_evaluations_total": Foreign("prometheus", "counter", {"rule_group": "heliograph"}),
    "prometheus_rule_group_iterations_missed_total": Foreign("prometheus", "counter", {"rule_group": "heliograph"}),
    "prometheus_tsdb_head_samples_appended_total": Foreign("prometheus", "counter", {"type": "float"}),
    "prometheus_rule_group_last_duration_seconds": Foreign("prometheus", "gauge", {"rule_group": "heliograph"}),
    "prometheus_tsdb_exemplar_exemplars_appended_total": Foreign("prometheus", "counter"),
    "prometheus_tsdb_head_series": Foreign("prometheus", "gauge"),
    "alertmanager_config_last_reload_successful": Foreign("alertmanager", "gauge"),
    "alertmanager_alerts": Foreign("alertmanager", "gauge", {"state": "active"}),
    "alertmanager_silences": Foreign("alertmanager", "gauge", {"state": "active"}),
    "alertmanager_notifications_total": Foreign("alertmanager", "counter", {"integration": "webhook"}),
    "alertmanager_notifications_failed_total": Foreign(
        "alertmanager", "counter", {"integration": "webhook", "reason": "serverError"}
    ),
    # ---------------------------------------------------------------------- the pager
    "pager_webhook_calls_total": Foreign("pager", "counter", {"result": "accepted"}),
    "pager_unrouted_total": Foreign("pager", "counter"),
    "pager_channel_call_seconds_sum": Foreign("pager", "counter", _PROVIDER, trouble=True),
    "pager_channel_call_seconds_count": Foreign("pager", "counter", _PROVIDER, trouble=True),
    "pager_notices_total": Foreign("pager", "counter", {"state": "firing"}, trouble=True),
    "pager_firing_alerts": Foreign("pager", "gauge"),
    "pager_open_cases": Foreign("pager", "gauge", {"acknowledged": ("no", "yes")}),
    "pager_letters_waiting": Foreign("pager", "gauge"),
    "pager_letters_total": Foreign("pager", "counter", _PROVIDER, trouble=True),
    "pager_letters_given_up_total": Foreign("pager", "counter", _PROVIDER, trouble=True),
    "pager_channel_calls_total": Foreign("pager", "counter", _PROVIDER | {"result": "sent"}, trouble=True),
    "pager_faults_total": Foreign("pager", "counter", {"part": ("escalation", "watchdog")}),
    "pager_rota_wrong": Foreign("pager", "gauge"),
    "pager_watchdog_heard_timestamp_seconds": Foreign("pager", "gauge"),
    "pager_watchdog_forwards_total": Foreign("pager", "counter", {"result": "sent"}),
}
#: Labels that every series has: of the scrape, of a bucket, of an alert.
LABELS = {"job", "instance", "le", "__name__"}
