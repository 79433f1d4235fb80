"""So many calls a minute, and what happens above it. Pure."""

from collections import deque
from typing import Final

MINUTE: Final = 60.0


class Rate:
    """The last minute's calls."""

    def __init__(self, limit: float, mute: float = 0.0) -> None:
        """``limit``: calls a minute, 0 for no limit; ``mute``: seconds in which nothing is taken after one too many."""
        self.limit = limit
        self._mute = mute
        self._calls: deque[float] = deque()
        self._until = float("-inf")

    def allows(self, now: float) -> bool:
        """Whether one more call may pass; when it does it counts."""
        while self._calls and self._calls[0] <= now - MINUTE:
            self._calls.popleft()
        if now < self._until:
            return False
        if self.limit and len(self._calls) >= self.limit:
            self._until = now + self._mute
            return False
        self._calls.append(now)
        return True
