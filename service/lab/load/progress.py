"""What a person sees while a load runs: a table that moves on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Any, Final, Protocol, Self, TextIO

EVERY: Final = 10.0  # seconds between two plain lines
_SHOWN: Final = ("ready", "published", "delivered", "told", "duplicated", "reordered", "reconnects")


class Progress(Protocol):
    """Shown from ``with`` to its end."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, phase: str, now: dict[str, Any]) -> None:
        """Where things stand; ``now`` has the sums of ``Worker.now`` and the server's ``rss``."""


def progress(stream: TextIO = sys.stderr) -> Progress:
    """For this stream: rich when it is a terminal."""
    return Table(stream) if stream.isatty() else Lines(stream)


class Lines:
    """One line at each change of phase, and every ten seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._phase = ""
        self._next = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing has to be put back."""

    def show(self, phase: str, now: dict[str, Any]) -> None:
        """See ``Progress.show``."""
        if phase == self._phase and time.monotonic() < self._next:
            return
        self._phase, self._next = phase, time.monotonic() + EVERY
        said = " ".join(f"{name} {now.get(name, 0):,}" for name in _SHOWN)
        self._stream.write(f"load: {phase}: {said}{_memory(now)}\n")
        self._stream.flush()


class Table:
    """Figures that move."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._live = Live(console=Console(file=stream), refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, phase: str, now: dict[str, Any]) -> None:
        """See ``Progress.show``."""
        from rich.table import Table as RichTable

        table = RichTable(title=f"heliograph load: {phase}{_memory(now)}", title_justify="left")
        for name in _SHOWN:
            table.add_column(name, justify="right")
        table.add_row(*(f"{now.get(name, 0):,}" for name in _SHOWN))
        self._live.update(table)


def _memory(now: dict[str, Any]) -> str:
    rss = now.get("rss")
    return f"; server {rss / 2**20:.0f} MiB" if rss else ""
