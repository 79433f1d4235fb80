"""Is it us? Readiness, errors and what is firing."""

from grafana_foundation_sdk.builders import stat, timeseries
from grafana_foundation_sdk.builders.dashboard import Panel as AnyPanel
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.common import BigValueGraphMode
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode, ValueMap, ValueMappingResult

from grafana.dashboards.panels import alerts, limit, lines, number
from grafana.dashboards.queries import of, prometheus, rate

ERRORS, REQUESTS = "heliograph_errors_total", "heliograph_requests_total"
#: The alert HeliographErrorRate calls at this share.
ERROR_LIMIT = 0.01


def ready() -> stat.Panel:
    """Is every instance scraped, and does it want connections?"""
    panel = number(
        "Ready",
        "Whether Prometheus reaches every chosen instance, and whether each says that it is ready for new "
        "connections. Normal is twice yes, except while an instance is being replaced. A lasting no: read the log "
        "lines of that instance, and `/ready` on its internal port, which says what is missing.",
        "short",
        (),
        prometheus(f"min ({of('up')})", "reached"),
        prometheus(f"min ({of('heliograph_ready')})", "ready"),
    )
    words = {"0": ValueMappingResult(text="no", color="red"), "1": ValueMappingResult(text="yes", color="green")}
    red_first = [Threshold(color="red"), Threshold(value=1, color="green")]
    panel = panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(red_first))
    return panel.mappings([ValueMap(options=words)]).graph_mode(BigValueGraphMode.NONE)


def error_share() -> stat.Panel:
    """Share of requests that fail by our fault."""
    return number(
        "Errors",
        "Share of all requests (API calls, connects, commands, publications) that fail by our fault; mistakes of "
        "clients do not count. Normal is 0. From 1 % on somebody is called: see which kind it is in Errors by kind.",
        "percentunit",
        ((0.001, "yellow"), (ERROR_LIMIT, "red")),
        prometheus(f"{rate(ERRORS)} / {rate(REQUESTS)}", "errors"),
    )


def errors_by_kind() -> timeseries.Panel:
    """Which of our doors fails."""
    panel = lines(
        "Errors by kind",
        "Errors of ours as a share of all requests, by what was asked: api, publish, connect, command, internal. "
        "Normal is nothing at all; the dashed line is where HeliographErrorRate calls. Its runbook says what each "
        "kind means.",
        "percentunit",
        prometheus(f"{rate(ERRORS, 'kind')} / on () group_left () {rate(REQUESTS)}", "{{kind}}"),
    )
    return limit(panel, ERROR_LIMIT).axis_soft_max(2 * ERROR_LIMIT)


def firing() -> AnyPanel:
    """What is firing now."""
    return alerts(
        "Alerts",
        "Heliograph's alerts that fire or are about to. Normal is an empty list. Each entry links to its runbook, "
        "which says what to do first.",
        "Heliograph",
    )
