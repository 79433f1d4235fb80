"""The options that this server has: path, what it takes, default, what it is for. The docs are made from it.

Names and defaults are Centrifugo 6's; where a default differs, or a name is our own, the text says so.
"""

from typing import Final

from observability.names import NAMED
from service.connections.deadlines import PROFILES as CLOCKS
from service.connections.heartbeat import PROFILES
from service.settings.door_options import DOORS, NO_EFFECT
from service.settings.hook_options import FOR_NAMESPACES, PLACES
from service.settings.kinds import Convert, duration, one_of, rate, switch, text, texts, whole
from service.settings.option import Option, Section, insert
from service.settings.transport_options import COMPRESSION, TRANSPORT_SECTIONS

FORMATS: Final = ("", "json", "json_object", "binary")

_LOG: Final = (
    (
        "level",
        one_of("trace", "debug", "info", "warn", "error", "fatal", "none"),
        "info",
        "Least level that is written.",
    ),
    ("file", text, "", "File for the log beside the standard output, rotated."),
)
_HTTP_API: Final = (
    ("disabled", switch, False, "No server API."),
    ("handler_prefix", text, "/api", "Where the server API is."),
    ("key", text, "", "What X-API-Key must say. Empty: every call is refused."),
    ("error_mode", one_of("", "reply", "transport"), "", '"transport": errors are HTTP statuses.'),
    ("external", switch, False, NO_EFFECT + "the server API is always on the public port, never on the internal one."),
    ("max_request_size", whole, 1048576, "Our own. Longest body of a request in bytes."),
    ("insecure", switch, False, "No key is asked for. For trials on your own machine only."),
)
_TOKEN: Final = (
    ("hmac_secret_key", text, "", "Secret of HS256, HS384 and HS512 tokens."),
    ("hmac_previous_secret_key", text, "", "Secret that still counts while tokens are replaced."),
    ("hmac_previous_secret_key_valid_until", whole, 0, "Unix time until which it counts; 0: for ever."),
    ("audience", text, "", "What the claim aud must contain."),
    ("issuer", text, "", "What the claim iss must be."),
    ("user_id_claim", text, "", "The claim with the user's id, instead of sub."),
    ("rsa_public_key", text, "", "Public key, or certificate, of RS256, RS384 and RS512 tokens, as PEM text."),
    ("ecdsa_public_key", text, "", "The same of ES256, ES384 and ES512 tokens; its curve says which of the three."),
    (
        "jwks_public_endpoint",
        text,
        "",
        "Address of the issuer's key set. Then its keys alone count, EdDSA among them. May hold {{name}}s of groups.",
    ),
    ("jwks_ttl", duration, "1h", "Our own. After this a key set is asked for again, as it is for an unknown key."),
    (
        "jwks_stale_limit",
        duration,
        "24h",
        "Our own. So long keys go on while their endpoint does not answer: a night of an issuer, not a weekend.",
    ),
    ("audience_regex", text, "", "What the claim aud must match, instead of audience."),
    ("issuer_regex", text, "", "What the claim iss must match, instead of issuer."),
    (
        "insecure_skip_jwks_endpoint_safety_check",
        switch,
        False,
        NO_EFFECT + "what a token puts into the address is always held to plain names.",
    ),
)
_CLIENT: Final = (
    ("allowed_origins", texts, (), "Pages of these origins may connect, with * as wildcard; our own host always may."),
    ("allow_anonymous_connect_without_token", switch, False, "Clients without a token are let in as anonymous."),
    ("disallow_anonymous_connection_tokens", switch, False, "Tokens without a user are refused."),
    ("ping_interval", duration, "25s", "Between two pings."),
    ("pong_timeout", duration, "8s", "A pong is overdue after this; 0 stands for 10s."),
    (
        "heartbeat",
        one_of("", *PROFILES, "adaptive", elsewhere=dict.fromkeys(CLOCKS, "http_server.deadlines")),
        "",
        "Our own. A profile instead of the three figures: realtime 5s/3s/2, service 10s/8s/3, iot 60s/15s/1, adaptive.",
    ),
    ("pong_misses", whole, 1, "Our own. So many overdue pongs in a row make a dead peer, 1 to 3."),
    ("expired_close_delay", duration, "25s", "Grace for a new token after the old one has expired."),
    ("expired_sub_close_delay", duration, "25s", "The same for subscriptions."),
    (
        "stale_close_delay",
        duration,
        "0s",
        "Time for a successful connect. 0: as http_server.deadlines says, 10s for public. (Centrifugo: 10s.)",
    ),
    ("channel_limit", whole, 128, "Channels of one connection."),
    (
        "command_rate",
        rate,
        1000,
        "Our own. Commands of a connection a second, in the long run; 1000 are 3 % of a core. More: error 111. 0: any.",
    ),
    (
        "command_burst",
        whole,
        2000,
        "Our own. Commands at once, never below channel_limit; as many again are refused, then it is closed with 3509.",
    ),
    (
        "commands_per_frame",
        whole,
        1024,
        "Our own. Commands in one message, never below what channel_limit needs; more: close code 3501. 0: any.",
    ),
    (
        "tags_filter_limit",
        whole,
        64,
        "Our own. Conditions and values of a tags filter; more: error 107. 0: any.",
    ),
    ("inbox_commands", whole, 64, "Our own. Commands that may wait behind a slow one; then no more are read."),
    ("inbox_bytes", whole, 65536, "Our own. The same in bytes: one message of the longest kind."),
    (
        "user_id_max_length",
        whole,
        255,
        "Our own. Longest user id in bytes, enough for an address; longer: close code 3500. 0: no limit.",
    ),
    ("connection_limit", whole, 0, "Connections of this node; beyond, clients wait 250ms, then 3013. 0: no limit."),
    ("connection_rate_limit", whole, 0, "New connections a second on this node, in the same way. 0: no limit."),
    (
        "connection_ramp",
        duration,
        "30s",
        "Our own. After a storm the rate grows from a tenth to all of it in this time.",
    ),
    ("connection_queue_size", whole, 1024, "Our own. Upgrades that may wait for a place at a time."),
    (
        "address_connection_limit",
        whole,
        0,
        "Our own. Connections of one address, IPv6 by /64. 0: none: offices share one.",
    ),
    ("address_connection_rate_limit", whole, 0, "Our own. New connections a second of one address. 0: no limit."),
    (
        "queue_total_max_size",
        whole,
        536870912,
        "Our own. Bytes that may wait for all connections together; from 80 % on the largest are closed. 0: no limit.",
    ),
    ("queue_max_size", whole, 1048576, "Bytes that may wait for one connection; beyond, it is closed and resumes."),
    ("presence_update_interval", duration, "27s", NO_EFFECT + "presence is never out of date, deadlines are exact."),
    ("concurrency", whole, 0, NO_EFFECT + "commands of one connection run in their order."),
    ("channel_position_check_delay", duration, "40s", "How often positions are compared with the broker's."),
    (
        "channel_position_max_time_lag",
        duration,
        "0s",
        "A publication that was longer on its way loses the positions: subscribers recover. 0: however long.",
    ),
    ("user_connection_limit", whole, 0, "Connections of one user on this node; 0: no limit."),
    ("connect_include_server_time", switch, False, "The connect reply tells our time."),
    ("history_max_publication_limit", whole, 300, "Most publications of one history reply."),
    ("recovery_max_publication_limit", whole, 300, "Most publications of one recovery; more are told as lost."),
    (
        "receipt_positions",
        whole,
        100_000,
        "Our own. Confirmed positions kept over all channels; beyond, the oldest are forgotten.",
    ),
    ("insecure", switch, False, "Everybody may do everything. For trials on your own machine only."),
)
_CHANNEL: Final = (
    ("max_length", whole, 255, "Longest name that a client may subscribe to; 0: no limit."),
    (
        "name_limit",
        whole,
        1024,
        "Our own. Longest name in a client's other commands, never below max_length; it costs memory. 0: no limit.",
    ),
    ("history_meta_ttl", duration, "720h", "How long a stream's position outlives its publications."),
    (
        "history_total_max_size",
        whole,
        268435456,
        "Our own. Bytes of all histories in memory; beyond, those published to least recently are cut. 0: no limit.",
    ),
    ("publication_data_format", one_of(*FORMATS), "", "What publications must be, where a namespace does not say."),
    ("private_prefix", text, "$", "Names that begin so need a subscription token."),
    ("namespace_boundary", text, ":", "Ends the namespace in a name."),
    ("user_boundary", text, "#", "Begins the list of users in a name."),
    ("user_separator", text, ",", "Between users in that list."),
)
CHANNEL_OPTIONS: Final = (
    ("history_size", whole, 0, "Publications kept for history and recovery; 0: none."),
    ("history_ttl", duration, "0s", "How long they are kept; 0: no history."),
    ("history_meta_ttl", duration, "0s", "How long the position outlives them; 0: as channel.history_meta_ttl says."),
    ("force_positioning", switch, False, "Every subscription is positioned: a loss is told."),
    ("allow_positioning", switch, False, "Clients may ask for positioning."),
    ("force_recovery", switch, False, "Every subscription catches up after a reconnect."),
    ("allow_recovery", switch, False, "Clients may ask for recovery."),
    (
        "force_recovery_mode",
        one_of("", "stream", "cache"),
        "",
        'What is recovered: all that was missed, or "cache", the newest.',
    ),
    ("auto_cache_recover", switch, False, "With cache mode, the newest publication comes with every subscription."),
    ("allow_subscribe_for_client", switch, False, "Clients with a user id may subscribe."),
    ("allow_subscribe_for_anonymous", switch, False, "Anonymous clients, too."),
    ("allow_publish_for_client", switch, False, "Clients with a user id may publish."),
    ("allow_publish_for_subscriber", switch, False, "Subscribers may publish."),
    ("allow_publish_for_anonymous", switch, False, "Anonymous clients, too."),
    ("allow_history_for_client", switch, False, "Clients with a user id may read history."),
    ("allow_history_for_subscriber", switch, False, "Subscribers may read history."),
    ("allow_history_for_anonymous", switch, False, "Anonymous clients, too."),
    ("presence", switch, False, "Who is subscribed can be asked for, by the server API and by clients that may."),
    ("join_leave", switch, False, "Joins and leaves are pushed to subscribers who ask for them and may see presence."),
    ("force_push_join_leave", switch, False, "They are pushed to all subscribers, asked or not."),
    ("allow_presence_for_client", switch, False, "Clients with a user id may see presence."),
    ("allow_presence_for_subscriber", switch, False, "Subscribers may see presence."),
    ("allow_presence_for_anonymous", switch, False, "Anonymous clients, too."),
    ("allow_user_limited_channels", switch, False, "A name may list its users after #."),
    (
        "allowed_delta_types",
        texts,
        (),
        'Clients may ask for publications as deltas of these types; the only one is "fossil".',
    ),
    ("delta_publish", switch, False, "Publications are for deltas, also when their publisher does not say so."),
    (
        "slow_policy",
        one_of("", "disconnect", "conflate"),
        "",
        "Our own. A reader that lags is closed and resumes (disconnect, the default), or gets the newest (conflate).",
    ),
    ("allow_tags_filter", switch, False, "Subscribers may filter by tags; see docs/tags-filter.md."),
    ("receipts", switch, False, "Our own. Clients may confirm what they received; see docs/receipts.md."),
    (
        "receipt_timeout",
        duration,
        "0s",
        "Our own. What a client that confirms has not confirmed by then is given once more; 0: at a reconnect only.",
    ),
    ("receipt_ttl", duration, "24h", "Our own. How long the confirmed position of a user is kept."),
    *FOR_NAMESPACES,
    ("channel_regex", text, "", "What the name behind the namespace must look like."),
    (
        "publication_data_format",
        one_of(*FORMATS),
        "",
        "What publications must be: json (default), json_object, binary.",
    ),
)
_WEBSOCKET: Final = (
    ("disabled", switch, False, "No WebSocket."),
    ("handler_prefix", text, "/connection/websocket", "Where the WebSocket is."),
    ("message_size_limit", whole, 65536, "Longest message of a client in bytes; longer: close code 1009."),
    *COMPRESSION,
    ("frame_size_limit", whole, 0, "Our own. Longest frame in bytes; longer: 1009. 0: as a message."),
    ("max_fragments", whole, 64, "Our own. Frames of one message, 1 KiB each fill the longest; more: 1009. 0: any."),
    (
        "control_frame_rate",
        rate,
        20,
        "Our own. Pings and pongs of a client a second, twice as many at once; more: no answer, then 3509. 0: any.",
    ),
    (
        "write_timeout",
        duration,
        "25s",
        "A message may wait so long for a slow reader; then it is closed and resumes. (Centrifugo: 1s, for one write.)",
    ),
    ("read_buffer_size", whole, 0, NO_EFFECT + "buffers are sized by the kernel."),
    ("write_buffer_size", whole, 0, NO_EFFECT + "buffers are sized by the kernel."),
    ("use_write_buffer_pool", switch, False, NO_EFFECT + "there is no such buffer."),
)
_TELEMETRY: Final = (
    (
        "otlp_endpoint",
        text,
        "",
        "Our own. Where traces go, e.g. http://127.0.0.1:4318; else OTEL_EXPORTER_OTLP_ENDPOINT. Empty: no traces.",
    ),
    ("otlp_protocol", one_of("", "http", "grpc"), "", "Our own. How they go; OTEL_EXPORTER_OTLP_PROTOCOL counts, too."),
    ("service_name", text, "", "Our own. service.name of traces and logs; else OTEL_SERVICE_NAME, else heliograph."),
    (
        "sampling_factor",
        rate,
        1,
        "Our own. On the share of messages traced by audience; 0: only those that are listed.",
    ),
    ("slow_message", duration, "250ms", "Our own. A message slower than this gets a span and a line of its own."),
    ("traced_users", texts, (), "Our own. Everything of these users is traced."),
    ("traced_channels", texts, (), "Our own. Every publication in these channels is traced."),
    ("traces_per_second", rate, 50, "Our own. Most traces that this process begins in a second."),
    ("late_traces_per_second", rate, 20, "Our own. Most spans made after the fact, for errors and slow messages."),
)
_SMALL: Final[tuple[tuple[str, Convert, object, str], ...]] = (
    ("health.enabled", switch, False, "Health check on the public port. The internal port always has it."),
    ("health.handler_prefix", text, "/health", "Where it is."),
    ("init.enabled", switch, False, "Endpoint that warms connections up."),
    ("init.handler_prefix", text, "/connection/init", "Where it is."),
    (
        "prometheus.enabled",
        switch,
        False,
        NO_EFFECT + "metrics are always on the internal port, never on the public one.",
    ),
    ("prometheus.handler_prefix", text, "/metrics", "Where they are."),
    (
        "prometheus.namespaces",
        texts,
        (),
        f'Our own. Namespaces that metrics tell by name, the others as other. Empty: the first {NAMED}. "*": all.',
    ),
    ("opentelemetry.enabled", switch, False, "Traces, to telemetry.otlp_endpoint or else to http://localhost:4318."),
    ("opentelemetry.api", switch, False, NO_EFFECT + "the server API is traced when traces are on."),
    ("usage_stats.disabled", switch, False, NO_EFFECT + "nothing is ever sent home."),
    ("shutdown.timeout", duration, "10s", "Longest goodbye. (Centrifugo: 30s.)"),
    ("node.name", text, "", "Name of this node; empty: the host's."),
    ("node.info_metrics_aggregate_interval", duration, "60s", NO_EFFECT + "info carries no metrics."),
    ("rpc.ping.enabled", switch, False, "A client's RPC of the name below is answered, with nothing."),
    ("rpc.ping.method", text, "ping", "The name of that RPC."),
    ("pid_file", text, "", "File for our process id while we run."),
    ("demo.enabled", switch, False, "Our own. The page /demo on the public port."),
    ("demo.traces_url", text, "http://localhost:16686", "Our own. Jaeger's page, for links to traces."),
)
_DEBUG: Final = (
    ("enabled", switch, False, "The debug API on the internal port. (Centrifugo: Go's profiler.) Needs debug.token."),
    ("handler_prefix", text, "/debug", "Where it is. (Centrifugo: /debug/pprof.)"),
    ("token", text, "", "Our own. What Authorization: Bearer must say."),
)
_PERSONAL: Final = (
    ("enabled", switch, False, "A client with a user id is subscribed to its personal channel."),
    ("personal_channel_namespace", text, "", "The namespace of personal channels."),
    ("single_connection", switch, False, "A user's new connection closes its others on this node (3504)."),
)
_SECTIONS: Final[tuple[tuple[str, tuple[tuple[str, Convert, object, str], ...]], ...]] = (
    *DOORS,
    ("log", _LOG),
    ("http_api", _HTTP_API),
    ("client", _CLIENT),
    ("client.token", _TOKEN),
    (
        "client.subscription_token",
        (("enabled", switch, False, "Subscription tokens have secrets of their own."), *_TOKEN),
    ),
    ("client.subscribe_to_user_personal_channel", _PERSONAL),
    ("channel", _CHANNEL),
    *PLACES,
    ("channel.without_namespace", CHANNEL_OPTIONS),
    ("channel.namespaces[]", (("name", text, "", "What stands before the boundary in a name."), *CHANNEL_OPTIONS)),
    ("websocket", _WEBSOCKET),
    *TRANSPORT_SECTIONS,
    ("telemetry", _TELEMETRY),
    ("debug", _DEBUG),
)


def ours() -> Section:
    """A new tree of the options that exist here."""
    root = Section()
    for path, rows in _SECTIONS:
        for name, convert, default, doc in rows:
            insert(root, f"{path}.{name}", Option(name.rpartition(".")[2], convert, default, doc))
    for path, convert, default, doc in _SMALL:
        insert(root, path, Option(path.rpartition(".")[2], convert, default, doc))
    return root
