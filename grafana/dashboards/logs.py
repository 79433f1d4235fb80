"""What was said: log lines from Loki, each with a link to its trace."""

from grafana_foundation_sdk.builders import logs, timeseries

from grafana.dashboards.panels import lines, log_lines
from grafana.dashboards.queries import LINES, LOKI, loki

#: Ends of connections that deserve a look; client_closed and shutdown do not.
ABNORMAL = "slow_.+|no_pong|network_lost|protocol_error|bad_frame|too_many_commands|internal_error|unknown"


def lines_by_level() -> timeseries.Panel:
    """How much is logged, and how bad it is."""
    return lines(
        "Log lines by level",
        "Log lines in each step, by level. Normal is info that follows the closes, some warnings and no error. "
        "Errors: read them beside this panel. Nothing at all while connections change: the Collector or Loki is away.",
        "short",
        loki(f"sum by (level) (count_over_time({LINES} | level!=`` [$__auto]))", "{{level}}"),
    ).datasource(LOKI)


def worth_reading() -> logs.Panel:
    """Errors, warnings and abnormal ends."""
    return log_lines(
        "Errors, warnings and abnormal ends",
        "Lines of level warning and above, and the stories of connections that ended abnormally. Normal is a trickle "
        "of slow and lost networks. Open a line: its trace_id leads to the trace, its connection_id finds the other "
        "lines of that connection.",
        loki(f"{LINES} | level=~`warning|error` or cause=~`{ABNORMAL}`", lines=200),
    )
