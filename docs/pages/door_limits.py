"""Rows of the page of limits (``limits.py``): before a connection is there, and how many may be there."""

from typing import Final, NamedTuple

from service.connections.admission import AdmissionSettings
from service.connections.stream import MOST_STRAY

CONNECTIONS: Final = "tests/service/connections/"


class Limit(NamedTuple):
    """A row. ``setting`` is an option's path, or "" where there is none: then ``fixed`` says how much it is."""

    what: str
    setting: str
    because: str
    beyond: str
    test: str
    fixed: str = ""


DOOR: Final = (
    Limit(
        "time for a whole request",
        "http_server.door_timeout",
        "the profile's: 5 s for `public`",
        "408, or cut (`silent`, `dripping`, `slow_body`, `slow_tls`)",
        CONNECTIONS + "test_doorstep.py::test_who_drips_hears_408",
    ),
    Limit(
        "time for a TLS handshake",
        "http_server.door_timeout",
        "it is a part of the door's time",
        "cut (`slow_tls`)",
        CONNECTIONS + "test_threshold.py::test_a_slow_handshake_is_cut_and_leaves_nothing",
    ),
    Limit(
        "time until the connect reply",
        "client.stale_close_delay",
        "the profile's: 10 s for `public`",
        "close code 3502 (`stale_greeting`)",
        CONNECTIONS + "test_connection.py::test_a_silent_client_is_stale",
    ),
    Limit(
        "URL",
        "http_server.max_url_length",
        "bytes; tokens in a query have room, proxies cut there, too",
        "414 (`url_too_long`)",
        CONNECTIONS + "test_doorstep.py::test_heads_are_bounded",
    ),
    Limit(
        "headers",
        "http_server.max_header_count",
        "nginx, Envoy and Go stay below",
        "431 (`too_many_headers`)",
        CONNECTIONS + "test_doorstep.py::test_heads_are_bounded",
    ),
    Limit(
        "a request's head",
        "http_server.max_header_bytes",
        "bytes; what nginx takes",
        "431 (`head_too_large`)",
        CONNECTIONS + "test_doorstep.py::test_heads_are_bounded",
    ),
    Limit(
        "requests behind requests",
        "http_server.max_pipelined_requests",
        "browsers send none ahead",
        "cut (`pipelining`)",
        CONNECTIONS + "test_doorstep.py::test_requests_behind_requests_are_bounded",
    ),
    Limit(
        "sockets between two requests",
        "http_server.max_idle_connections",
        "a proxy's pool is 32 a worker",
        "the oldest are cut (`too_many_idle`)",
        CONNECTIONS + "test_doorstep.py::test_idle_sockets_are_bounded_and_the_oldest_go",
    ),
    Limit(
        "… and how long",
        "http_server.keepalive_timeout",
        "above a proxy's usual 65 s: so the proxy closes",
        "closed",
        CONNECTIONS + "test_doorstep.py::test_an_idle_socket_is_closed_in_its_time",
    ),
    Limit(
        "sockets that are no connection yet",
        "http_server.max_waiting_connections",
        "twice a storm of 5,000",
        "503 with Retry-After (`visitors`)",
        CONNECTIONS + "test_doorstep.py::test_strangers_are_bounded_and_hear_503",
    ),
    Limit(
        "a body of the server API",
        "http_api.max_request_size",
        "bytes; read only with a good key",
        "413",
        "tests/service/api/test_server_api.py::test_a_body_beyond_the_limit_is_the_caller_s_fault",
    ),
    Limit(
        "commands by POST",
        "emulation.max_request_body_size",
        "bytes, as Centrifugo; a longest message",
        "413 (`too_large`)",
        CONNECTIONS + "test_emulation.py::test_what_is_wrong_with_a_request_is_a_status_and_with_its_commands_a_push",
    ),
    Limit(
        "the request of a stream",
        "http_stream.max_request_body_size",
        "the same, for all four kinds of stream",
        "413 (`too_large`)",
        CONNECTIONS + "test_opening.py::test_a_body_has_a_limit_with_and_without_a_length",
    ),
    Limit(
        "bytes behind that request",
        "",
        "nothing is expected there",
        "3501 as a push",
        CONNECTIONS + "test_stream.py::test_bytes_behind_the_request_are_passed_over_within_bounds",
        f"{MOST_STRAY:,} bytes",
    ),
)
ADMISSION: Final = (
    Limit(
        "connections of the node",
        "client.connection_limit",
        "none, as Centrifugo: the machine's own",
        "a wait of 250 ms, then 3013, at worst 503 (`connection_limit`)",
        CONNECTIONS + "test_doorstep.py::test_who_finds_no_place_is_turned_away_with_3013",
    ),
    Limit(
        "new ones a second",
        "client.connection_rate_limit",
        "none, as Centrifugo",
        "the same (`connection_rate`)",
        CONNECTIONS + "test_doorstep.py::test_a_storm_is_let_in_at_the_planned_rate_and_everybody_hears_a_code",
    ),
    Limit(
        "upgrades that wait for a place",
        "client.connection_queue_size",
        "each holds some 20 KiB",
        "no wait (`waiting_room_full`)",
        CONNECTIONS + "test_admission.py::test_a_full_waiting_room_lets_nobody_wait",
    ),
    Limit(
        "those who linger after 3013",
        "",
        "they hold a socket for up to 5 s",
        "503 with Retry-After",
        CONNECTIONS + "test_doorstep.py::test_when_too_many_linger_it_is_503",
        f"{AdmissionSettings().turned_away:,}",
    ),
    Limit(
        "connections of one address",
        "client.address_connection_limit",
        "none: offices and mobile networks share one",
        "3013, at worst 503 (`address_limit`)",
        CONNECTIONS + "test_doorstep.py::test_an_address_behind_a_trusted_proxy_has_its_limit",
    ),
    Limit(
        "new ones of it a second",
        "client.address_connection_rate_limit",
        "none, likewise",
        "the same (`address_rate`)",
        CONNECTIONS + "test_admission.py::test_an_address_has_its_rate",
    ),
    Limit(
        "addresses that are remembered",
        "",
        "some 15 MiB",
        "the ones unseen for longest are forgotten",
        CONNECTIONS + "test_admission.py::test_the_table_is_bounded",
        f"{AdmissionSettings().addresses:,}",
    ),
    Limit(
        "connections of one user",
        "client.user_connection_limit",
        "none, as Centrifugo: tabs and devices",
        "close code 3504 (`connection_limit`)",
        CONNECTIONS + "test_codes.py::test_an_end_is_reached_and_told_with_its_code",
    ),
)
