"""Our own signals: what we sample, export, scrape and drop."""

from grafana_foundation_sdk.builders import stat, timeseries

from grafana.dashboards.panels import bars, lines, number
from grafana.dashboards.queries import happened, highest, increase, prometheus, rate, their_rate, total

#: The scrape's budget of lines; the service's tests hold it.
LINES_BUDGET = 1500


def spans_lost() -> stat.Panel:
    """Spans that never left."""
    return number(
        "Lost spans",
        "Spans per second that never left: queue full, export failed, or stopped. Normal is 0. Any: the Collector is "
        "away or too slow (see Collector: spans); nobody but the traces suffers, and no trace is begun while the queue "
        "is full.",
        "ops",
        ((0.001, "yellow"), (1, "orange")),
        prometheus(rate("heliograph_spans_dropped_total"), "lost"),
    )


def lines_lost() -> stat.Panel:
    """Log lines that were never written."""
    return number(
        "Lost log lines",
        "Log lines per second that a full queue refused. Normal is 0. Any: the disk, or whoever reads stdout, is too "
        "slow; the service never waits for them.",
        "ops",
        ((0.001, "yellow"), (1, "orange")),
        prometheus(rate("heliograph_logs_dropped_total"), "lost"),
    )


def scrape_lines() -> stat.Panel:
    """How long the scrape is."""
    return number(
        "Samples of a scrape",
        "Samples that Prometheus takes from the largest instance at each scrape. Normal is 500 to 900, the same "
        "every day; labels are closed lists, so clients cannot make it grow. More than 1,500: prometheus.namespaces "
        "has many told by name.",
        "short",
        ((LINES_BUDGET, "yellow"), (2 * LINES_BUDGET, "red")),
        prometheus(highest("scrape_samples_scraped"), "samples"),
    )


def spans() -> timeseries.Panel:
    """What became of the spans."""
    return lines(
        "Spans of the service",
        "Spans per second that the Collector took, and those that were lost, by reason. Normal is only exported. "
        "queue_full or export_failed: the Collector is away, refuses, or is slow; stopped belongs to the end of a "
        "process.",
        "ops",
        prometheus(rate("heliograph_spans_exported_total"), "exported"),
        prometheus(rate("heliograph_spans_dropped_total", "reason"), "lost: {{reason}}"),
    )


def sampled() -> timeseries.Panel:
    """What the gate let through."""
    return lines(
        "Sampled traces",
        "Traces begun per second, by what let them through the gate: audience (one in so many), allow_list, "
        "client_flag (the publisher's own trace), late (slow or failed). Normal is audience; the ceiling is 50 a "
        "second for each process. Only late: everything is slow.",
        "ops",
        prometheus(rate("heliograph_traces_sampled_total", "by"), "{{by}}"),
    )


def log_losses() -> timeseries.Panel:
    """Where log lines were lost."""
    return lines(
        "Lost log lines by sink",
        "Log lines in each step that a full queue refused, by where they should have gone. Normal is none. What is "
        "lost from the file is missing in Loki; counters and traces are not touched.",
        "short",
        prometheus(increase("heliograph_logs_dropped_total", "sink"), "{{sink}}"),
    )


def scrape_failures() -> timeseries.Panel:
    """Rooms that could not tell their figures."""
    return lines(
        "Failed figures",
        "Rooms of the service whose figures could not be read at a scrape, in each step; the others are told all the "
        "same. Normal is none. Any is a defect of ours: the log names the room (event internal.error).",
        "short",
        prometheus(increase("heliograph_scrape_failures_total"), "rooms"),
    )


def debug_requests() -> timeseries.Panel:
    """Who looks at the debug API."""
    return bars(
        "Debug API",
        "Requests of the debug API in each step, by page and status. Normal is nothing but on-call engineers and "
        "`heliograph why`. 401 again and again: somebody guesses keys on the internal port.",
        prometheus(happened("heliograph_debug_requests_total", "page, status"), "{{page}} {{status}}"),
    )


def exemplars() -> timeseries.Panel:
    """Do the ways from a panel to a trace exist?"""
    appended = their_rate("prometheus_tsdb_exemplar_exemplars_appended_total", "prometheus")
    return lines(
        "Exemplars and sampled traces",
        "Exemplars that Prometheus stores per second, and traces that the service begins. Normal is both above 0 under "
        "load. Traces without exemplars: Prometheus runs without exemplar-storage, and no diamond leads to a trace.",
        "ops",
        prometheus(appended, "stored exemplars"),
        prometheus(rate("heliograph_traces_sampled_total"), "begun traces"),
    )


def new_series() -> timeseries.Panel:
    """Samples by instance, and new series."""
    return lines(
        "New series",
        "Series that appear per scrape of the service. Normal is 0 but after a start. A steady stream of new series is "
        "a label that is no closed list: a defect of ours, report it before Prometheus runs full.",
        "short",
        prometheus(total("scrape_series_added", "instance"), "{{instance}}"),
    )


def scrape_seconds() -> timeseries.Panel:
    """How long the scrape takes."""
    return lines(
        "Scrape of the service",
        "How long Prometheus waits for the service's figures, by instance. Normal is below 20 ms. Slower: the event "
        "loop lags, for the figures are told in small steps between other work.",
        "s",
        prometheus(highest("scrape_duration_seconds", "instance"), "{{instance}}"),
    )
