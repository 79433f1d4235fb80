"""The words that a simulated user hears and says; as few of the protocol's as it needs."""

import base64
import os
from typing import Any, Final

import msgspec
from msgspec import Raw

from service.protocol import framing

NAME: Final = "heliograph-load"
CONNECT: Final = 1  # id of the connect command; subscribes follow
FIRST_PUBLISH: Final = 1000


class Said(msgspec.Struct, gc=False):
    """The data of our publications: number in the channel, and the wall clock at which it was sent."""

    n: int = 0
    t: float = 0.0


class Pub(msgspec.Struct, gc=False):
    data: Raw = Raw(b"null")
    offset: int = 0


class Subscribed(msgspec.Struct, gc=False):
    """The subscribe result."""

    recoverable: bool = False
    recovered: bool = False
    offset: int = 0
    epoch: str = ""
    publications: list[Pub] = msgspec.field(default_factory=list)


class Push(msgspec.Struct, gc=False):
    channel: str = ""
    pub: Pub | None = None
    unsubscribe: dict[str, Any] | None = None


class Reply(msgspec.Struct, gc=False):
    """A reply, a push or a ping."""

    id: int = 0
    push: Push | None = None
    error: dict[str, Any] | None = None
    connect: dict[str, Any] | None = None
    subscribe: Subscribed | None = None
    publish: dict[str, Any] | None = None


_reply = msgspec.json.Decoder(Reply)
_said = msgspec.json.Decoder(Said)
_write = msgspec.json.encode


def replies(payload: bytes) -> list[Reply]:
    """The messages of a text frame.

    Raises:
        msgspec.DecodeError: it is not of this protocol.

    """
    return [_reply.decode(line) for line in payload.split(b"\n") if line]


def said(data: Raw) -> Said | None:
    """What a publication of ours says; None for somebody else's."""
    try:
        return _said.decode(data)
    except msgspec.DecodeError:
        return None


def text_frame(*commands: dict[str, Any]) -> bytes:
    """One masked frame with these commands."""
    return framing.client_frame(framing.TEXT, b"\n".join(_write(command) for command in commands), os.urandom(4))


def publication(command_id: int, channel: str, number: int, at: float, size: int) -> bytes:
    """The frame of a publish; ``size`` bytes of data, about."""
    data = {"n": number, "t": at, "x": "x" * max(0, size - 40)}
    return text_frame({"id": command_id, "publish": {"channel": channel, "data": data}})


def request(host: str, path: str) -> tuple[bytes, str]:
    """An upgrade, and the value that its answer must accept it with."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: centrifuge-json\r\n\r\n"
    )
    return head.encode(), framing.accept_key(key)


BAD_FRAMES: Final = (
    ("no JSON", framing.client_frame(framing.TEXT, b"no JSON", b"load")),
    ("bad UTF-8", framing.client_frame(framing.TEXT, b'{"id":1,"x":"\xff"}', b"load")),
    ("not masked", framing.frame(framing.TEXT, b"{}")),
    ("reserved bits", b"\xf1\x80load"),
    ("too long", b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xffload"),
    ("unknown opcode", b"\x83\x80load"),
)
"""What no client sends, by name; each ends its connection."""
