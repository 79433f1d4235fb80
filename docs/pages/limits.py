"""The page of limits: everything that a stranger can make grow, with its bound, what is beyond it, and its test.

Settings' defaults stand with the options themselves, bounds without a setting with the code that keeps them.
"""

from typing import Final

from docs.pages.door_limits import ADMISSION, CONNECTIONS, DOOR, Limit
from docs.pages.markdown import code, page, table
from service.access import hooks, key_sets
from service.channels import patches
from service.channels.namespaces import LONGEST_RESOLVED, RESOLVED
from service.connections import pace
from service.connections.errands import MOST
from service.outside.bulkhead import BulkheadSettings
from service.settings.option import walk
from service.settings.options import ours

CHANNELS: Final = "tests/service/channels/"

SAID: Final = (
    Limit(
        "a message",
        "websocket.message_size_limit",
        "bytes, as Centrifugo",
        "close code 1009 (`message_too_big`)",
        CONNECTIONS + "test_connection.py::test_what_one_peer_may_send_is_bounded",
    ),
    Limit(
        "… that only says who listens",
        "uni_websocket.message_size_limit",
        "bytes, as Centrifugo",
        "close code 1009 (`message_too_big`)",
        CONNECTIONS + "test_transports.py::test_the_first_message_of_a_listener_has_a_size",
    ),
    Limit(
        "… when it was compressed",
        "websocket.decompressed_message_size_limit",
        "as a message: no bomb becomes more",
        "close code 1009 (`message_too_big`)",
        CONNECTIONS + "test_compression.py::test_what_is_wrong_has_its_code",
    ),
    Limit(
        "a frame",
        "websocket.frame_size_limit",
        "bytes; 0: as a message",
        "close code 1009 (`frame_too_big`)",
        CONNECTIONS + "test_connection.py::test_what_one_peer_may_send_is_bounded",
    ),
    Limit(
        "frames of a message",
        "websocket.max_fragments",
        "of 1 KiB each they fill the longest",
        "close code 1009 (`too_many_fragments`)",
        CONNECTIONS + "test_connection.py::test_what_one_peer_may_send_is_bounded",
    ),
    Limit(
        "pings and pongs a second",
        "websocket.control_frame_rate",
        "SDKs that send any send one in 20 s",
        "no answer, then close code 3509 (`control_flood`)",
        CONNECTIONS + "test_connection.py::test_a_peer_that_pings_too_often_is_answered_less_before_it_is_closed",
    ),
    Limit(
        "commands a second, in the long run",
        "client.command_rate",
        "some 3 % of a core",
        "error 111; SDKs wait and try again",
        CONNECTIONS + "test_session.py::test_commands_beyond_the_pace_are_refused_and_cost_nothing_else",
    ),
    Limit(
        "commands at once",
        "client.command_burst",
        "all subscribes come at once after a reconnect",
        "as many again hear error 111, then close code 3509",
        CONNECTIONS + "test_connection.py::test_a_flood_of_commands_is_refused_then_closed",
    ),
    Limit(
        "what answers carry",
        "client.command_rate",
        f"{pace.ENTRIES} publications or clients, or {pace.SIZE // 1024} KiB of publications, cost about a command",
        "the next commands hear error 111",
        CONNECTIONS + "test_connection.py::test_a_thousand_questions_for_a_crowd_are_a_few_answers",
    ),
    Limit(
        "commands of a message",
        "client.commands_per_frame",
        "more than `channel_limit` needs",
        "those before are answered, then close code 3501",
        CONNECTIONS + "test_connection.py::test_a_message_with_too_many_commands_is_a_bad_frame",
    ),
    Limit(
        "commands behind a slow one",
        "client.inbox_commands",
        "a screen's worth",
        "reading pauses; by POST 429",
        CONNECTIONS + "test_inbox.py::test_it_pauses_above_the_number_of_commands_and_resumes_at_half",
    ),
    Limit(
        "… in bytes",
        "client.inbox_bytes",
        "a longest message",
        "reading pauses",
        CONNECTIONS + "test_inbox.py::test_it_pauses_above_the_number_of_bytes",
    ),
    Limit(
        "commands that wait for somebody else",
        "",
        "of the whole node; each is a task of some 2 KiB",
        "error 111",
        CONNECTIONS + "test_connection.py::test_with_too_many_errands_a_command_is_refused",
        f"{MOST:,}",
    ),
    Limit(
        "a tags filter",
        "client.tags_filter_limit",
        "conditions and values; at worst 0.1 ms a publication; 16 levels",
        "error 107",
        CHANNELS + "test_tags_filter.py::test_it_has_a_size_and_a_depth",
    ),
    Limit(
        "questions to your backend",
        "",
        "a hook and endpoint; one slow endpoint must not fill the process",
        "error 100, at once where the queue is full",
        "tests/service/outside/test_bulkhead.py::test_a_full_queue_refuses_at_once",
        f"{BulkheadSettings().running} at a time, {BulkheadSettings().waiting:,} waiting",
    ),
    Limit(
        "a header of the connect command",
        "",
        "backends take no longer ones",
        "it is left out",
        "tests/service/access/test_hooks.py::test_what_a_client_says_is_one_line_and_not_endless",
        f"{hooks.LONGEST_HEADER:,} characters, one line",
    ),
    Limit(
        "fetches of an issuer's keys",
        "",
        "tokens that nobody has checked ask for them",
        "error 100 until the next",
        "tests/service/access/test_key_sets.py::test_strangers_cannot_make_us_ask_all_the_time",
        f"one in {key_sets.PAUSE:g} s, {key_sets.MOST_SETS} addresses",
    ),
    Limit(
        "receipts and reports",
        "",
        "clients' own timers send one in 10 s",
        "error 111",
        CONNECTIONS + "test_reports.py::test_three_at_once_then_one_a_second",
        "one a second, two or three at once",
    ),
)
NAMED: Final = (
    Limit(
        "channels of a connection",
        "client.channel_limit",
        "as Centrifugo",
        "error 106; server-side 3505",
        CONNECTIONS + "commands/test_subscribing.py::test_too_many_channels",
    ),
    Limit(
        "name of a channel to subscribe to",
        "channel.max_length",
        "bytes, as Centrifugo",
        "error 107",
        CONNECTIONS + "commands/test_subscribing.py::test_a_name_may_be_so_long",
    ),
    Limit(
        "… in other commands",
        "channel.name_limit",
        "bytes; each name may keep a stream",
        "error 107",
        CONNECTIONS + "test_standing.py::test_names_that_clients_may_use",
    ),
    Limit(
        "its characters",
        "channel.without_namespace.channel_regex",
        "ASCII where nothing is said, as Centrifugo",
        "error 107",
        CHANNELS + "test_namespaces.py::test_names_are_ascii_or_of_the_pattern",
    ),
    Limit(
        "names whose namespace is remembered",
        "",
        "then it begins anew; long ones are not remembered",
        "found anew",
        CHANNELS + "test_namespaces.py::test_strangers_cannot_make_it_grow",
        f"{RESOLVED:,} of {LONGEST_RESOLVED} characters",
    ),
    Limit(
        "user id",
        "client.user_id_max_length",
        "bytes; an e-mail address fits",
        "close code 3500",
        CONNECTIONS + "commands/test_connecting.py::test_a_user_id_has_a_longest_length",
    ),
    Limit(
        "name and version of the client",
        "",
        "for the log; one text for all that say the same",
        "the rest is cut",
        CONNECTIONS + "test_connection.py::test_what_a_client_calls_itself_is_shortened",
        "32 characters each",
    ),
    Limit(
        "label values of metrics",
        "",
        "closed lists: what is in none counts as `other`",
        "no new series",
        "tests/e2e/test_strangers.py::test_ten_thousand_names_leave_no_series_and_no_channel",
        "declared in the code",
    ),
)
KEPT: Final = (
    Limit(
        "publications of a history reply", "client.history_max_publication_limit", "as Centrifugo", "fewer come",
        CONNECTIONS + "commands/test_asking.py::test_the_limit_is_capped",
    ),
    Limit(
        "publications of a recovery", "client.recovery_max_publication_limit", "as Centrifugo", "`recovered: false`",
        CHANNELS + "test_joining.py::test_more_than_the_limit_is_not_recovered",
    ),
    Limit(
        "histories of all channels", "channel.history_total_max_size", "bytes; a name costs a stranger nothing",
        "those published to least recently are cut, and their subscribers told",
        "tests/service/broker/test_memory_broker.py::test_all_histories_together_are_bounded",
    ),
    Limit(
        "confirmed positions", "client.receipt_positions", "some 300 bytes each", "the oldest are forgotten",
        CHANNELS + "test_confirming.py::test_positions_are_bounded",
    ),
    Limit(
        "deltas that are kept", "", "each is made once for all", "made anew",
        CHANNELS + "test_patches.py::test_what_is_kept_is_bounded",
        f"{patches.KEPT:,}, {patches.KEPT_BYTES // 2**20} MiB",
    ),
    Limit(
        "what waits for one slow reader", "client.queue_max_size", "bytes, as Centrifugo",
        "close code 3008 (`slow_bytes`); it resumes",
        CONNECTIONS + "test_connection.py::test_a_reader_that_stops_is_cut_by_bytes",
    ),
    Limit(
        "… and how long", "websocket.write_timeout", "a heartbeat: who takes nothing for so long is not there",
        "3008 (`slow_age`)", CONNECTIONS + "test_connection.py::test_a_reader_that_stops_is_cut_by_age",
    ),
    Limit(
        "… in the kernel", "http_server.send_buffer_size", "bytes; by default Linux takes 4 MB for each",
        "it waits here, and counts", CONNECTIONS + "test_sockopts.py::test_an_accepted_connection_inherits_the_limits",
    ),
    Limit(
        "… unacknowledged", "http_server.tcp_user_timeout", "60 s, or longer than any silence allowed",
        "3008 (`slow_kernel`), in metrics and logs only",
        CONNECTIONS + "test_connection.py::test_a_peer_that_acknowledges_nothing_is_the_kernels_verdict",
    ),
    Limit(
        "what waits for all of them", "client.queue_total_max_size", "bytes; half of a small machine",
        "from 80 % on the largest are closed with 3008 (`memory_pressure`)",
        CONNECTIONS + "test_shedding.py::test_a_node_under_pressure_cuts_the_largest_and_the_rest_get_everything",
    ),
    Limit(
        "log lines of one kind a second", "", "a flood must not hide the rest", "counted in `suppressed`",
        "tests/observability/test_logs.py::test_repeats_are_thinned_out_and_told", "10, where it may repeat",
    ),
)  # fmt: skip
GROUPS: Final = (
    ("Before a connection is there", DOOR),
    ("How many may be there", ADMISSION),
    ("What a client says", SAID),
    ("Names", NAMED),
    ("What is kept and what waits", KEPT),
)
#: Settings that sound like a limit and bound nothing that a stranger can make grow.
OTHERS: Final = frozenset({
    "websocket.compression_min_size",  # of ours to them
    "uni_websocket.compression_min_size",
    "uni_websocket.decompressed_message_size_limit",  # as websocket's
    "client.connection_ramp",  # how fast the rate comes back
    "client.channel_position_max_time_lag",  # of the broker
    "client.token.jwks_stale_limit",  # of the operator's issuer
    "client.subscription_token.jwks_stale_limit",
    "telemetry.traces_per_second",
    "telemetry.late_traces_per_second",
    "uni_sse.max_request_body_size",  # as http_stream's
    "uni_http_stream.max_request_body_size",
    "sse.max_request_body_size",
})  # fmt: skip


def limits() -> str:
    """The generated document."""
    options = dict(walk(ours()))
    parts: list[str] = []
    for title, rows in GROUPS:
        parts += [f"## {title}", table(["what", "setting", "default", "because", "beyond it", "shown by"], [
            [
                row.what,
                code(row.setting) or "fixed",
                row.fixed or code(str(options[row.setting].default)) or "none",
                row.because,
                row.beyond,
                code(row.test),
            ]
            for row in rows
        ])]  # fmt: skip
    return page(
        "Limits: what a stranger can make grow",
        "docs/pages/limits.py",
        "A stranger, a slow phone or a flood can make this server hold only so much. Each bound has its setting "
        "(more about it in [configuration.md](configuration.md)), or a reason to have none, and a test. Each refusal "
        "has its cause: in `heliograph_refusals_total`, `heliograph_connections_closed_total` or "
        "`heliograph_commands_total`, in a log line, and in a span while there is room for one.",
        "0 is no limit, except for times of the door. A file of Centrifugo that sets a higher `channel_limit` or "
        "`max_length` raises our own limits with it. The clocks of the door and admission: [doors.md](doors.md).",
        *parts,
    )
