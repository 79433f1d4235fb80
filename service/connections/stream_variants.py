"""Which bytes the clients of the other transports take: see ``variants.py``. Only the framing differs."""

from collections.abc import Callable
from typing import Final

from service.connections.manners import UNI_WEBSOCKET, Manner
from service.connections.variants import Variant
from service.protocol import messages as wire
from service.protocol.closing import BAD_FRAME, FORCE_DISCONNECT, Closing, is_silent
from service.protocol.codec import Codec
from service.protocol.deflate import Squeeze
from service.protocol.framing import PING, frame
from service.protocol.streams import LAST_CHUNK, chunk

_FIRST_OF_OURS: Final = 3000  # codes below are WebSocket's own; a backend may name one of them, 1000


class StreamVariant(Variant):
    """A codec in the body of an HTTP answer: in chunks, or as it is for HTTP/1.0, which knows none."""

    __slots__ = ("_form", "chunked")

    def __init__(self, codec: Codec, manner: Manner, form: Callable[[bytes], bytes], *, chunked: bool) -> None:
        self._form = form
        self.chunked = chunked
        super().__init__(codec, manner)
        self.name = f"{self.name}/{'chunked' if chunked else 'plain'}"

    def wrap(self, payload: bytes) -> bytes:
        """See ``Variant.wrap``: events or lines, in one chunk."""
        body = self._form(payload)
        return chunk(body) if self.chunked else body

    def goodbye(self, closing: Closing) -> bytes | None:
        """See ``Variant.goodbye``: a push, then the end of the body, which is in order even where nothing is said."""
        push = b"" if is_silent(closing) else self.wrap(self.codec.encode([_disconnect(closing)]))
        return push + LAST_CHUNK if self.chunked else push


class UniWebSocketVariant(Variant):
    """Pushes in WebSocket frames, one each: so clients need not part them. Pings are pushes and Ping frames, too."""

    __slots__ = ("_joined", "_silent")

    def __init__(
        self, codec: Codec, *, joined: bool = False, silent: bool = False, squeeze: Squeeze | None = None
    ) -> None:
        """``joined``: several pushes may share a frame. ``silent``: no disconnect push before the Close frame."""
        self._joined = joined
        self._silent = silent
        super().__init__(codec, UNI_WEBSOCKET, squeeze)
        self.native_ping = self.ping + frame(PING, b"")

    def wrap(self, payload: bytes) -> bytes:
        """See ``Variant.wrap``."""
        if self._joined or b"\n" not in payload:
            return super().wrap(payload)
        return b"".join([super(UniWebSocketVariant, self).wrap(line) for line in payload.split(b"\n")])

    def goodbye(self, closing: Closing) -> bytes | None:
        """A push and a Close frame; the frame alone for faults of WebSocket and of the encoding, as in Centrifugo.

        A reason that is too long for a frame stands in the push, and no frame follows.
        """
        frame_ = super().goodbye(closing)
        of_the_frames = closing.code < _FIRST_OF_OURS and closing.cause != FORCE_DISCONNECT.cause
        if self._silent or is_silent(closing) or of_the_frames or closing.cause == BAD_FRAME.cause:
            return frame_
        return self.wrap(self.codec.encode([_disconnect(closing)])) + (frame_ or b"")


def _disconnect(closing: Closing) -> wire.Reply:
    return wire.Reply(push=wire.Push(disconnect=wire.Disconnect(closing.code, closing.reason)))
