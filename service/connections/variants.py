"""Which bytes a connection takes: a codec in a framing. One object a kind, shared by all connections of that kind."""

from collections.abc import Sequence
from typing import Final

from service.broker.contract import Announcement
from service.connections.manners import WEBSOCKET, Manner
from service.protocol import messages as wire
from service.protocol.closing import Closing, fits_a_frame, is_silent
from service.protocol.codec import Codec
from service.protocol.deflate import Squeeze
from service.protocol.framing import BINARY, PING, SQUEEZED, TEXT, close_frame, frame

MESSAGES_A_FRAME: Final = 16  # Centrifugo packs as many; SDKs are tested with it

SHORTEST: Final = 6  # bytes of a masked frame before its payload
_PONGS: Final = {"json": b"{}", "protobuf": b"\0"}  # an empty command; at most four bytes, the mask's length


class Variant:
    """A codec in WebSocket frames. The hub encodes a publication once for each variant that is listening."""

    __slots__ = (
        "_opcode", "_pong", "_pong_head", "_squeeze", "codec", "manner", "name", "native_ping", "ping", "pong_size",
    )  # fmt: skip

    def __init__(self, codec: Codec, manner: Manner = WEBSOCKET, squeeze: Squeeze | None = None) -> None:
        """``squeeze``: how its messages are compressed; None: not at all."""
        self.codec = codec
        self.manner = manner
        self._squeeze = squeeze
        self.name = f"{manner.name}/{codec.name}" + "/deflate" * (squeeze is not None)
        self._opcode = BINARY if codec.binary else TEXT
        self.ping: bytes = self.wrap(codec.encode([wire.Reply()]))
        self.native_ping: bytes = frame(PING, b"")
        pong = _PONGS[codec.name]
        self.pong_size = SHORTEST + len(pong)  # bytes of a whole frame
        self._pong_head = bytes((0x80 | self._opcode, 0x80 | len(pong)))
        self._pong = int.from_bytes(pong)

    def is_pong(self, data: bytes) -> bool:
        """Whether these ``pong_size`` bytes are an empty command in a masked frame, and nothing else."""
        if data[:2] != self._pong_head:
            return False
        payload = data[SHORTEST:]
        return int.from_bytes(data[2 : 2 + len(payload)]) ^ int.from_bytes(payload) == self._pong

    def wrap(self, payload: bytes) -> bytes:
        """One frame around one payload."""
        squeezed = None if self._squeeze is None else self._squeeze.frame_payload(payload)
        return frame(self._opcode, payload) if squeezed is None else frame(SQUEEZED | self._opcode, squeezed)

    def replies(self, replies: Sequence[wire.Reply]) -> bytes:
        """Frames of at most 16 replies each, ready to be written at once."""
        if len(replies) <= MESSAGES_A_FRAME:
            return self.wrap(self.codec.encode(replies))
        parts = (replies[i : i + MESSAGES_A_FRAME] for i in range(0, len(replies), MESSAGES_A_FRAME))
        return b"".join(self.wrap(self.codec.encode(part)) for part in parts)

    def announcements(self, channel: str, announcements: Sequence[Announcement]) -> bytes:
        """Frames with one push for each who came or went, packed as replies are."""
        return self.replies([wire.Reply(push=_announced(channel, each)) for each in announcements])

    def publications(self, channel: str, publications: Sequence[wire.Publication]) -> bytes:
        """One frame with one push a publication."""
        return self.wrap(self.codec.encode_publications(channel, publications))

    def goodbye(self, closing: Closing) -> bytes | None:
        """The last bytes: how the client is told of the end. None: the socket is dropped, as no frame can say it."""
        return close_frame(closing.code, closing.reason) if fits_a_frame(closing) and not is_silent(closing) else None


def _announced(channel: str, announcement: Announcement) -> wire.Push:
    if announcement.left:
        return wire.Push(channel, leave=wire.Leave(announcement.info))
    return wire.Push(channel, join=wire.Join(announcement.info))
