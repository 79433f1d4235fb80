"""Commands that wait because a question is open: bounded by count and bytes, in that reading pauses above the bound."""

from collections import deque
from typing import NamedTuple

from service.protocol.closing import Closing
from service.protocol.messages import Command


class Waiting(NamedTuple):
    """A command, or what to close with once all before it is answered."""

    what: Command | Closing
    size: int


class Inbox:
    """A queue that says when to pause and when to resume. What comes all the same is kept."""

    __slots__ = ("_bytes", "_most_bytes", "_most_commands", "_queue", "paused")

    def __init__(self, most_commands: int, most_bytes: int) -> None:
        self._queue: deque[Waiting] = deque()
        self._bytes = 0
        self._most_commands = most_commands
        self._most_bytes = most_bytes
        self.paused = False

    def __len__(self) -> int:
        return len(self._queue)

    def put(self, what: Command | Closing, size: int) -> bool:
        """Keep it; True when reading has to pause now."""
        self._queue.append(Waiting(what, size))
        self._bytes += size
        full = len(self._queue) > self._most_commands or self._bytes > self._most_bytes
        if not full or self.paused:
            return False
        self.paused = True
        return True

    def take(self) -> Command | Closing:
        """The next one; there must be one."""
        waiting = self._queue.popleft()
        self._bytes -= waiting.size
        return waiting.what

    def relieved(self) -> bool:
        """True, once, when a pause can end: no more than half of the bounds is used."""
        if not self.paused or len(self._queue) > self._most_commands // 2 or self._bytes > self._most_bytes // 2:
            return False
        self.paused = False
        return True
