"""Pure: messages in the body of an HTTP answer that does not end: events, lines, and the chunks that carry them.

Payloads are a codec's: JSON messages parted by newlines, or Protobuf messages that tell their own length.
"""

from typing import Final

LAST_CHUNK: Final = b"0\r\n\r\n"
"""The end of a chunked body (RFC 9112, 7.1)."""

GREETING: Final = b"\r\n"
"""The first bytes of an event stream, as Centrifugo sends them: proxies and browsers see at once that it has begun."""


def chunk(data: bytes) -> bytes:
    """One chunk; ``data`` must not be empty, since an empty chunk is the last one."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def events(payload: bytes) -> bytes:
    """One event a message (WHATWG HTML, 9.2.6). A raw CR would end a line there; JSON has it between tokens only."""
    if b"\r" in payload:
        payload = payload.replace(b"\r", b"")
    if b"\n" not in payload:
        return b"data: %b\n\n" % payload
    return b"".join([b"data: %b\n\n" % line for line in payload.split(b"\n")])


def lines(payload: bytes) -> bytes:
    """One line a message."""
    return payload + b"\n"


def as_it_is(payload: bytes) -> bytes:
    """Messages that tell their own length."""
    return payload
