"""The options of the listeners: places, clocks, limits, proxies, TLS."""

from typing import Final

from service.access.certificates import FIELDS
from service.connections.deadlines import PROFILES as CLOCKS
from service.connections.heartbeat import PROFILES as BEATS
from service.connections.limits import HttpLimits
from service.settings.kinds import Convert, duration, one_of, port, port_or, switch, text, texts, whole

NO_EFFECT: Final = "Accepted, without effect: "
_INTERNAL_PORT: Final = 9000

_DEADLINES: Final = one_of("", *CLOCKS, elsewhere=dict.fromkeys((*BEATS, "adaptive"), "client.heartbeat"))

SERVER: Final = (
    ("address", text, "", "Interface of the public port; empty: all. The built-in configuration says 127.0.0.1."),
    ("port", port, 8000, "Public port: WebSocket, server API, demo page."),
    ("internal_address", text, "127.0.0.1", "Interface of the internal port. (Centrifugo: that of the public port.)"),
    (
        "internal_port",
        port_or(_INTERNAL_PORT),
        _INTERNAL_PORT,
        "Internal port: metrics, health, readiness; empty: 9000. (Centrifugo has none unless this is set.)",
    ),
    ("send_buffer_size", whole, 65536, "Our own. Bytes the kernel may hold for one connection (SO_SNDBUF)."),
    (
        "tcp_user_timeout",
        duration,
        "0s",
        "Our own. A peer that acknowledges nothing for so long is gone. 0: 60s, or longer than any silence allowed.",
    ),
    (
        "deadlines",
        _DEADLINES,
        "",
        "Our own. The clocks of door and greeting: lan (500ms, 3s), public (5s, 10s; the default), bulk (10s, 25s).",
    ),
    (
        "door_timeout",
        duration,
        "0s",
        "Our own. Time for a whole request; its body has as long again. 0: as the profile.",
    ),
    ("max_url_length", whole, HttpLimits().url_length, "Our own. Bytes of a URL; longer: 414."),
    ("max_header_count", whole, HttpLimits().header_count, "Our own. Headers of a request; more: 431."),
    ("max_header_bytes", whole, HttpLimits().header_bytes, "Our own. Bytes of a request's head; more: 431."),
    (
        "max_pipelined_requests",
        whole,
        HttpLimits().pipelined,
        "Our own. Requests that may wait on one socket behind another; more: the socket is cut.",
    ),
    (
        "max_idle_connections",
        whole,
        HttpLimits().idle,
        "Our own. Kept-alive sockets between two requests; beyond, the oldest are closed.",
    ),
    (
        "max_waiting_connections",
        whole,
        HttpLimits().visitors,
        "Our own. Sockets that are no WebSocket yet; beyond: 503.",
    ),
    (
        "trusted_proxies",
        texts,
        (),
        "Our own. Networks of the proxies before us, such as 10.0.0.0/8: what they say of a client's address counts.",
    ),
    (
        "client_address_header",
        one_of("", "X-Forwarded-For", "Forwarded"),
        "",
        "Our own. Where they say it. One only: a proxy hands on the other as it came. Empty: X-Forwarded-For.",
    ),
    ("proxy_protocol", switch, False, "Our own. Connections begin with a PROXY header (v1, v2) of a trusted proxy."),
    ("tls_external", switch, False, "http_server.tls is for the public port only."),
    ("keepalive_timeout", duration, "75s", "Our own. An idle HTTP connection is kept so long."),
)
TLS: Final = (
    ("enabled", switch, False, "The listener speaks TLS, 1.2 or later."),
    ("cert_pem", text, "", "Its certificate and those that signed it: a path, the PEM itself, or its base64 form."),
    ("key_pem", text, "", "Its key, in the same ways. Replaced files are used within two seconds, or on SIGHUP."),
    ("client_ca_pem", text, "", "Who may sign clients' certificates. Empty: none is asked for."),
    ("server_ca_pem", text, "", NO_EFFECT + "it is for clients."),
    ("insecure_skip_verify", switch, False, NO_EFFECT + "it is for clients."),
    ("server_name", text, "", NO_EFFECT + "it is for clients."),
    (
        "mode",
        one_of("", "strict", "permissive"),
        "",
        "Our own. strict: TLS only (the default); permissive: plain HTTP, too, on the same port, while clients move.",
    ),
    (
        "client_certificate",
        one_of("", "required", "optional"),
        "",
        "Our own. With client_ca_pem: nobody comes in without one (the default), or it is looked at when it is there.",
    ),
    (
        "user_from",
        one_of("", *FIELDS),
        "",
        "Our own. The field of a client's certificate that is its user's id: such a client needs no token.",
    ),
)
LISTENER: Final = (
    ("name", text, "", "Our own. What metrics and logs call it."),
    ("address", text, "", "Our own. Its interface; empty: all."),
    ("port", port, 0, "Our own. Its port; 0: any free one."),
    (
        "deadlines",
        one_of("", *CLOCKS, elsewhere=dict.fromkeys((*BEATS, "adaptive"), "http_server.listeners[].heartbeat")),
        "",
        "Our own. Its clocks; empty: as http_server.deadlines.",
    ),
    (
        "heartbeat",
        one_of("", *BEATS, "adaptive", elsewhere=dict.fromkeys(CLOCKS, "http_server.listeners[].deadlines")),
        "",
        "Our own. The heartbeat profile of who comes in here; empty: as client.heartbeat, or its three figures.",
    ),
    ("proxy_protocol", switch, False, "Our own. As http_server.proxy_protocol."),
)

_OURS: Final = tuple(
    (name, convert, default, doc if doc.startswith("Our own.") else "Our own. " + doc)
    for name, convert, default, doc in TLS
    if NO_EFFECT not in doc
)

DOORS: Final[tuple[tuple[str, tuple[tuple[str, Convert, object, str], ...]], ...]] = (
    ("http_server", SERVER),
    ("http_server.tls", TLS),
    ("http_server.internal_tls", TLS),
    ("http_server.listeners[]", LISTENER),
    ("http_server.listeners[].tls", _OURS),
)
