"""The options of every transport beside the WebSocket: a part of the table in ``options.py``."""

from typing import Final

from service.settings.door_options import NO_EFFECT
from service.settings.kinds import Convert, duration, switch, text, whole

_BODY: Final = ("max_request_body_size", whole, 65536, "Longest request in bytes; longer: 413.")
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
    ("uni_sse", _stream("uni_sse", "Server-sent events for clients that only listen.")),
    ("uni_http_stream", _stream("uni_http_stream", "A streamed HTTP answer for clients that only listen.")),
    ("uni_websocket", _UNI_WEBSOCKET),
)
