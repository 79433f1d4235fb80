"""An input as dice: each byte of it decides something, so that a mutation changes one decision and not the syntax."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Reads an input from its beginning; at its end every throw is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def throw(self) -> int:
        """0 to 255."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def pick(self, among: Sequence[T]) -> T:
        return among[self.throw() % len(among)]

    def chance(self, one_in: int) -> bool:
        return self.throw() % one_in == 1

    def bytes(self, most: int) -> bytes:
        """As many bytes as a throw says, as they stand in the input."""
        count = self.throw() % (most + 1)
        self._at += count
        return self._data[self._at - count : self._at]

    def rest(self) -> bytes:
        at, self._at = self._at, len(self._data)
        return self._data[at:]

    def object(self, keys: Sequence[bytes], atoms: Sequence[bytes], most: int = 8, depth: int = 0) -> bytes:
        """A JSON object of these keys, mostly with these values; now and then with whatever stands in the input."""
        pairs = [
            b'"%s":%s' % (self.pick(keys), self.value(keys, atoms, depth)) for _ in range(self.throw() % (most + 1))
        ]
        return b"{%s}" % b",".join(pairs)

    def value(self, keys: Sequence[bytes], atoms: Sequence[bytes], depth: int) -> bytes:
        kind = self.throw() % 16
        if kind == 0:
            return self.bytes(12)
        if kind == 1 and depth < 6:
            return self.object(keys, atoms, 3, depth + 1)
        if kind == 2 and depth < 6:
            return b"[%s]" % b",".join(self.value(keys, atoms, depth + 1) for _ in range(self.throw() % 4))
        return self.pick(atoms)
