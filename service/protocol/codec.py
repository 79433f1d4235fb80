"""What a codec promises: frames of one encoding in, commands out; replies in, frames out.

A codec is stateless and shared by all connections. It holds no opinion about what a command may do: whatever is
well-formed is handed on, also an ``id`` without a method. tests/contracts/codec.py is the suite for all of them.
"""

from collections.abc import Sequence
from typing import Protocol

from service.protocol.messages import Command, Publication, Reply

MESSAGES_PER_FRAME = 16  # what Centrifugo packs at most; no client demands it


class BadFrame(Exception):  # noqa: N818 - says what is wrong
    """A frame that does not decode. ``commands`` stood before the fault: they are answered, then 3501 follows."""

    def __init__(self, why: str, commands: list[Command] | None = None) -> None:
        super().__init__(why)
        self.commands = commands if commands is not None else []


class Codec(Protocol):
    """One encoding of the protocol."""

    @property
    def name(self) -> str:
        """``json`` or ``protobuf``; also the metric label."""

    @property
    def binary(self) -> bool:
        """Outgoing frames are binary. Incoming ones may be either."""

    def decode(self, data: bytes, most: int = 0) -> list[Command]:
        """The commands of one frame, in order, at least one and, unless that is 0, at most ``most``.

        A published payload does not keep the frame alive: it is a copy. In a JSON frame it is JSON in UTF-8; whether
        a channel takes it is not asked here (``service.protocol.payload``).

        Raises:
            BadFrame: the frame is empty, does not decode, or goes on after ``most`` commands; nothing else is ever
                raised, whatever the bytes.

        """

    def encode(self, replies: Sequence[Reply]) -> bytes:
        """One frame's payload with these replies in order. A ping is ``encode([Reply()])``."""

    def encode_publications(self, channel: str, publications: Sequence[Publication]) -> bytes:
        """One frame's payload: a push a publication, in order. At most ``MESSAGES_PER_FRAME`` of them."""
