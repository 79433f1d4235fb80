"""Pure: the Fossil delta format, as far as one publication is told by what differs from the one before.

A delta is text around bytes: the target's size and a newline; then ``n@o,`` (copy n bytes of the base from o) and
``n:`` with n literal bytes, in the order of the target; at last a checksum and ``;``. Numbers are in base 64.
"""

import struct
from typing import Final

BLOCK: Final = 16  # bytes that must be alike for a copy to be found
LONGEST: Final = 32 * 1024  # bytes of base or target; beyond, a full frame costs less than looking
EFFORT: Final = 4096  # looks into the base for what is not alike at first sight: about half a millisecond
_ALPHABET: Final = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_DIGITS: Final = 6  # of a number of 32 bits
_WORD: Final = 0xFFFFFFFF
_SHORTEST: Final = 8  # bytes worth a copy within a stretch that differs
_A_COPY: Final = 12  # looks that a copy costs


class BadDelta(Exception):  # noqa: N818 - says what is wrong
    """It is no delta, or not one against this base."""


class Effort:
    """How much looking is still allowed; shared by the deltas of one turn of the loop."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = EFFORT


def create(base: bytes, target: bytes, effort: Effort | None = None) -> bytes | None:
    """The delta that makes ``target`` of ``base``; None when it would not be smaller than the target.

    Of texts in UTF-8 it is one, too: no literal begins or ends within a character.
    """
    if not base or len(target) < BLOCK or len(base) > LONGEST or len(target) > LONGEST:
        return None
    parts = [_number(len(target)) + b"\n"]
    at = 0
    for start, length, source in _copies(base, target, effort or Effort()):
        if start > at:
            parts.append(_literal(target[at:start]))
        parts.append(_number(length) + b"@" + _number(source) + b",")
        at = start + length
    if not at:
        return None
    if at < len(target):
        parts.append(_literal(target[at:]))
    parts.append(_number(checksum(target)) + b";")
    delta = b"".join(parts)
    return delta if len(delta) < len(target) else None


def apply(base: bytes, delta: bytes) -> bytes:
    """The target that the delta makes of ``base``.

    Raises:
        BadDelta: whatever is wrong with it.

    """
    size, at = _read(delta, 0)
    if delta[at : at + 1] != b"\n" or size > LONGEST:
        raise BadDelta("no size")
    at += 1
    target = bytearray()
    while True:
        number, at = _read(delta, at)
        sign = delta[at : at + 1]
        at += 1
        if sign == b":":
            target += _piece(delta, at, number)
            at += number
        elif sign == b"@":
            source, at = _read(delta, at)
            if delta[at : at + 1] != b",":
                raise BadDelta("a copy without an end")
            at += 1
            target += _piece(base, source, number)
        elif sign == b";":
            break
        else:
            raise BadDelta("no such command")
        if len(target) > size:
            raise BadDelta("more than it says")
    if len(target) != size or at != len(delta) or number != checksum(target):
        raise BadDelta("not what it says")
    return bytes(target)


def checksum(data: bytes | bytearray) -> int:
    """The sum of the data's big-endian 32-bit words, filled up with zeros, modulo 2³²."""
    whole = len(data) & ~3
    total: int = sum(struct.unpack_from(f">{whole >> 2}I", data))
    if whole < len(data):
        total += int.from_bytes(bytes(data[whole:]).ljust(4, b"\0"), "big")
    return total & _WORD


# ------------------------------------------------------------------------ looking


def _copies(base: bytes, target: bytes, effort: Effort) -> list[tuple[int, int, int]]:
    """What of the target is in the base: (place in the target, length, place in the base), in order.

    The common beginning and end take no looking; in between, the base's blocks are looked for at every byte.
    """
    shortest = min(len(base), len(target))
    front = _alike(base, 0, target, 0, shortest)
    back = _alike_back(base, target, shortest - front)
    copies = []
    if front := _aligned_end(target, 0, front):
        copies.append((0, front, 0))
    end = len(target) - back
    if end - front >= BLOCK:
        copies += _Between(base, target, end).copies(front, effort)
    start, back = _aligned_start(target, end, back)
    if back:
        copies.append((start, back, len(base) - back))
    return copies


class _Between:
    """Looks for what of the target, up to ``end``, is anywhere in the base."""

    __slots__ = ("base", "blocks", "end", "target")

    def __init__(self, base: bytes, target: bytes, end: int) -> None:
        self.base = base
        self.target = target
        self.end = end
        self.blocks = {base[i : i + BLOCK]: i for i in range(len(base) - BLOCK, -1, -BLOCK)}

    def copies(self, at: int, effort: Effort) -> list[tuple[int, int, int]]:
        """As ``_copies``, from ``at`` on."""
        effort.left -= len(self.blocks)
        copies = []
        done = at
        while effort.left > 0 and (found := self._next(at, effort)) is not None:
            start, length, source = self._grown(*found, done)
            if length >= _SHORTEST:
                copies.append((start, length, source))
                at = done = start + length
            else:
                at = found[0] + 1
        return copies

    def _next(self, at: int, effort: Effort) -> tuple[int, int] | None:
        """The next place from ``at`` on where a block of the base is, and that block's."""
        target, find = self.target, self.blocks.get
        stop = min(self.end - BLOCK + 1, at + effort.left)
        for place in range(at, stop):
            source = find(target[place : place + BLOCK])
            if source is not None:
                effort.left -= place - at + _A_COPY
                return place, source
        effort.left -= max(0, stop - at)
        return None

    def _grown(self, at: int, source: int, done: int) -> tuple[int, int, int]:
        """The block's match, made as long as it goes from ``done`` on: place, length, place in the base."""
        base, target = self.base, self.target
        before = 0
        most = min(at - done, source)
        while before < most and target[at - before - 1] == base[source - before - 1]:
            before += 1
        length = before + _alike(base, source, target, at, min(len(base) - source, self.end - at))
        start, length = _aligned_start(target, at - before, length)
        return start, _aligned_end(target, start, length), source + start - at


def _alike(base: bytes, source: int, target: bytes, at: int, most: int) -> int:
    """How many bytes from ``source`` and from ``at`` are alike, at most ``most``."""
    alike, step = 0, 64
    while alike < most:
        size = min(step, most - alike)
        if base[source + alike : source + alike + size] == target[at + alike : at + alike + size]:
            alike += size
            step *= 2
        elif size == 1:
            break
        else:
            step, most = size // 2, min(most, alike + size)
    return alike


def _alike_back(base: bytes, target: bytes, most: int) -> int:
    """How many bytes at the ends are alike, at most ``most``."""
    alike, step = 0, 64
    ends, endt = len(base), len(target)
    while alike < most:
        size = min(step, most - alike)
        if base[ends - alike - size : ends - alike] == target[endt - alike - size : endt - alike]:
            alike += size
            step *= 2
        elif size == 1:
            break
        else:
            step, most = size // 2, min(most, alike + size)
    return alike


def _aligned_start(target: bytes, start: int, length: int) -> tuple[int, int]:
    """Without the rest of a character at the beginning."""
    for _ in range(3):
        if not length or start >= len(target) or target[start] & 0xC0 != 0x80:
            break
        start, length = start + 1, length - 1
    return start, length


def _aligned_end(target: bytes, start: int, length: int) -> int:
    """Without the beginning of a character at the end."""
    for _ in range(3):
        stop = start + length
        if not length or stop >= len(target) or target[stop] & 0xC0 != 0x80:
            break
        length -= 1
    return length


# ------------------------------------------------------------------------ numbers


def _literal(text: bytes) -> bytes:
    return _number(len(text)) + b":" + text


def _number(value: int) -> bytes:
    digits = b""
    while True:
        digits = _ALPHABET[value & 63 : (value & 63) + 1] + digits
        value >>= 6
        if not value:
            return digits


def _read(text: bytes, at: int) -> tuple[int, int]:
    """The number at ``at`` and where it ends."""
    value, begun = 0, at
    while at < len(text) and (digit := _VALUES.get(text[at])) is not None:
        value = value << 6 | digit
        at += 1
    if not begun < at <= begun + _DIGITS or value > _WORD:
        raise BadDelta("no number")
    return value, at


def _piece(data: bytes, start: int, length: int) -> bytes:
    if start + length > len(data):
        raise BadDelta("beyond the end")
    return data[start : start + length]
