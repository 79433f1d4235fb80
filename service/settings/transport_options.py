"""The options of every transport beside the WebSocket: a part of the table in ``options.py``."""

from typing import Final

from service.settings.door_options import NO_EFFECT
from service.settings.kinds import Convert, duration, switch, text, whole

_BODY: Final = ("max_request_body_size", whole, 65536, "Longest request in bytes; longer: 413.")
COMPRESSION: Final[tuple[tuple[str, Convert, object, str], ...]] = (
    ("compression", switch, False, "permessage-deflate for clients that offer it; see docs/compression.md."),
    ("compression_min_size", whole, 0, "Shorter messages go as they are. 0: 512 bytes. (Centrifugo: all are.)"),
    ("compression_level", whole, 1, "1 to 9; above 1 costs much and saves little."),
    (
        "decompressed_message_size_limit",
        whole,
        0,
        "Longest compressed message of a client when it is read; longer: 1009. 0: as message_size_limit.",
    ),
)
_UNI_WEBSOCKET: Final = (
    ("enabled", switch, False, "WebSocket for clients that only listen."),
    ("handler_prefix", text, "/connection/uni_websocket", "Where it is."),
    ("message_size_limit", whole, 65536, "Longest connect request in bytes; longer: close code 1009."),
    ("disable_disconnect_push", switch, False, "The Close frame alone tells of the end, no push before it."),
    ("join_push_messages", switch, False, "Several pushes may share a frame, one a line."),
    ("disable_closing_handshake", switch, False, NO_EFFECT + "we wait for the peer's Close frame, so no code is lost."),
    ("write_timeout", duration, "1s", NO_EFFECT + "websocket.write_timeout holds for all transports."),
    ("read_buffer_size", whole, 0, NO_EFFECT + "buffers are sized by the kernel."),
    ("write_buffer_size", whole, 0, NO_EFFECT + "buffers are sized by the kernel."),
    ("use_write_buffer_pool", switch, False, NO_EFFECT + "there is no such buffer."),
    *COMPRESSION,
)


_ANSWERS: Final = "connect_code_to_http_response"
_AS_HTTP: Final[tuple[tuple[str, Convert, object, str], ...]] = (
    (
        f"{_ANSWERS}.enabled",
        switch,
        False,
        "Who is refused hears it by HTTP status, before a stream begins: as below, else 500 (503 without a place).",
    ),
    (f"{_ANSWERS}.transforms[].code", whole, 0, "An error or close code that a connect leads to."),
    (f"{_ANSWERS}.transforms[].to.status_code", whole, 0, "The status of the answer, 200 to 599."),
    (f"{_ANSWERS}.transforms[].to.body", text, "", "Its body. Empty: the words of the code."),
)
_INSTEAD: Final[tuple[tuple[str, Convert, object, str], ...]] = (
    ("enabled", switch, False, "The following count. Those that are not named end as usual (109: 3005, 103: 3507, …)."),
    ("transforms[].code", whole, 0, "An error that a connect leads to, on transports that know no errors."),
    ("transforms[].to.code", whole, 0, "The close code instead, 3000 to 4999."),
    ("transforms[].to.reason", text, "", "Its reason."),
)


def _stream(name: str, what: str) -> tuple[tuple[str, Convert, object, str], ...]:
    return (
        ("enabled", switch, False, what),
        ("handler_prefix", text, f"/connection/{name}", "Where it is."),
        _BODY,
    )


TRANSPORT_SECTIONS: Final[tuple[tuple[str, tuple[tuple[str, Convert, object, str], ...]], ...]] = (
    ("sse", _stream("sse", "Server-sent events, with commands by POST (emulation).")),
    ("http_stream", _stream("http_stream", "A streamed HTTP answer, with commands by POST (emulation).")),
    ("emulation", (("handler_prefix", text, "/emulation", "Where the commands of such clients go."), _BODY)),
    ("uni_sse", (*_stream("uni_sse", "Server-sent events for clients that only listen."), *_AS_HTTP)),
    (
        "uni_http_stream",
        (*_stream("uni_http_stream", "A streamed HTTP answer for clients that only listen."), *_AS_HTTP),
    ),
    ("uni_websocket", _UNI_WEBSOCKET),
    ("client.connect_code_to_unidirectional_disconnect", _INSTEAD),
)
