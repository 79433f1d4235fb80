"""The settings of every transport beside the WebSocket, out of checked values."""

from collections.abc import Mapping
from typing import Any, Final

from service.connections.opening import StreamSettings
from service.connections.transports import TransportSettings, UniWebSocketSettings
from service.connections.withheld import Answer
from service.settings.doors import inflated, squeeze

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


def unidirectional_ends(client: Tree) -> Mapping[int, tuple[int, str]]:
    """Error code -> close code and reason, where an error cannot be told; those that go another way than usual."""
    said = client["connect_code_to_unidirectional_disconnect"]
    if not said["enabled"]:
        return {}
    return {each["code"]: (each["to"]["code"], each["to"]["reason"]) for each in reversed(said["transforms"])}


def _stream(options: Tree) -> StreamSettings:
    return StreamSettings(options["handler_prefix"], options["max_request_body_size"], _answers(options))


def _answers(options: Tree) -> Mapping[int, Answer] | None:
    said = options.get("connect_code_to_http_response", {"enabled": False})
    if not said["enabled"]:
        return None
    return {
        each["code"]: Answer(each["to"]["status_code"], each["to"]["body"]) for each in reversed(said["transforms"])
    }


def _uni_websocket(options: Tree) -> UniWebSocketSettings:
    return UniWebSocketSettings(
        options["handler_prefix"],
        options["message_size_limit"],
        disable_disconnect_push=options["disable_disconnect_push"],
        join_push_messages=options["join_push_messages"],
        squeeze=squeeze(options),
        inflated=inflated(options),
    )
