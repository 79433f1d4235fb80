"""What was said: log lines from Loki, each with a link to its trace."""

from grafana_foundation_sdk.builders import logs, timeseries

from grafana.dashboards.panels import bars, lines, log_lines
from grafana.dashboards.queries import LINES, LOKI, loki, prometheus, rate

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


def by_event() -> timeseries.Panel:
    """What is talked about most."""
    return bars(
        "Log lines by event",
        "The ten most frequent events in each step. Normal is connection.closed and message.published. Another one on "
        "top is the first hint at what is going on; docs/reference/logs.md says what each event means.",
        loki(f"topk(10, sum by (event) (count_over_time({LINES} | event!=`` [$__auto])))", "{{event}}"),
    ).datasource(LOKI)


def errors_by_event() -> timeseries.Panel:
    """Errors and warnings by event."""
    return bars(
        "Errors and warnings by event",
        "Lines of level warning and error in each step, by event. Normal is none, or a few message.late of slow "
        "readers. A new name here is the cause, or next to it: filter the lines below by it.",
        loki(
            f"sum by (level, event) (count_over_time({LINES} | level=~`warning|error` [$__auto]))",
            "{{level}}: {{event}}",
        ),
    ).datasource(LOKI)


def ends_by_cause() -> timeseries.Panel:
    """Abnormal ends as the log has them."""
    ended = f"{LINES} | event=`connection.recorded` | cause=~`{ABNORMAL}`"
    return bars(
        "Abnormal ends by cause and verdict",
        "Ended connections that deserve a look in each step, by cause and by who kept things waiting: network, client, "
        "us, nobody or unclear; of a flood of them only some. Normal is network_lost. Verdict us: look at Runtime.",
        loki(
            f"sum by (cause, verdict) (count_over_time({ended} [$__auto]))",
            "{{cause}}: {{verdict}}",
        ),
    ).datasource(LOKI)


def dropped() -> timeseries.Panel:
    """Lines that never were written."""
    return lines(
        "Dropped log lines",
        "Log lines per second that a full queue refused, by where they should have gone. Normal is none. Any: the disk "
        "or whoever reads stdout is too slow; the service itself never waits for them. What is missing here is missing "
        "in Loki.",
        "ops",
        prometheus(rate("heliograph_logs_dropped_total", "sink"), "{{sink}}"),
    )


def of_one_connection() -> logs.Panel:
    """Everything about one connection."""
    return log_lines(
        "Lines of one connection",
        "All lines of the connection whose id stands in the field Connection above; of all connections when it is "
        "untouched. Normal is a connect, sampled messages, and one line at the end. Paste the id from a line, from a "
        "span (heliograph.connection.id), or from a user's bug report.",
        loki(f"{LINES} | connection_id=~`$connection`", lines=200),
    )


def everything() -> logs.Panel:
    """All lines."""
    return log_lines(
        "All lines",
        "Every line of the chosen service. Normal is what the panel Log lines by event says. For more than the latest "
        "300 follow the link to Explore.",
        loki(LINES, lines=300),
    )
