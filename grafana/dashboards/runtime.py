"""The process itself: does the event loop come round in time?"""

from grafana_foundation_sdk.builders import logs, stat, timeseries

from grafana.dashboards.panels import limit, lines, log_lines, number
from grafana.dashboards.queries import LINES, highest, loki, mean, of, prometheus, quantile, rate, total

#: The alert HeliographCpu calls at this share of a core.
CPU_LIMIT = 0.85
#: The alert HeliographFiles calls at this share of what the process may open.
FILES_LIMIT = 0.8
#: The alert HeliographDown calls at this share of scrapes that failed.
MISSED_LIMIT = 0.9
#: The alert HeliographRestarts calls above so many starts within eight minutes.
RESTARTS_LIMIT = 2
#: The alert HeliographGcPauses calls at so many seconds of collecting within five minutes.
PAUSES_LIMIT = 1


def loop_and_pauses() -> timeseries.Panel:
    """Event loop lag and garbage collection."""
    return lines(
        "Event loop lag and GC pauses",
        "How late the event loop's tick comes (P99 and mean), and the seconds per second that the garbage collector "
        "holds it. Normal is a few milliseconds, up to 25 ms under heavy tracing; at 100 ms half the latency "
        "objective is gone. A stall is named in the log with file and line (the event loop.stalled).",
        "s",
        prometheus(quantile(0.99, "heliograph_event_loop_lag_seconds"), "loop lag p99"),
        prometheus(mean("heliograph_event_loop_lag_seconds"), "loop lag mean"),
        prometheus(rate("heliograph_gc_pause_seconds_sum"), "GC pauses per second"),
    )


def cpu() -> timeseries.Panel:
    """How much of its core a process uses."""
    panel = lines(
        "CPU",
        "Cores in use, by instance. One process has one event loop and so one core: 1 is all there is. Normal is what "
        "the day before had at this hour; the dashed line is where HeliographCpu calls. Near it latency grows for "
        "everybody: add a process, or see in Messages which namespace publishes more than usual.",
        "short",
        prometheus(rate("process_cpu_seconds_total", "instance"), "{{instance}}"),
    )
    return limit(panel, CPU_LIMIT)


def files() -> timeseries.Panel:
    """Open descriptors against what is allowed."""
    panel = lines(
        "File descriptors",
        "Open descriptors as a share of the limit, by instance; each connection takes one. Normal is below 50 %, "
        "growing and falling with the connections. The dashed line is where HeliographFiles calls: raise the limit "
        "(`LimitNOFILE`, `ulimits`) before the kernel refuses connections.",
        "percentunit",
        prometheus(f"{total('process_open_fds', 'instance')} / {total('process_max_fds', 'instance')}", "{{instance}}"),
    )
    return limit(panel, FILES_LIMIT).axis_soft_max(1)


def memory() -> timeseries.Panel:
    """Resident memory, and how much of it a connection takes."""
    return lines(
        "Memory",
        "Resident memory, by instance. Normal is a base of some 80 MB, a few KiB for each connection, and what waits "
        "in outboxes; it does not fall when connections go, and does not grow when they come back. When it climbs with "
        "steady connections, compare Backlog, and look at `/debug/slow`.",
        "bytes",
        prometheus(total("process_resident_memory_bytes", "instance"), "{{instance}}"),
    )


def stalls() -> timeseries.Panel:
    """How often the loop stood still."""
    return lines(
        "Event loop stalls",
        "Times a minute that the event loop stood still for 250 ms or more, by instance. Normal is none. Each one is "
        "named in the log with file and line (the event loop.stalled); heartbeat verdicts discount it.",
        "short",
        prometheus(f"{rate('heliograph_event_loop_stalls_total', 'instance')} * 60", "{{instance}}"),
    )


def uptime() -> timeseries.Panel:
    """Since when."""
    return lines(
        "Age of the process",
        "Seconds since the start, by instance. Normal is a line that rises; a saw's teeth are restarts. Somebody who "
        "restarts it every few minutes is the supervisor of a process that dies: read the last lines before each.",
        "s",
        prometheus(f"time() - {highest('process_start_time_seconds', 'instance')}", "{{instance}}"),
    )


def missed_scrapes() -> timeseries.Panel:
    """Does it answer Prometheus?"""
    panel = lines(
        "Missed scrapes",
        "Share of Prometheus's questions of the last minute that got no answer, by instance. Normal is 0. The dashed "
        "line is where HeliographDown calls: the process is down, out of reach, or stands still; read its last lines.",
        "percentunit",
        prometheus(total("instance:heliograph_scrapes_missed:ratio_avg1m", "instance"), "{{instance}}"),
    )
    return limit(panel, MISSED_LIMIT)


def restarts() -> timeseries.Panel:
    """How often it started lately."""
    panel = lines(
        "Restarts",
        "Starts of the process within eight minutes, by instance. Normal is 0, and 1 after a deploy. Above the dashed "
        "line HeliographRestarts calls: somebody restarts a process that dies; read the last lines before each start.",
        "short",
        prometheus(total("instance:heliograph_restarts:changes8m", "instance"), "{{instance}}"),
    )
    return limit(panel, RESTARTS_LIMIT)


def pauses() -> timeseries.Panel:
    """What the garbage collector took, all pauses together."""
    panel = lines(
        "GC pauses in five minutes",
        "Seconds of five minutes in which the garbage collector held the process, by instance. Normal is below 0.5 s. "
        "The dashed line is where HeliographGcPauses calls: let fewer connections in a second, or add a process.",
        "s",
        prometheus(total("instance:heliograph_gc_pauses:increase5m", "instance"), "{{instance}}"),
    )
    return limit(panel, PAUSES_LIMIT)


def cpu_now() -> stat.Panel:
    """The busiest process as one number."""
    return number(
        "CPU of the busiest",
        "Share of its core that the busiest process uses. Normal is below 60 %. Near 100 % everybody waits: add a "
        "process, or see in Messages which namespace publishes more than usual.",
        "percentunit",
        ((0.6, "yellow"), (CPU_LIMIT, "red")),
        prometheus(f"max ({rate('process_cpu_seconds_total', 'instance')})", "busiest"),
    )


def lag_p99() -> stat.Panel:
    """The event loop's lag as one number."""
    return number(
        "P99 loop lag",
        "99 of 100 ticks of the event loop come no later than this. Normal is below 10 ms. Above 100 ms half the "
        "latency objective is gone for everybody; Event loop stalls says whether single calls block it.",
        "s",
        ((0.05, "yellow"), (0.25, "red")),
        prometheus(quantile(0.99, "heliograph_event_loop_lag_seconds"), "p99"),
    )


def memory_per_connection() -> stat.Panel:
    """Resident memory over connections."""
    share = f"{total('process_resident_memory_bytes')} / {total('heliograph_connections')}"
    return number(
        "Memory per connection",
        "Resident memory, the base included, divided by connections. Normal is below 10 KiB with thousands of "
        "connections, and large with few. Climbing while connections stay: compare Waiting bytes and Python's blocks.",
        "bytes",
        (),
        prometheus(share, "memory per connection"),
    )


def versions() -> timeseries.Panel:
    """What runs, on how many instances."""
    return lines(
        "Versions",
        "Instances by version of Heliograph and of Python. Normal is one version, and two during a deploy. Two for "
        "long: a deploy that stopped half way.",
        "short",
        prometheus(f"count by (version, python) ({of('heliograph_build_info')})", "{{version}} on Python {{python}}"),
    )


def readiness() -> timeseries.Panel:
    """Who wants connections, who is going."""
    return lines(
        "Ready and draining",
        "Instances that want connections, and instances that are going. Normal is all ready and none draining, except "
        "during a deploy. Draining for longer than its deadline: read the lines of that instance (service.draining).",
        "short",
        prometheus(total("heliograph_ready"), "ready"),
        prometheus(total("heliograph_draining"), "draining"),
    )


def blocks() -> timeseries.Panel:
    """Python's own account of its memory."""
    return lines(
        "Python's memory blocks",
        "Memory blocks that Python has handed out, by instance: about its objects. Normal is a course like that of "
        "the connections, back to its base when they go. Blocks that stay when connections go: a leak of ours, report "
        "it.",
        "short",
        prometheus(total("heliograph_python_blocks", "instance"), "{{instance}}"),
    )


def collections() -> timeseries.Panel:
    """Which generation of the garbage collector costs."""
    return lines(
        "GC pauses by generation",
        "Seconds per second that the garbage collector holds the process, by generation. Normal is next to nothing; "
        "2 is a full collection. Much in 2: many objects came at once (a storm); they are frozen after each thousand "
        "connections.",
        "s",
        prometheus(rate("heliograph_gc_pause_seconds_sum", "generation"), "generation {{generation}}"),
    )


def worst_wait() -> timeseries.Panel:
    """Who is behind, by instance."""
    return lines(
        "Loop lag by instance",
        "The P99 of the event loop's lag, by instance. Normal is the same for all. One alone: its host, or the "
        "channels that only it serves.",
        "s",
        prometheus(quantile(0.99, "heliograph_event_loop_lag_seconds", "instance"), "{{instance}}"),
    )


def life_lines() -> logs.Panel:
    """Starts, stops, stalls, in words."""
    return log_lines(
        "The process, in words",
        "Starts, stops, readiness, stalls with file and line, exceptions that nobody expected. Normal is nothing but "
        "deploys. A stall names the code that blocked the event loop.",
        loki(f"{LINES} | event=~`service..+|loop.stalled|internal.error|library.error`", lines=100),
    )
