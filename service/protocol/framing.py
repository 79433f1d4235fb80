"""WebSocket frames of a server (RFC 6455): bytes in, messages out; payloads in, frames out.

The parser never buffers what it will refuse: a length is checked when it is declared. It holds nothing while no message
is under way, and what arrives in pieces is looked at again only when enough has come.
"""

import base64
import hashlib
from codecs import utf_8_decode
from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from service.protocol import deflate
from service.protocol.masking import apply_mask

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

NO_CODE = 1005  # what parse_close says of an empty close frame; never on the wire (section 7.4.1)

_PROTOCOL_ERROR, _BAD_DATA, _TOO_BIG = 1002, 1007, 1009
_FIN, _RSV, _MASKED, _LENGTH = 0x80, 0x70, 0x80, 0x7F
SQUEEZED = 0x40  # the bit that says: this message is compressed (RFC 7692)
_KNOWN = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTROL_LIMIT = 125
_SHORT = 6  # bytes before the payload of a masked frame of less than 126
_LONGEST_SHORT = _SHORT + _CONTROL_LIMIT
_NOTHING: list[tuple[int, bytes]] = []

_pack_short = Struct("!BB").pack
_pack_medium = Struct("!BBH").pack
_pack_long = Struct("!BBQ").pack


class FrameError(Exception):
    """The peer broke the protocol: fail the connection with ``code`` (1002, 1007 or 1009) and ``reason``.

    ``cause`` tells apart what shares a code: message_too_big, frame_too_big, too_many_fragments.
    """

    def __init__(self, code: int, reason: str, cause: str = "") -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason
        self.cause = cause


class FrameLimits(NamedTuple):
    """How much one message of a peer may be."""

    message: int  # bytes
    frame: int = 0  # bytes of one frame; 0: as a message
    fragments: int = 0  # frames of one message; 0: any number
    inflated: int = 0  # bytes of a compressed message when it is read; 0: compression was not agreed


class FrameParser:
    """Reads the frames of one client, which must be masked (section 5.1).

    After an error or a close frame everything that follows is ignored.
    """

    __slots__ = (
        "_checked", "_fragments", "_limits", "_max", "_need", "_opcode", "_parts", "_squeezed", "_tail", "error",
    )  # fmt: skip

    def __init__(self, limits: FrameLimits) -> None:
        self.error: FrameError | None = None
        self._limits = limits
        self._max = min(limits.message, limits.frame or limits.message)  # bytes of one frame
        self._fragments = 0  # frames of the message under way
        self._tail: bytearray | None = None  # bytes of a frame that is not complete
        self._need = 2  # bytes that must be there before the next frame can be looked at
        self._opcode = 0  # of the fragmented message under way
        self._parts: bytearray | None = None  # its payload so far
        self._squeezed = False  # it is compressed
        self._checked = 0  # how much of it is known to be UTF-8

    @property
    def idle(self) -> bool:
        """No message is under way, and none is refused."""
        return self._tail is None and self._need == 2 and not self._opcode

    def feed(self, data: bytes) -> Sequence[tuple[int, bytes]]:
        """The complete messages and control frames in order, as (opcode, payload).

        A fault is kept in ``error``; what came before it is returned all the same. Never raises.
        """
        size = len(data)
        if (
            _SHORT <= size <= _LONGEST_SHORT
            and data[1] == size + 122  # masked, and exactly this one frame: 0x80 + size - 6
            and (data[0] == 0x81 or data[0] == 0x82)
            and self._tail is None
            and not self._opcode
            and size - _SHORT <= self._max
            and self._need == 2
        ):
            payload = bytearray(data[_SHORT:])
            apply_mask(data[2:6], payload)
            if data[0] == 0x82 or payload.isascii() or _is_text(payload):
                return [(data[0] & 0x0F, bytes(payload))]
        return self._feed(data)

    def _feed(self, data: bytes) -> Sequence[tuple[int, bytes]]:
        if not self._need:
            return _NOTHING
        buffer = self._joined(data)
        messages: list[tuple[int, bytes]] = []
        at = 0
        try:
            while self._need and len(buffer) - at >= self._need:
                at = self._take(buffer, at, messages)
        except FrameError as error:
            self._stop(FrameError(error.code, error.reason, error.cause))  # one that was raised holds us by its frames
            return messages
        if self._need:
            self._keep(buffer, at)
        return messages

    def _joined(self, data: bytes) -> bytes | bytearray:
        if self._tail is None:
            return data
        self._tail += data
        return self._tail

    def _keep(self, buffer: bytes | bytearray, at: int) -> None:
        if at == len(buffer):
            self._tail = None
        elif at or buffer is not self._tail:
            self._tail = bytearray(buffer[at:])

    def _stop(self, error: FrameError | None) -> None:
        self.error = error
        self._need = 0
        self._tail = self._parts = None

    def _take(self, buffer: bytes | bytearray, at: int, messages: list[tuple[int, bytes]]) -> int:
        """Read one frame at ``at``; where the next one starts, or ``at`` with ``_need`` raised when more must come."""
        first, second = buffer[at], buffer[at + 1]
        self._check_head(first, second)
        start, size = _declared(buffer, at, second & _LENGTH)
        if not start:
            self._need = 4 if second & _LENGTH == 126 else 10
            return at
        self._check_size(first, size)
        end = start + 4 + size
        if end > len(buffer):
            self._need = end - at
            return at
        self._need = 2
        payload = bytearray(buffer[start + 4 : end])
        apply_mask(bytes(buffer[start : start + 4]), payload)
        self._frame(first, payload, messages)
        return end

    def _check_head(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if first & _RSV and not (first & _RSV == SQUEEZED and self._limits.inflated and opcode in (TEXT, BINARY)):
            raise FrameError(_PROTOCOL_ERROR, "reserved bits are set and no extension was agreed")
        if opcode not in _KNOWN:
            raise FrameError(_PROTOCOL_ERROR, "reserved opcode")
        if not second & _MASKED:
            raise FrameError(_PROTOCOL_ERROR, "frames of a client must be masked")
        if opcode >= CLOSE:
            if not first & _FIN:
                raise FrameError(_PROTOCOL_ERROR, "control frames must not be fragmented")
            if second & _LENGTH > _CONTROL_LIMIT:
                raise FrameError(_PROTOCOL_ERROR, "control frames must not be longer than 125 bytes")
        elif opcode == CONTINUATION and not self._opcode:
            raise FrameError(_PROTOCOL_ERROR, "continuation without a message")
        elif opcode != CONTINUATION and self._opcode:
            raise FrameError(_PROTOCOL_ERROR, "a new message inside a fragmented one")

    def _check_size(self, first: int, size: int) -> None:
        if first & 0x0F >= CLOSE:
            return
        before = len(self._parts) if self._parts is not None else 0
        if before + size > self._limits.message:
            raise FrameError(_TOO_BIG, "", "message_too_big")  # the size limit has no words in Centrifugo either
        if size > self._max:
            raise FrameError(_TOO_BIG, "", "frame_too_big")

    def _frame(self, first: int, payload: bytearray, messages: list[tuple[int, bytes]]) -> None:
        opcode = first & 0x0F
        if opcode >= CLOSE:
            if opcode == CLOSE:
                parse_close(payload)
                self._stop(None)
            messages.append((opcode, bytes(payload)))
        elif first & _FIN and not self._opcode:
            whole = self._inflated(payload) if first & SQUEEZED else bytes(payload)
            if opcode == TEXT and not whole.isascii():
                _check_text(whole)
            messages.append((opcode, whole))
        else:
            self._fragment(first, payload, messages)

    def _fragment(self, first: int, payload: bytearray, messages: list[tuple[int, bytes]]) -> None:
        final = bool(first & _FIN)
        self._fragments += 1
        if 0 < self._limits.fragments < self._fragments:
            raise FrameError(_TOO_BIG, "", "too_many_fragments")
        if self._parts is None:
            self._opcode, self._squeezed = first & 0x0F, bool(first & SQUEEZED)
            self._parts = payload
        else:
            self._parts += payload
        if self._opcode == TEXT and not self._squeezed:
            self._checked += _check_text(self._parts, self._checked, final)
        if final:
            whole = self._inflated(self._parts) if self._squeezed else bytes(self._parts)
            if self._opcode == TEXT and self._squeezed:
                _check_text(whole)
            messages.append((self._opcode, whole))
            self._opcode = self._checked = self._fragments = 0
            self._parts = None

    def _inflated(self, payload: bytearray) -> bytes:
        try:
            return deflate.decompress(payload, self._limits.inflated)
        except deflate.TooMuch:
            raise FrameError(_TOO_BIG, "", "message_too_big") from None
        except deflate.Broken:
            raise FrameError(_PROTOCOL_ERROR, "invalid compressed data") from None


def _declared(buffer: bytes | bytearray, at: int, length: int) -> tuple[int, int]:
    """Where the mask starts and how long the payload is; (0, 0) while the length itself is not complete."""
    if length < 126:
        return at + 2, length
    start, least = (at + 4, 126) if length == 126 else (at + 10, 0x10000)
    if len(buffer) < start:
        return 0, 0
    size = int.from_bytes(buffer[at + 2 : start], "big")
    if size < least:
        raise FrameError(_PROTOCOL_ERROR, "the length is not written in the fewest bytes")
    if size >> 63:
        raise FrameError(_PROTOCOL_ERROR, "the highest bit of a length must be 0")
    return start, size


def _check_text(payload: bytes | bytearray, start: int = 0, final: bool = True) -> int:
    """How many bytes from ``start`` on are whole characters; a cut one at the end is a fault only if ``final``."""
    with memoryview(payload) as view, view[start:] as rest:
        try:
            return utf_8_decode(rest, "strict", final)[1]
        except UnicodeDecodeError:
            raise FrameError(_BAD_DATA, "invalid UTF-8") from None


def _is_text(payload: bytearray) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


# ------------------------------------------------------------------------------------------ writing


def frame(opcode: int, payload: bytes) -> bytes:
    """An unmasked, final frame as servers send it."""
    size = len(payload)
    if size < 126:
        return _pack_short(_FIN | opcode, size) + payload
    if size < 0x10000:
        return _pack_medium(_FIN | opcode, 126, size) + payload
    return _pack_long(_FIN | opcode, 127, size) + payload


def client_frame(opcode: int, payload: bytes, mask: bytes, *, fin: bool = True) -> bytes:
    """A masked frame as clients send it; ``mask`` is four bytes. For tests and the lab."""
    header = bytearray(frame(opcode, b"" if len(payload) < 126 else payload)[: _header_size(len(payload))])
    header[0] = (_FIN if fin else 0) | opcode
    header[1] = _MASKED | (len(payload) if len(payload) < 126 else header[1])
    body = bytearray(payload)
    apply_mask(mask, body)
    return bytes(header) + mask + bytes(body)


def _header_size(size: int) -> int:
    return 2 if size < 126 else 4 if size < 0x10000 else 10


# ------------------------------------------------------------------------------------------ closing


def sendable(code: int) -> bool:
    """Whether a close frame may carry ``code`` (section 7.4; 1012-1014 by the IANA registry)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999


def close_frame(code: int, reason: str) -> bytes:
    """A close frame; a reason of more than 123 bytes is cut between characters.

    Raises:
        ValueError: ``code`` may not be sent.

    """
    if not sendable(code):
        raise ValueError(f"{code} may not stand in a close frame")
    words = reason.encode()[: _CONTROL_LIMIT - 2].decode(errors="ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + words)


def parse_close(payload: bytes | bytearray) -> tuple[int, str]:
    """Code and reason of a close frame's payload, ``(NO_CODE, "")`` of an empty one.

    Raises:
        FrameError: 1002 for one byte or a code that may not be sent, 1007 for a reason that is not UTF-8.

    """
    if not payload:
        return NO_CODE, ""
    code = int.from_bytes(payload[:2], "big")  # of a single byte: less than any code
    if not sendable(code):
        raise FrameError(_PROTOCOL_ERROR, "invalid close code")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(_BAD_DATA, "invalid UTF-8") from None


def accept_key(key: str) -> str:
    """``Sec-WebSocket-Accept`` for a ``Sec-WebSocket-Key`` (section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _KEY_SUFFIX, usedforsecurity=False).digest()).decode()
