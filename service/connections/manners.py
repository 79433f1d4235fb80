"""Pure: how transports differ for a session and for the end of a connection. One shared object a transport."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Manner:
    """``name`` is the label of metrics and the word of logs (``observability.names.TRANSPORTS``)."""

    name: str
    stream: bool = False  # an HTTP answer without end: the client cannot say anything in it, a Close frame is unknown
    emulated: bool = False  # the client's commands come in requests of their own, which name session and node
    native_pings: bool = False  # pings are WebSocket Ping frames, of which the client's application knows nothing
    unidirectional: bool = False  # the client says who it is, and nothing more; there are pushes, no replies


WEBSOCKET = Manner("websocket")
NATIVE = Manner("websocket", native_pings=True)
SSE = Manner("sse", stream=True, emulated=True)
HTTP_STREAM = Manner("http_stream", stream=True, emulated=True)
UNI_WEBSOCKET = Manner("uni_websocket", native_pings=True, unidirectional=True)
UNI_SSE = Manner("uni_sse", stream=True, unidirectional=True)
UNI_HTTP_STREAM = Manner("uni_http_stream", stream=True, unidirectional=True)
ALL = (WEBSOCKET, SSE, HTTP_STREAM, UNI_WEBSOCKET, UNI_SSE, UNI_HTTP_STREAM)
