"""Pure: every connection that began is open, or has ended for a cause we know. All else is a fault of ours."""

from typing import Final

from service.protocol.closing import CAUSES

KNOWN: Final = tuple(cause for cause in CAUSES if cause != "unknown")


class CloseLedger:
    """Counts both ends apart from each other: the beginning where the socket is handed over, the end with its story."""

    __slots__ = ("closed", "opened")

    def __init__(self) -> None:
        self.opened = 0
        self.closed = dict.fromkeys(KNOWN, 0)

    def begin(self) -> None:
        """A connection is given its socket."""
        self.opened += 1

    def end(self, cause: str) -> None:
        """Its story is told; a cause that says nothing accounts for nothing."""
        if cause in self.closed:
            self.closed[cause] += 1

    def unaccounted(self, open_now: int) -> int:
        """0, or something is wrong: above, connections vanished or ended without a cause; below, some ended twice."""
        return self.opened - open_now - sum(self.closed.values())
