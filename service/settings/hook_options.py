"""The options of hooks: the same for each endpoint, wherever it stands. Names and structure are Centrifugo's."""

from typing import Final

from service.settings.kinds import Convert, duration, headers, switch, text, texts, whole

_Rows = tuple[tuple[str, Convert, object, str], ...]

_ENDPOINT: Final[_Rows] = (
    ("endpoint", text, "", "Address that is asked by POST, http:// or https://."),
    ("timeout", duration, "1s", "For everything: waiting for a place, tries and pauses."),
    ("http_headers", texts, (), "Headers of the client's upgrade that are handed on, such as Cookie."),
    ("emulated_headers", texts, (), "Headers of the connect command that are handed on: whatever the client says."),
    ("include_connection_meta", switch, False, "The meta of the token, or of the connect hook, goes along."),
    ("binary_encoding", switch, False, "Payloads go as base64, in b64data."),
    ("http.static_headers", headers, {}, "Headers of every question, such as a secret of the backend's."),
    ("http.tls.enabled", switch, False, "The following options count; without them https:// is as the system says."),
    (
        "http.tls.server_ca_pem",
        text,
        "",
        "Who may sign the backend's certificate: a path, the PEM, or its base64 form.",
    ),
    ("http.tls.cert_pem", text, "", "The certificate that we show to the backend, in the same ways."),
    ("http.tls.key_pem", text, "", "Its key, in the same ways."),
    ("http.tls.server_name", text, "", "The name in the backend's certificate. Empty: that of the address."),
    ("http.tls.insecure_skip_verify", switch, False, "Any certificate is believed: for trials only."),
    ("http.tls.client_ca_pem", text, "", "Accepted, without effect: it is for servers."),
    ("http.status_to_code_transforms[].status_code", whole, 0, "An answer with this status means the following."),
    ("http.status_to_code_transforms[].to_error.code", whole, 0, "An error reply with this code."),
    ("http.status_to_code_transforms[].to_error.message", text, "", "Its message."),
    ("http.status_to_code_transforms[].to_error.temporary", switch, False, "Whether the client shall try again."),
    ("http.status_to_code_transforms[].to_disconnect.code", whole, 0, "A close with this code, 3000 to 4999."),
    ("http.status_to_code_transforms[].to_disconnect.reason", text, "", "Its reason."),
)
HOOKS_OF_CLIENTS: Final = ("connect", "refresh")
HOOKS_OF_CHANNELS: Final = ("subscribe", "publish", "sub_refresh")
_SWITCH: Final[_Rows] = (("enabled", switch, False, "Whether the backend is asked."),)

PLACES: Final[tuple[tuple[str, _Rows], ...]] = (
    *((f"client.proxy.{kind}", _SWITCH + _ENDPOINT) for kind in HOOKS_OF_CLIENTS),
    *((f"channel.proxy.{kind}", _ENDPOINT) for kind in HOOKS_OF_CHANNELS),
    ("rpc.proxy", _ENDPOINT),
    ("proxies[]", (("name", text, "", "What namespaces call it."), *_ENDPOINT)),
    (
        "rpc.without_namespace",
        (
            ("proxy_enabled", switch, False, "The backend answers methods without namespace."),
            ("proxy_name", text, "default", "Which hook is asked."),
        ),
    ),
    (
        "rpc.namespaces[]",
        (
            ("name", text, "", "What stands before the boundary in a method."),
            ("proxy_enabled", switch, False, "The backend answers these methods."),
            ("proxy_name", text, "default", "Which hook is asked."),
        ),
    ),
    ("rpc", (("namespace_boundary", text, ":", "Ends the namespace in a method."),)),
)
FOR_NAMESPACES: Final[_Rows] = (
    ("subscribe_proxy_enabled", switch, False, "The backend says who may subscribe without a token."),
    ("subscribe_proxy_name", text, "default", "Which hook is asked."),
    ("publish_proxy_enabled", switch, False, "The backend says who may publish, and may change what."),
    ("publish_proxy_name", text, "default", "Which hook is asked."),
    ("sub_refresh_proxy_enabled", switch, False, "The backend prolongs subscriptions that expire."),
    ("sub_refresh_proxy_name", text, "default", "Which hook is asked."),
)
