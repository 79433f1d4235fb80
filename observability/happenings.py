"""What can happen, and what tells of it: the table of README.md (``python -m observability.happenings`` writes it).

A happening is one call of an observer, or a room's figures at the scrape. Every declared name has its place here.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from observability import ledger_names as l
from observability import names as n
from observability import span_names as s
from observability.names import LogEvent, Metric
from observability.span_names import SpanName

README = Path(__file__).parent / "README.md"


@dataclass(frozen=True, slots=True)
class Happening:
    """``call`` is a method of the room's observer; empty for figures that a room tells at the scrape."""

    room: str
    call: str
    what: str
    metrics: tuple[Metric, ...] = ()
    spans: tuple[SpanName, ...] = ()
    events: tuple[LogEvent, ...] = ()


HAPPENINGS = (
    Happening("upgrade", "began", "A request to upgrade came"),
    Happening(
        "upgrade", "accepted", "The 101 is written",
        (n.UPGRADES, n.UPGRADE_SECONDS, n.TRACES_SAMPLED), (s.UPGRADE_SPAN,),
    ),
    Happening(
        "upgrade", "refused", "An upgrade was refused; traced up to a ceiling",
        (n.UPGRADES, n.UPGRADE_SECONDS, n.REFUSALS), (s.UPGRADE_SPAN,), (n.UPGRADE_REFUSED,),
    ),
    Happening(
        "upgrade", "step_skipped", "A step of the upgrade's chain was late or raised",
        (n.STEPS_SKIPPED,), (), (n.UPGRADE_STEP_SKIPPED,),
    ),
    Happening(
        "door", "refused", "Somebody was not let in; traced up to a ceiling",
        (n.REFUSALS,), (s.UPGRADE_SPAN,), (n.DOOR_REFUSED,),
    ),
    Happening("door", "waited", "Admission took a while", (n.ADMISSION_SECONDS,)),
    Happening(
        "door", "certificate_loaded", "A certificate is in use", (n.CERTIFICATE_RELOADS,), (), (n.CERTIFICATE_LOADED,)
    ),
    Happening(
        "door", "certificate_refused", "Certificate files cannot be used; the old ones stay",
        (n.CERTIFICATE_RELOADS,), (), (n.CERTIFICATE_REFUSED,),
    ),
    Happening(
        "door", "", "The doors' figures at the scrape",
        (n.VISITORS, n.ADMISSION_WAITING, n.ADMISSION_RATE, n.CONNECTIONS_LIMIT, n.CERTIFICATE_EXPIRY),
    ),
    Happening("emulation", "accepted", "Commands of a stream's client came", (n.EMULATION_REQUESTS,)),
    Happening(
        "emulation", "refused", "Commands of a stream's client were not taken",
        (n.EMULATION_REQUESTS,), (), (n.EMULATION_REFUSED,),
    ),
    Happening("connections", "greeting", "The socket is ours, the greeting begins"),
    Happening(
        "connections", "connected", "A greeting succeeded; its line only when sampled",
        (n.GREETINGS, n.CONNECT_SECONDS, n.REQUESTS, n.TRACES_SAMPLED), (s.CONNECT_SPAN,), (n.CONNECTION_CONNECTED,),
    ),
    Happening(
        "connections", "refused", "A greeting failed; traced when by our fault",
        (n.GREETINGS, n.REQUESTS, n.ERRORS), (s.CONNECT_SPAN,), (n.CONNECTION_REFUSED,),
    ),
    Happening(
        "connections", "command", "A command was answered; a line when it was refused, or failed by our fault",
        (n.COMMANDS_TOTAL, n.REQUESTS, n.ERRORS), (), (n.COMMAND_REFUSED, n.COMMAND_FAILED),
    ),
    Happening("connections", "received", "Messages came", (n.MESSAGES_RECEIVED, n.MESSAGE_BYTES_RECEIVED)),
    Happening("connections", "pinged", "A ping was sent", (n.PINGS,)),
    Happening(
        "connections", "ponged", "Its pong came; some are traced",
        (n.PONGS, n.HEARTBEAT_RTT, n.TRACES_SAMPLED), (s.HEARTBEAT_SPAN,),
    ),
    Happening(
        "connections", "heartbeat_late", "Its pong came late",
        (n.PONGS, n.HEARTBEATS_LATE, n.HEARTBEAT_RTT), (s.HEARTBEAT_SPAN,), (n.HEARTBEAT_LATE,),
    ),
    Happening(
        "connections", "heartbeat_missed", "No pong in time",
        (n.HEARTBEATS_MISSED,), (s.HEARTBEAT_SPAN,), (n.HEARTBEAT_MISSED,),
    ),
    Happening("connections", "stalled", "A client stopped taking what is sent", (), (), (n.CONNECTION_STALLED,)),
    Happening(
        "connections", "adapted", "A heartbeat adapted to the network",
        (n.HEARTBEATS_ADAPTED,), (), (n.HEARTBEAT_ADAPTED,),
    ),
    Happening("connections", "noted", "Something for the flight recorder alone"),
    Happening("connections", "waiting", "Bytes wait for a client; the flight recorder keeps the most"),
    Happening(
        "connections", "closed", "A connection ended; traced when its greeting was, with its record when unwanted",
        (n.CONNECTIONS_CLOSED, n.CONNECTION_LIFETIME), (s.CLOSE_SPAN,), (n.CONNECTION_CLOSED, n.CONNECTION_RECORDED),
    ),
    Happening(
        "connections", "", "Connections and what waits for them, at the scrape",
        (
            n.CONNECTIONS, n.BACKLOG_MESSAGES, n.BACKLOG_BYTES, n.BACKLOG_MEMORY, n.BACKLOG_LIMIT, n.OUTBOX_MESSAGES,
            n.OUTBOX_BYTES, n.KERNEL_UNSENT, n.UNSENT_OLDEST, n.SLOW_CONNECTIONS,
        ),
    ),
    Happening(
        "connections", "", "The close ledger: what began is open or has ended for a cause, at the scrape",
        (l.CONNECTIONS_UNACCOUNTED,),
    ),
    Happening("channels", "publishing", "A publication was accepted; the gate decides", (n.TRACES_SAMPLED,)),
    Happening(
        "channels", "published", "It has its place in the stream; span and line when sampled",
        (n.PUBLICATIONS, n.PUBLISH_SECONDS, n.REQUESTS), (s.PUBLISH_SPAN,), (n.MESSAGE_PUBLISHED,),
    ),
    Happening(
        "channels", "publish_failed", "It was refused or failed; traced when by our fault",
        (n.PUBLISH_ERRORS, n.REQUESTS, n.ERRORS), (s.PUBLISH_SPAN,), (n.MESSAGE_REFUSED, n.MESSAGE_FAILED),
    ),
    Happening(
        "channels", "fanned_out", "A batch went to all subscribers; a span for each sampled publication",
        (n.FANOUT_SECONDS,), (s.FANOUT_SPAN,),
    ),
    Happening("channels", "delivered", "The kernel took deliveries", (n.DELIVERY_SECONDS,)),
    Happening(
        "channels", "delivered_late", "It took them too late",
        (n.DELIVERY_SECONDS, n.LATE, n.TRACES_SAMPLED), (s.DELIVER_SPAN,), (n.MESSAGE_LATE,),
    ),
    Happening("channels", "joined", "A subscriber came", (n.SUBSCRIBES, n.RECOVERIES_TOTAL)),
    Happening("channels", "left", "Subscribers went", (n.UNSUBSCRIBES,)),
    Happening("channels", "dropped", "Subscribers did not get messages", (), (), (n.MESSAGES_DROPPED,)),
    Happening(
        "channels", "delta", "A batch was encoded for subscribers that take deltas", (n.DELTAS, n.DELTA_SAVED)
    ),
    Happening("channels", "gap", "A subscriber was told of a lost position", (n.INSUFFICIENT,), (), (n.CHANNEL_GAP,)),
    Happening(
        "channels", "", "Channels, subscribers, and how far the fan-out is behind, at the scrape",
        (n.CHANNELS, n.SUBSCRIPTIONS, n.FANOUT_LAG),
    ),
    Happening(
        "channels", "", "The ledger: what became of each expected message, at the scrape",
        (l.EXPECTED, n.DELIVERED, l.QUEUED, l.ENDED, n.DROPPED, l.UNACCOUNTED),
    ),
    Happening("presence", "announced", "A subscriber came or went, and others hear of it", (n.ANNOUNCEMENTS,)),
    Happening("presence", "told", "The kernel took joins and leaves", (n.ANNOUNCEMENTS_DELIVERED,)),
    Happening(
        "presence", "failed", "Presence could not be kept", (n.PRESENCE_FAILURES,), (), (n.PRESENCE_FAILED,),
    ),
    Happening("presence", "", "Who is present, at the scrape", (n.PRESENT,)),
    Happening(
        "broker", "done", "The broker did as asked; a span for a sampled publish",
        (n.BROKER_OPERATIONS, n.BROKER_SECONDS), (s.BROKER_SPAN,),
    ),
    Happening(
        "broker", "failed", "It did not",
        (n.BROKER_OPERATIONS,), (s.BROKER_SPAN,), (n.BROKER_FAILED,),
    ),
    Happening(
        "access", "token_refused", "A token did not count; traced up to a ceiling",
        (n.TOKENS_REFUSED,), (s.TOKEN_SPAN,), (n.TOKEN_REFUSED,),
    ),
    Happening("access", "keys_fetched", "A key set came", (), (), (n.KEYS_FETCHED,)),
    Happening("outside", "calling", "Another server is asked; the gate decides", (n.TRACES_SAMPLED,)),
    Happening("outside", "retried", "It is asked once more", (n.OUTSIDE_RETRIES,)),
    Happening(
        "outside", "called", "The question has its end; a span for a sampled or failed one, a line when it failed",
        (n.OUTSIDE_CALLS, n.OUTSIDE_SECONDS), (s.HOOK_SPAN,), (n.OUTSIDE_FAILED,),
    ),
    Happening("outside", "breaker_opened", "Nobody is asked for a while", (), (), (n.BREAKER_OPENED,)),
    Happening(
        "outside", "certificate_loaded", "Certificates towards it are in use",
        (n.CERTIFICATE_RELOADS,), (), (n.CERTIFICATE_LOADED,),
    ),
    Happening(
        "outside", "certificate_refused", "Certificate files towards it cannot be used; the old ones stay",
        (n.CERTIFICATE_RELOADS,), (), (n.CERTIFICATE_REFUSED,),
    ),
    Happening("outside", "breaker_closed", "Everybody is asked again", (), (), (n.BREAKER_CLOSED,)),
    Happening(
        "outside", "", "Questions that run and wait, and breakers, at the scrape",
        (n.OUTSIDE_RUNNING, n.OUTSIDE_WAITING, n.BREAKER_STATE, n.OUTSIDE_CERTIFICATE_EXPIRY),
    ),
    Happening(
        "api", "called", "A request of the server API was answered; a line when it was refused or failed",
        (n.API_REQUESTS, n.API_SECONDS, n.REQUESTS, n.ERRORS), (), (n.API_REFUSED, n.API_FAILED),
    ),
    Happening(
        "api", "debugged", "A request of the debug API was answered; a line when it was refused",
        (n.DEBUG_REQUESTS,), (), (n.DEBUG_REFUSED,),
    ),
    Happening("service", "started", "The service listens", (n.BUILD_INFO,), (), (n.SERVICE_STARTED,)),
    Happening("service", "ready", "Readiness changed", (n.READY,), (), (n.SERVICE_READY,)),
    Happening(
        "service", "draining", "The order to stop came", (n.DRAINING, n.DRAIN_DEADLINE), (), (n.SERVICE_DRAINING,)
    ),
    Happening("service", "stopped", "The end", (), (), (n.SERVICE_STOPPED,)),
    Happening("service", "note", "The operator should know something", (), (), (n.SERVICE_NOTE,)),
    Happening(
        "service", "internal_error", "An exception nobody expected",
        (n.REQUESTS, n.ERRORS), (), (n.INTERNAL_ERROR,),
    ),
    Happening(
        "runtime", "", "The loop's tick came, perhaps late", (n.LOOP_LAG, n.LOOP_STALLS, n.LOOP_STALLED_SECONDS), (),
        (n.LOOP_STALLED,)
    ),
    Happening("runtime", "", "The garbage collector ran", (n.GC_PAUSE,)),
    Happening("receivers", "receipt", "A client confirmed messages", (n.RECEIPTS,), (), (n.RECEIVER_REFUSED,)),
    Happening("receivers", "resumed", "A subscriber goes on where its user's receipts end", (n.RECEIPT_RESUMES,)),
    Happening(
        "receivers", "redelivered", "A subscriber has to come back for what it did not confirm",
        (n.REDELIVERIES,), (), (n.MESSAGE_UNCONFIRMED,),
    ),
    Happening("receivers", "reported", "A client reported", (n.REPORTS,), (), (n.RECEIVER_REFUSED,)),
    Happening("receivers", "unmeasured", "It told of a message that says nothing", (n.UNMEASURED,)),
    Happening(
        "receivers", "received", "It told when it had a message; a span when that was sampled",
        (n.RECEIVE_SECONDS,), (s.RECEIVE_SPAN,),
    ),
    Happening(
        "receivers", "lost", "It told how its last connection ended",
        (n.CLIENT_DISCONNECTS,), (), (n.RECEIVER_DISCONNECTED,),
    ),
    Happening(
        "receivers", "", "What is unconfirmed, at the scrape", (n.UNCONFIRMED, n.RECEIPT_POSITIONS),
    ),
    Happening(
        "runtime", "", "What the system holds for the process, at the scrape",
        (
            n.PROCESS_CPU, n.PROCESS_RSS, n.PROCESS_VIRTUAL, n.PROCESS_START, n.PROCESS_FDS, n.PROCESS_MAX_FDS,
            n.PYTHON_BLOCKS,
        ),
    ),
    Happening("telemetry", "", "A line found its queue full", (n.LOGS_DROPPED,)),
    Happening("telemetry", "", "Spans left, or were lost", (n.SPANS_EXPORTED, n.SPANS_DROPPED), (), (n.SPANS_LOST,)),
    Happening("telemetry", "", "A room could not tell its figures", (n.SCRAPE_FAILURES,)),
    Happening("telemetry", "", "A library logged something", (), (), (n.LIBRARY_WARNING, n.LIBRARY_ERROR)),
)  # fmt: skip

_HEAD = """# observability

What can be seen of Heliograph. The service says what happened, once, to the observer of its room; the observer makes
the metric, the span and the log line of it. Nothing here imports the service.

- `names.py` declares every name before it is used: metrics and their labels, spans, log events; `field_names.py` the
  attributes and keys that they carry.
- `metrics.py` counts in plain integer slots and renders OpenMetrics (with exemplars) and the older text format in steps
  of some 250 lines, so that a scrape never holds up the event loop. Rooms tell figures through `Registry.add_source`.
- `sampling.py` is the gate in front of the tracer: by audience, allow-lists, callers' flags, and ceilings above all.
- `tracing.py` makes spans when they have ended and posts them in a thread; `otlp.py` puts them on the wire (HTTP or
  gRPC) and is imported only when there is a Collector. It may be absent, slow or lying: spans are lost and counted,
  nothing else happens. `OTEL_EXPORTER_OTLP_HEADERS`, `…_CERTIFICATE` and `OTEL_RESOURCE_ATTRIBUTES` are honoured.
- `logs.py` writes JSON lines in threads, through bounded queues; a reader that stops costs lines, counted.
- `runtime.py` watches the event loop (a stall is told with file and line) and keeps the collector's pauses short.
- `observers/` has one class a room, and a silent twin of each; `setup.py` builds all of it and flushes it at the end.

What it costs is printed by `python -m bench.observers`.

## What happens, and what tells of it

Made from `happenings.py` by `python -m observability.happenings`.

"""


def table() -> str:
    """Happening → log event, metric, span."""
    lines = ["| room | happening | call | log event | metric | span |", "| --- | --- | --- | --- | --- | --- |"]
    lines += [
        f"| {row.room} | {row.what} | {_code(row.call)} | {_codes(row.events)} | {_codes(row.metrics)} "
        f"| {_codes(row.spans)} |"
        for row in HAPPENINGS
    ]
    return "\n".join(lines) + "\n"


def readme() -> str:
    """The whole page."""
    return _HEAD + table()


def _codes(declared: tuple[Metric, ...] | tuple[SpanName, ...] | tuple[LogEvent, ...]) -> str:
    return "<br>".join(_code(name.name) for name in declared)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def main(arguments: list[str]) -> int:
    """Write the page; with ``--check`` only compare: 1 when it is stale."""
    if "--check" in arguments:
        return int(not README.exists() or README.read_text() != readme())
    README.write_text(readme())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
