"""Pure: WebSocket frames as a client reads them (RFC 6455, 5.2): not masked, and held to the rules."""

from collections.abc import Iterator

from service.protocol.framing import FrameError


class FrameReader:
    """Gives whole messages and control frames; keeps the rest. Fragments are joined."""

    __slots__ = ("_buffer", "_parts", "_started")

    def __init__(self) -> None:
        self._buffer = b""
        self._parts: list[bytes] | None = None
        self._started = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Messages in order.

        Raises:
            FrameError: a server sends no such thing.

        """
        buffer = self._buffer + data if self._buffer else data
        at = 0
        while True:
            found = _frame(buffer, at)
            if found is None:
                self._buffer = buffer[at:]
                return
            first, payload, at = found
            opcode, final = first & 0x0F, first & 0x80
            if opcode >= 0x8 or (opcode and final):
                yield opcode, payload
            elif opcode:
                self._started, self._parts = opcode, [payload]
            else:
                yield from self._continue(payload, final=bool(final))

    def _continue(self, payload: bytes, *, final: bool) -> Iterator[tuple[int, bytes]]:
        if self._parts is None:
            raise FrameError(1002, "a continuation of nothing")
        self._parts.append(payload)
        if final:
            whole, self._parts = b"".join(self._parts), None
            yield self._started, whole


def _frame(buffer: bytes, at: int) -> tuple[int, bytes, int] | None:
    """First byte, payload and end of the frame at ``at``; None while it is not whole."""
    if len(buffer) < at + 2:
        return None
    first, second = buffer[at], buffer[at + 1]
    if second & 0x80 or first & 0x70:
        raise FrameError(1002, "a masked frame, or reserved bits, of a server")
    start, size = at + 2, second
    if second == 126:
        start, size = at + 4, int.from_bytes(buffer[at + 2 : at + 4])
    elif second == 127:
        start, size = at + 10, int.from_bytes(buffer[at + 2 : at + 10])
    end = start + size
    if len(buffer) < max(start, end):
        return None
    return first, buffer[start:end], end
