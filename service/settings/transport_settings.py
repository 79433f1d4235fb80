"""The settings of every transport beside the WebSocket, out of checked values."""

from typing import Any, Final

from service.connections.opening import StreamSettings
from service.connections.transports import TransportSettings, UniWebSocketSettings

Tree = dict[str, Any]
_STREAMS: Final = ("sse", "http_stream", "uni_sse", "uni_http_stream")


def transports(values: Tree) -> TransportSettings:
    """Those that are on, by their sections."""
    on = {name: _stream(values[name]) for name in _STREAMS if values[name]["enabled"]}
    uni = values["uni_websocket"]
    return TransportSettings(
        **on,
        emulation=_stream(values["emulation"]),
        uni_websocket=_uni_websocket(uni) if uni["enabled"] else None,
        allowed_origins=values["client"]["allowed_origins"],
    )


def _stream(options: Tree) -> StreamSettings:
    return StreamSettings(options["handler_prefix"], options["max_request_body_size"])


def _uni_websocket(options: Tree) -> UniWebSocketSettings:
    return UniWebSocketSettings(
        options["handler_prefix"],
        options["message_size_limit"],
        disable_disconnect_push=options["disable_disconnect_push"],
        join_push_messages=options["join_push_messages"],
    )
