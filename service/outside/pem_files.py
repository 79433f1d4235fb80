"""Files that may be replaced while we run: have they been, and are they whole?"""

from pathlib import Path

from service.outside.pem import BEGIN


class PemFiles:
    """Of some options: paths, or texts, which never change. Look at them at a steady pace, once a second."""

    __slots__ = ("_read", "_seen", "_values")

    def __init__(self, *values: str) -> None:
        """They are read now."""
        self._values = values
        self._seen = self._read = self._signature()

    def changed(self) -> bool:
        """Whether to read them again: they are others than those that were read, and the same at two looks."""
        found = self._signature()
        changed, self._seen = found != self._read and found == self._seen, found
        return changed

    def read(self) -> None:
        """They are read again, whatever comes of it."""
        self._seen = self._read = self._signature()

    def _signature(self) -> tuple[object, ...]:
        """What changes when a file is replaced."""
        found: list[object] = []
        for value in self._values:
            if value and BEGIN not in value:
                try:
                    told = Path(value).stat()
                except (OSError, ValueError):
                    found.append(None)
                else:
                    found.append((told.st_mtime_ns, told.st_size, told.st_ino))
        return tuple(found)
