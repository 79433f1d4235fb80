"""Files that may be replaced while we run: what was made of them is made again when they have been, and are whole."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from service.outside.pem import BEGIN, BadCertificate

LOOK: Final = 1.0  # seconds between two looks


class PemFiles:
    """Of some options: paths, or texts, which never change."""

    __slots__ = ("_looked", "_read", "_refused", "_seen", "_take", "_values")

    def __init__(self, take: Callable[[], None], refused: Callable[[str], None], *values: str) -> None:
        """They are taken now.

        Args:
            take: reads them and uses them from now on, or raises ``BadCertificate``.
            refused: told in a sentence what is wrong with new ones; the old ones stay in use.
            values: the options.

        Raises:
            BadCertificate: they cannot be used.

        """
        self._take = take
        self._refused = refused
        self._values = values
        self._seen = self._read = self._signature()
        self._looked = 0.0
        take()

    def look(self, now: float) -> None:
        """Take them again when others are there, and the same at two looks; each second at most, however often called.

        Args:
            now: loop time.

        """
        if now - self._looked < LOOK:
            return
        self._looked = now
        found = self._signature()
        changed, self._seen = found != self._read and found == self._seen, found
        if changed:
            self.reload()

    def reload(self) -> None:
        """Take them again; what cannot be used changes nothing, and is told."""
        self._seen = self._read = self._signature()
        try:
            self._take()
        except BadCertificate as bad:
            self._refused(f"{bad.option}: {bad}")

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
