"""The page of the doors: everything a stranger can grow, by setting, with its default and what happens beyond it."""

from docs.pages.markdown import code, page, table
from service.connections.deadlines import PROFILES
from service.settings.option import walk
from service.settings.options import ours

#: What happens beyond each, by setting; its default and its text stand with the option itself.
BEYOND = {
    "http_server.door_timeout": "408, or cut (`silent`, `dripping`, `slow_body`, `slow_tls`)",
    "client.stale_close_delay": "close code 3502 (`stale_greeting`)",
    "http_server.max_url_length": "414 (`url_too_long`)",
    "http_server.max_header_count": "431 (`too_many_headers`)",
    "http_server.max_header_bytes": "431 (`head_too_large`)",
    "http_server.max_pipelined_requests": "cut (`pipelining`)",
    "http_server.max_idle_connections": "the oldest are cut (`too_many_idle`)",
    "http_server.max_waiting_connections": "503 with Retry-After (`visitors`)",
    "http_server.keepalive_timeout": "closed",
    "client.connection_limit": "a wait of 250 ms, then 3013, at worst 503 (`connection_limit`)",
    "client.connection_rate_limit": "the same (`connection_rate`)",
    "client.connection_queue_size": "no wait (`waiting_room_full`)",
    "client.address_connection_limit": "3013, at worst 503 (`address_limit`)",
    "client.address_connection_rate_limit": "the same (`address_rate`)",
    "client.user_connection_limit": "close code 3504 (`connection_limit`)",
    "websocket.message_size_limit": "close code 1009 (`message_too_big`)",
    "websocket.frame_size_limit": "close code 1009 (`frame_too_big`)",
    "websocket.max_fragments": "close code 1009 (`too_many_fragments`)",
    "websocket.control_frame_rate": "no answer, then close code 3509 (`control_flood`)",
    "client.queue_max_size": "close code 3008 (`slow_bytes`)",
    "client.queue_total_max_size": "the largest are closed with 3008 (`memory_pressure`)",
    "websocket.write_timeout": "close code 3008 (`slow_age`)",
    "http_server.tcp_user_timeout": "3008 (`slow_kernel`), never sent",
    "http_api.max_request_size": "413",
}


def doors() -> str:
    """The generated document."""
    options = dict(walk(ours()))
    rows = [[code(path), code(str(options[path].default)), beyond] for path, beyond in BEYOND.items()]
    profiles = [[code(name), f"{each.door:g} s", f"{each.greeting:g} s"] for name, each in PROFILES.items()]
    return page(
        "Doors: limits and deadlines",
        "docs/pages/doors.py",
        "What a stranger, a slow phone or a flood can make this server hold is bounded. Each bound has its "
        "setting (what it is for stands in [configuration.md](configuration.md)), and each refusal its cause: in "
        "`heliograph_refusals_total` or `heliograph_connections_closed_total`, in a log line, and in a span while "
        "there is room for one. What a client that is in may send stands in [limits.md](../limits.md), TLS in "
        "[tls.md](../tls.md).",
        "## Two clocks",
        "*Door*: from the accepted socket to the whole request; a body has as long again. *Greeting*: from the "
        "101 to the connect reply. `http_server.deadlines` names the profile of all listeners, "
        "`http_server.listeners[].deadlines` that of one.",
        table(["profile", "door", "greeting"], profiles),
        "Time in which our own event loop stood still does not count.",
        "These profiles are of the *network* that strangers come through: how long may somebody take whom we know "
        "nothing of yet. Those of `client.heartbeat` are of what the *application* needs once a client is in: how "
        "soon must a dead one be known, how long may a slow one take. One does not follow from the other (a game "
        "on phones: `public` and `realtime`; sensors on a mobile network: `bulk` and `iot`; services of one data "
        "centre: `lan` and `service`), hence two settings, and no name is in both: one that is written in the "
        "wrong place is told where it belongs.",
        "## Admission",
        "Who finds no place waits at most 250 ms for one. Then the upgrade is accepted and closed with 3013: SDKs "
        "back off with jitter, and count it as an attempt. When 1,024 of these linger at a time, the answer is "
        "503 with `Retry-After`. After a storm the rate grows from a tenth back to all of it in "
        "`client.connection_ramp`.",
        "Limits by address count an IPv4 address or an IPv6 network of 64 bits. Behind proxies, name their "
        "networks in `http_server.trusted_proxies`: only from there `X-Forwarded-For` (or `Forwarded`) and PROXY "
        "headers are believed, read from their end.",
        "## Limits",
        table(["setting", "default", "beyond it"], rows),
    )
