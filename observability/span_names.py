"""The names of spans, declared before use like all others (``names.py``)."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class SpanName:
    """One kind of span; ``kind`` is OpenTelemetry's."""

    name: str
    kind: Literal["server", "internal", "producer", "consumer", "client"]
    help: str


UPGRADE_SPAN = SpanName("websocket.upgrade", "server", "Request to upgrade until the 101 or the refusal.")
CONNECT_SPAN = SpanName("websocket.connect", "server", "101 until the connect reply; linked to the upgrade.")
HEARTBEAT_SPAN = SpanName("websocket.heartbeat", "client", "Ping until pong, or until we gave up waiting.")
CLOSE_SPAN = SpanName("websocket.close", "internal", "End of a connection with its cause; linked to the connect.")
PUBLISH_SPAN = SpanName("message.publish", "producer", "A publication until it has its place in the stream.")
BROKER_SPAN = SpanName("broker.publish", "client", "The broker's part of a publish.")
FANOUT_SPAN = SpanName("message.fanout", "producer", "A batch to all subscribers here; linked to up to 8 receivers.")
DELIVER_SPAN = SpanName("message.deliver", "producer", "A delivery slower than the limit, from accept to the kernel.")
RECEIVE_SPAN = SpanName("message.receive", "consumer", "From accept to a client, by the client's own report.")
TOKEN_SPAN = SpanName(
    "token.check", "internal", "A token that did not count, with the event token.refused; linked to its connection."
)
HOOK_SPAN = SpanName("hook.call", "client", "A question to the user's backend; it gets our traceparent.")
SPANS: dict[str, SpanName] = {
    span.name: span
    for span in (
        UPGRADE_SPAN, CONNECT_SPAN, HEARTBEAT_SPAN, CLOSE_SPAN, PUBLISH_SPAN, BROKER_SPAN, FANOUT_SPAN, DELIVER_SPAN,
        RECEIVE_SPAN, TOKEN_SPAN, HOOK_SPAN,
    )
}  # fmt: skip
