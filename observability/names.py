"""Every name that telemetry uses, declared before use: metrics and labels, spans and attributes, log events and keys.

Dashboards, rules, documents and code use these and no others; tests hold them to it. A label's values are a closed set:
a tuple here, or a list that the service owns and hands over at start (``Handed``). Anything else counts as ``other``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

PREFIX = "heliograph_"
OTHER = "other"  # stands for every label value outside the closed set
BACKENDS_ERRORS = 400  # reply codes from here on are the backend's own; they count as other
BACKENDS_CLOSINGS = range(4000, 5000)  # close codes, likewise
SERVER_FAULTS = frozenset({100, 3004})  # reply and close codes that say: our fault; they make the error rate
NAMED = 12  # namespaces that are told by name unless the configuration says which
LINES_A_NAMESPACE = 26  # of a scrape, at most, for one that is told by name
NO_NAMESPACE = "-"  # channels without namespace; no namespace can be called so


@dataclass(frozen=True, slots=True)
class Handed:
    """Values of a label that the service hands over at start, so that the list exists once."""

    what: str


NAMESPACES = Handed("namespaces")  # of the configured ones those that are told by name; the rest count as other
EVERY_NAMESPACE = Handed("every_namespace")  # for what costs no line unless something is wrong
CLOSE_CODES = Handed("close_codes")
CLOSE_CAUSES = Handed("close_causes")
REPLY_ERRORS = Handed("reply_errors")  # codes as text; "0" is success
API_METHODS = Handed("api_methods")
STEPS = Handed("steps")  # the middlewares and signals of the upgrade's chain
TOKEN_CAUSES = Handed("token_causes")
DEPENDENCIES = Handed("dependencies")  # servers that we ask; closed by the configuration

PROTOCOLS = ("json", "protobuf")
TRANSPORTS = ("websocket", "sse", "http_stream", "uni_websocket", "uni_sse", "uni_http_stream")
EMULATION_RESULTS = (
    "accepted", "bad_request", "bad_method", "too_large", "unknown_node", "unknown_session", "too_many", "no_command",
)  # fmt: skip
UPGRADE_RESULTS = ("accepted", "bad_request", "forbidden", "wrong_version", "not_found", "overload", "error")
GREETING_RESULTS = ("connected", "refused", "failed", "abandoned")
INITIATORS = ("client", "server", "network")
VIAS = ("api", "client")
RECOVERIES = ("recovered", "told")
DROP_CAUSES = (
    "fanout_overload", "history_lost", "slow_bytes", "slow_age", "slow_kernel", "memory_pressure", "conflated",
    "connection_closed", "unknown",
)  # fmt: skip
DEBUG_PAGES = ("connections", "connection", "channels", "slow", "ended", "node")
KINDS = ("api", "publish", "connect", "command", "internal")
OPERATIONS = ("publish", "announce", "history", "remove_history", "renew_epoch", "subscribe", "unsubscribe")
OUTCOMES = ("done", "failed")
ANNOUNCED = ("join", "leave")
PRESENCE_OPERATIONS = ("add", "remove")
SAMPLED_BY = ("audience", "allow_list", "client_flag", "late")
SPAN_LOSSES = ("queue_full", "export_failed", "stopped")
LOG_SINKS = ("stdout", "file")
GENERATIONS = ("0", "1", "2")
COMMANDS = (  # that are answered; the others (send, ping) close their connection
    "connect", "refresh", "subscribe", "sub_refresh", "unsubscribe", "publish",
    "presence", "presence_stats", "history", "rpc",
)  # fmt: skip
REFUSAL_CAUSES = (  # before and at the upgrade; what is too much for us comes first
    "connection_limit", "connection_rate", "waiting_room_full", "address_limit", "address_rate",
    "visitors", "too_many_idle", "pipelining", "no_descriptors", "silent", "dripping", "slow_body", "slow_tls",
    "tls_failed", "proxy_header", "url_too_long", "head_too_large", "too_many_headers",
    "bad_request", "method", "http_version", "upgrade_header", "connection_header", "version_header", "version",
    "key_header", "key", "origin", "cf_connect", "connect_request", "body", "too_large", "no_route",
)  # fmt: skip
REFUSAL_ANSWERS = (  # cut: not a word
    "400", "403", "404", "405", "408", "413", "414", "426", "431", "503", "3013", "cut",
)  # fmt: skip
STATUSES = ("200", "400", "401", "404", "405", "408", "413", "415", "416", "500")  # of the server API

RECEIPT_RESULTS = ("confirmed", "repeated", "refused")
REPORT_RESULTS = ("accepted", "malformed", "early")
UNMEASURED_REASONS = ("not_subscribed", "unknown", "implausible")
SEEN = ("transport_closed", "no_ping", "server", "other")  # how clients say their connections ended

TOKEN_KINDS = ("connection", "subscription")
OUTSIDE_KINDS = ("connect", "refresh", "subscribe", "sub_refresh", "publish", "rpc", "jwks")
OUTSIDE_RESULTS = ("done", "timeout", "unreachable", "status", "garbage", "breaker_open", "overloaded", "abandoned")
BREAKER_STATES = ("closed", "half_open", "open")

Values = tuple[str, ...] | Handed


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its full name as the scrape shows it (counters with ``_total``)."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Mapping[str, Values] = field(default_factory=dict)
    unit: str = ""
    buckets: tuple[float, ...] = ()


class Figure(NamedTuple):
    """A number that a room tells at scrape time; ``labels`` in the order of the metric's declaration."""

    name: str  # of a declared metric, e.g. ``names.CHANNELS.name``
    labels: tuple[str, ...]
    value: float


METRICS: dict[str, Metric] = {}


def _declare(metric: Metric) -> Metric:
    METRICS[metric.name] = metric
    return metric


def _counter(name: str, text: str, unit: str = "", **labels: Values) -> Metric:
    return _declare(Metric(f"{PREFIX}{name}_total", "counter", text, labels, unit))


def _gauge(name: str, text: str, unit: str = "", **labels: Values) -> Metric:
    return _declare(Metric(PREFIX + name, "gauge", text, labels, unit))


def _seconds(name: str, text: str, buckets: tuple[float, ...], **labels: Values) -> Metric:
    return _declare(Metric(f"{PREFIX}{name}_seconds", "histogram", text, labels, "seconds", buckets))


def _process(name: str, kind: Literal["counter", "gauge"], text: str, unit: str = "") -> Metric:
    return _declare(Metric(f"process_{name}", kind, text, {}, unit))


# The latency objective (0.25 s) and the alerts' bounds are bounds of buckets, so that shares of them are exact.
QUICK = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0)
LATENCY = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)
ARRIVAL = LATENCY[2:]  # a network lies between
PATIENCE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LIFETIME = (1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 43200.0, 86400.0)
PAUSES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

# ------------------------------------------------------- metrics: upgrade and connections
CONNECTIONS = _gauge("connections", "Open connections.", transport=TRANSPORTS, protocol=PROTOCOLS)
UPGRADES = _counter("upgrades", "Requests to upgrade or to open a stream, by result.", result=UPGRADE_RESULTS)
UPGRADE_SECONDS = _seconds("upgrade", "From the request to its answer (101 or a refusal).", LATENCY)
REFUSALS = _counter(
    "refusals", "Sockets and requests that were not let in, by cause and by what they heard.",
    cause=REFUSAL_CAUSES, answer=REFUSAL_ANSWERS,
)  # fmt: skip
VISITORS = _gauge("visitors", "Sockets that speak HTTP, or nothing yet.", listener=Handed("listeners"))
ADMISSION_SECONDS = _seconds("admission", "How long those waited that found no place at once.", PATIENCE)
ADMISSION_WAITING = _gauge("admission_waiting", "Upgrades that wait for a place.")
ADMISSION_RATE = _gauge("admission_rate", "Upgrades a second that are let in now; 0 is no limit.")
CONNECTIONS_LIMIT = _gauge("connections_limit", "Most connections, by client.connection_limit and the descriptors.")
CERTIFICATE_EXPIRY = _gauge(
    "certificate_expiry_seconds", "Until a listener's certificate expires; below 0 it has.", "seconds",
    listener=Handed("listeners"),
)  # fmt: skip
CERTIFICATE_RELOADS = _counter("certificate_reloads", "Certificates read, by result.", result=("loaded", "refused"))
STEPS_SKIPPED = _counter(
    "upgrade_steps_skipped", "Steps of the upgrade's chain that were skipped.", step=STEPS, how=("late", "raised")
)
EMULATION_REQUESTS = _counter(
    "emulation_requests", "Requests that carry a stream's commands, by result.", result=EMULATION_RESULTS
)
GREETINGS = _counter("greetings", "Greetings (101 to connect reply), by result.", result=GREETING_RESULTS)
CONNECT_SECONDS = _seconds("connect", "From the 101 to the connect reply.", PATIENCE)
CONNECTIONS_CLOSED = _counter(
    "connections_closed",
    "Ended connections; codes that we never send count as other.",
    code=CLOSE_CODES, cause=CLOSE_CAUSES, initiator=INITIATORS,
)  # fmt: skip
CONNECTION_LIFETIME = _seconds("connection_lifetime", "From the 101 to the end of the connection.", LIFETIME)
COMMANDS_TOTAL = _counter("commands", "Commands of clients, by reply code.", method=COMMANDS, error=REPLY_ERRORS)
MESSAGES_RECEIVED = _counter("messages_received", "WebSocket messages received from clients.")
MESSAGE_BYTES_RECEIVED = _counter("message_bytes_received", "Payload bytes received from clients.", "bytes")
PINGS = _counter("pings", "Pings sent.")
PONGS = _counter("pongs", "Pongs that answered a ping.")
HEARTBEATS_MISSED = _counter("heartbeats_missed", "Pings without a pong in time.")
HEARTBEATS_LATE = _counter("heartbeats_late", "Pongs that came, but slowly.")
HEARTBEATS_ADAPTED = _counter(
    "heartbeats_adapted", "Heartbeats that adapted to the network, by its new state.", to=("normal", "weak", "far")
)
HEARTBEAT_RTT = _seconds("heartbeat_rtt", "From ping to pong; the client's own event loop is part of it.", PATIENCE)
BACKLOG_MESSAGES = _gauge(
    "backlog_messages", "Messages not yet taken by clients: in outboxes and the kernel, or unconfirmed."
)
BACKLOG_BYTES = _gauge("backlog_bytes", "Bytes not yet taken by clients: outboxes and the kernel's buffers.", "bytes")
BACKLOG_MEMORY = _gauge(
    "backlog_memory_bytes", "Of the backlog what it costs: frames that many wait for count once.", "bytes"
)
BACKLOG_LIMIT = _gauge("backlog_limit_bytes", "Most bytes that the backlog may cost, if there is a limit.", "bytes")
OUTBOX_MESSAGES = _gauge("outbox_messages", "Messages that wait in outboxes.")
OUTBOX_BYTES = _gauge("outbox_bytes", "Bytes that wait in outboxes.", "bytes")
KERNEL_UNSENT = _gauge("kernel_unsent_bytes", "Bytes that the kernel holds for clients (SIOCOUTQ).", "bytes")
UNSENT_OLDEST = _gauge("unsent_oldest_seconds", "Age of the oldest message that waits in an outbox.", "seconds")
SLOW_CONNECTIONS = _gauge("slow_connections", "Connections that do not take what is sent to them.")

# -------------------------------------------------------------- metrics: channels and broker
PUBLICATIONS = _counter("publications", "Accepted publications.", namespace=NAMESPACES, via=VIAS)
PUBLISH_ERRORS = _counter(
    "publish_errors", "Refused or failed publications, by reply code.", via=VIAS, error=REPLY_ERRORS
)
PUBLISH_SECONDS = _seconds("publish", "From accepting a publication to its place in the stream.", LATENCY)
DELIVERED = _counter("messages_delivered", "Messages handed to the kernel for a subscriber.", namespace=NAMESPACES)
DELIVERY_SECONDS = _seconds(
    "message_delivery", "From accepting a publication to the kernel's taking it for a subscriber.", LATENCY
)
LATE = _counter(
    "messages_late", "Messages that the kernel took more than telemetry.slow_message after they were accepted.",
    namespace=NAMESPACES,
)  # fmt: skip
FANOUT_SECONDS = _seconds("fanout", "From the start of a batch to its last slice.", LATENCY)
FANOUT_LAG = _gauge("fanout_lag_seconds", "Age of the oldest publication that the fan-out has not begun.", "seconds")
DROPPED = _counter(
    "messages_dropped", "Messages that a subscriber did not get.", namespace=NAMESPACES, cause=DROP_CAUSES
)
DELTAS = _counter("delta_messages", "Messages to subscribers that take deltas.", form=("delta", "full"))
DELTA_SAVED = _counter("delta_saved_bytes", "Bytes that deltas were shorter.", unit="bytes", namespace=NAMESPACES)
RECEIPTS = _counter("receipts", "Receipts of clients, by result.", result=RECEIPT_RESULTS)
RECEIPT_RESUMES = _counter("receipt_resumes", "Subscribers that went on where their user's receipts end.")
REDELIVERIES = _counter("redeliveries", "Subscribers asked back for what they did not confirm.")
UNCONFIRMED = _gauge("receipts_unconfirmed", "Messages given to subscribers that confirm, and not yet confirmed.")
RECEIPT_POSITIONS = _gauge("receipt_positions", "Confirmed positions that are kept for users.")
REPORTS = _counter("client_reports", "Reports of clients, by result.", result=REPORT_RESULTS)
UNMEASURED = _counter(
    "client_reports_unmeasured", "Reported messages whose delay is not known, by reason.", reason=UNMEASURED_REASONS
)
CLIENT_DISCONNECTS = _counter("client_disconnects", "Ends of connections as clients saw them.", seen=SEEN)
RECEIVE_SECONDS = _seconds("message_receive", "From accept to the client's receipt, as clients report it.", ARRIVAL)
SUBSCRIPTIONS = _gauge("subscriptions", "Subscribers, summed over channels.", namespace=NAMESPACES)
SUBSCRIBES = _counter("subscribes", "Subscribers that came.")
UNSUBSCRIBES = _counter("unsubscribes", "Subscribers that went.")
CHANNELS = _gauge("channels", "Channels with at least one subscriber here.", namespace=NAMESPACES)
RECOVERIES_TOTAL = _counter("recoveries", "Asked recoveries, by result.", namespace=NAMESPACES, result=RECOVERIES)
INSUFFICIENT = _counter("insufficient_state", "Subscribers told that their position was lost.", namespace=NAMESPACES)
PRESENT = _gauge("present", "Subscribers of this node that presence tells of.")
ANNOUNCEMENTS = _counter("announcements", "Joins and leaves announced.", kind=ANNOUNCED)
ANNOUNCEMENTS_DELIVERED = _counter("announcements_delivered", "Joins and leaves handed to the kernel for a subscriber.")
PRESENCE_FAILURES = _counter(
    "presence_failures", "Times that presence could not be kept.", operation=PRESENCE_OPERATIONS
)
BROKER_OPERATIONS = _counter("broker_operations", "Calls of the broker.", operation=OPERATIONS, result=OUTCOMES)
BROKER_SECONDS = _seconds(
    "broker_operation", "Duration of the broker's calls that did as asked.", QUICK, operation=OPERATIONS
)

# ----------------------------------------------------------- metrics: access and other servers
TOKENS_REFUSED = _counter("tokens_refused", "Tokens that did not count.", kind=TOKEN_KINDS, cause=TOKEN_CAUSES)
OUTSIDE_CALLS = _counter(
    "outside_calls", "Questions to other servers, by their end.",
    dependency=DEPENDENCIES, kind=OUTSIDE_KINDS, result=OUTSIDE_RESULTS,
)  # fmt: skip
OUTSIDE_SECONDS = _seconds(
    "outside_call", "From a question to another server to its answer, waiting and further tries included.", PATIENCE,
    dependency=DEPENDENCIES, kind=OUTSIDE_KINDS,
)  # fmt: skip
OUTSIDE_RETRIES = _counter("outside_retries", "Further tries.", dependency=DEPENDENCIES, kind=OUTSIDE_KINDS)
OUTSIDE_RUNNING = _gauge("outside_running", "Questions on their way.", dependency=DEPENDENCIES, kind=OUTSIDE_KINDS)
OUTSIDE_WAITING = _gauge(
    "outside_waiting", "Questions that wait for a place.", dependency=DEPENDENCIES, kind=OUTSIDE_KINDS
)
OUTSIDE_CERTIFICATE_EXPIRY = _gauge(
    "outside_certificate_expiry_seconds",
    "Until the first of our certificates towards another server, or of the authority that we believe, expires.",
    "seconds", dependency=DEPENDENCIES,
)  # fmt: skip
BREAKER_STATE = _gauge(
    "outside_breaker", "1 for the state that the breaker is in.",
    dependency=DEPENDENCIES, kind=OUTSIDE_KINDS, state=BREAKER_STATES,
)  # fmt: skip

# ---------------------------------------------------------------- metrics: api and the whole
API_REQUESTS = _counter("api_requests", "Requests of the server API.", method=API_METHODS, status=STATUSES)
API_SECONDS = _seconds("api_request", "Duration of requests of the server API.", LATENCY)
DEBUG_REQUESTS = _counter(
    "debug_requests", "Requests of the debug API.", page=DEBUG_PAGES, status=("200", "400", "401", "404", "429")
)
REQUESTS = _counter("requests", "What clients and backends asked of us; the base of the error rate.", kind=KINDS)
ERRORS = _counter("errors", "Requests that failed by our fault.", kind=KINDS)
BUILD_INFO = _gauge("build_info", "Always 1; says what runs.", version=Handed("version"), python=Handed("python"))
READY = _gauge("ready", "1 while new connections are welcome.")
DRAINING = _gauge("draining", "1 from the order to stop until the end.")
DRAIN_DEADLINE = _gauge(
    "drain_deadline_timestamp_seconds",
    "When it must have ended, since the epoch; 0 before the order to stop.",
    "seconds",
)

# ------------------------------------------------------------- metrics: runtime and telemetry
LOOP_LAG = _seconds("event_loop_lag", "How late the event loop's 100 ms tick comes.", PAUSES)
LOOP_STALLS = _counter("event_loop_stalls", "Times the event loop stood still for 250 ms or more.")
LOOP_STALLED_SECONDS = _counter("event_loop_stalled_seconds", "Seconds of these standstills together.", "seconds")
GC_PAUSE = _seconds("gc_pause", "Pauses by the garbage collector.", PAUSES, generation=GENERATIONS)
SCRAPE_FAILURES = _counter("scrape_failures", "Rooms whose figures could not be read at a scrape.")
LOGS_DROPPED = _counter("logs_dropped", "Log lines that a full queue refused.", sink=LOG_SINKS)
SPANS_DROPPED = _counter("spans_dropped", "Spans that never left.", reason=SPAN_LOSSES)
SPANS_EXPORTED = _counter("spans_exported", "Spans that the Collector took.")
TRACES_SAMPLED = _counter("traces_sampled", "Traces begun, by what let them through the gate.", by=SAMPLED_BY)
PROCESS_CPU = _process("cpu_seconds_total", "counter", "User and system CPU time.", "seconds")
PROCESS_RSS = _process("resident_memory_bytes", "gauge", "Resident memory.", "bytes")
PROCESS_VIRTUAL = _process("virtual_memory_bytes", "gauge", "Virtual memory.", "bytes")
PROCESS_START = _process("start_time_seconds", "gauge", "Start, in seconds since the epoch.", "seconds")
PYTHON_BLOCKS = _gauge("python_blocks", "Memory blocks that Python has handed out: objects, about.")
PROCESS_FDS = _process("open_fds", "gauge", "Open file descriptors.")
PROCESS_MAX_FDS = _process("max_fds", "gauge", "Limit of open file descriptors.")


# --------------------------------------------------------------------------------------- logs
@dataclass(frozen=True, slots=True)
class LogEvent:
    """One kind of log line. ``limited`` ones are thinned out when they repeat; their counter never is."""

    name: str
    level: Literal["debug", "info", "warning", "error"]
    help: str
    limited: bool = True


EVENTS: dict[str, LogEvent] = {}


def _event(
    name: str, level: Literal["debug", "info", "warning", "error"], text: str, *, limited: bool = True
) -> LogEvent:
    event = EVENTS[name] = LogEvent(name, level, text, limited)
    return event


SERVICE_STARTED = _event("service.started", "info", "Serving; with addresses and version.", limited=False)
SERVICE_READY = _event("service.ready", "info", "Readiness changed.", limited=False)
SERVICE_DRAINING = _event("service.draining", "info", "The order to stop came; connections are being closed.")
SERVICE_STOPPED = _event("service.stopped", "info", "The end, with how it went.", limited=False)
SERVICE_NOTE = _event("service.note", "warning", "Something the operator should know, e.g. an unused option.")
INTERNAL_ERROR = _event("internal.error", "error", "An exception nobody expected; our fault.")
LIBRARY_WARNING = _event("library.warning", "warning", "A library logged a warning.")
LIBRARY_ERROR = _event("library.error", "error", "A library logged an error.")
EMULATION_REFUSED = _event("emulation.refused", "info", "Commands sent by POST were not taken, with the cause.")
UPGRADE_REFUSED = _event("upgrade.refused", "info", "An upgrade was refused, with the reason.")
DOOR_REFUSED = _event("door.refused", "info", "A socket or a request was not let in, with its cause.")
CERTIFICATE_LOADED = _event("certificate.loaded", "info", "A listener, or a hook, uses these certificates from now on.")
CERTIFICATE_REFUSED = _event("certificate.refused", "error", "New certificate files cannot be used; the old ones stay.")
UPGRADE_STEP_SKIPPED = _event("upgrade.step_skipped", "warning", "A step of the upgrade's chain was late or raised.")
CONNECTION_CONNECTED = _event("connection.connected", "info", "A greeting succeeded (sampled connections only).")
CONNECTION_REFUSED = _event("connection.refused", "info", "A greeting was answered with an error or a close.")
CONNECTION_STALLED = _event("connection.stalled", "info", "A client stopped taking what is sent to it.")
CONNECTION_RECORDED = _event("connection.recorded", "info", "What happened before an end that nobody wanted.")
CONNECTION_CLOSED = _event("connection.closed", "info", "The whole story of a connection, one line.", limited=False)
HEARTBEAT_LATE = _event("heartbeat.late", "info", "A pong came slowly.")
HEARTBEAT_MISSED = _event("heartbeat.missed", "info", "No pong in time.")
HEARTBEAT_ADAPTED = _event("heartbeat.adapted", "debug", "A heartbeat adapted to the state of the network.")
COMMAND_FAILED = _event("command.failed", "error", "A command failed by our fault.")
COMMAND_REFUSED = _event("command.refused", "info", "A command was refused, with our reason; the client's mistake.")
MESSAGE_PUBLISHED = _event("message.published", "info", "A sampled publication got its place.", limited=False)
MESSAGE_FAILED = _event("message.failed", "error", "A publication failed by our fault.")
MESSAGE_REFUSED = _event("message.refused", "info", "A publication was refused; the publisher's mistake.")
MESSAGE_LATE = _event("message.late", "warning", "A delivery was slower than the limit.")
MESSAGES_DROPPED = _event("message.dropped", "warning", "Subscribers did not get messages.")
MESSAGE_UNCONFIRMED = _event(
    "message.unconfirmed", "warning", "A subscriber did not confirm in time; it has to come back."
)
RECEIVER_REFUSED = _event("receiver.refused", "info", "A receipt or a report was refused; the client's mistake.")
RECEIVER_DISCONNECTED = _event("receiver.disconnected", "info", "How a connection ended, as its client saw it.")
CHANNEL_GAP = _event("channel.gap", "warning", "A subscriber's position was lost; it is told.")
PRESENCE_FAILED = _event("presence.failed", "warning", "A client's presence could not be kept; its subscription stays.")
BROKER_FAILED = _event("broker.failed", "error", "The broker did not do what it was asked.")
TOKEN_REFUSED = _event("token.refused", "info", "A token did not count, with the cause; never the token.")
KEYS_FETCHED = _event("keys.fetched", "info", "A key set came, with the number of its keys.")
OUTSIDE_FAILED = _event("outside.failed", "warning", "Another server did not answer as it should.")
BREAKER_OPENED = _event("breaker.opened", "error", "Too many questions failed: for a while nobody is asked.")
BREAKER_CLOSED = _event("breaker.closed", "info", "The trial questions were answered: everybody is asked again.")
API_FAILED = _event("api.failed", "error", "A request of the server API failed by our fault.")
API_REFUSED = _event("api.refused", "info", "A request of the server API was refused.")
DEBUG_REFUSED = _event("debug.refused", "info", "A request of the debug API was refused.")
LOOP_STALLED = _event("loop.stalled", "warning", "The event loop stood still; with file and line.")
SPANS_LOST = _event("telemetry.spans_lost", "warning", "Spans could not be exported.")
