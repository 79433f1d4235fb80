"""What one slow peer has not taken yet, in order, bounded in bytes and in age.

A connection has one only while it needs one. A full outbox is an answer, no exception: the connection is closed with
3008 and the client resumes by recovery.
"""

from collections import deque
from dataclasses import dataclass
from math import inf
from typing import Literal, Protocol

Full = Literal["bytes", "age"]
"""Why a peer lags too far; the close cause is ``slow_`` with it."""


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """How far a peer may lag."""

    max_bytes: int = 1024 * 1024  # Centrifugo's client.queue_max_size
    max_age: float = 25.0  # seconds; below TCP_USER_TIMEOUT, so that we say why before the kernel cuts


class Counted(Protocol):
    """What was to be sent; given back when it is out."""

    messages: int


class Outbox:
    """A queue of frames. ``size`` bytes and ``messages`` wait."""

    __slots__ = ("_frames", "_settings", "messages", "size")

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._frames: deque[tuple[bytes, Counted, float]] = deque()
        self.size = 0
        self.messages = 0

    def __len__(self) -> int:
        return len(self._frames)

    def offer(self, data: bytes, batch: Counted, now: float) -> Full | None:
        """Keep a frame; an answer means that it was *not* kept and the connection has to go.

        Args:
            data: what is to be written, shared with other outboxes.
            batch: its messages and whatever else its owner wants to know when it is out.
            now: loop time; the frame's age counts from here.

        """
        if self.size + len(data) > self._settings.max_bytes:
            return "bytes"
        if now >= self.deadline():
            return "age"
        self._frames.append((data, batch, now))
        self.size += len(data)
        self.messages += batch.messages
        return None

    def take(self, limit: int) -> tuple[bytes, list[tuple[Counted, float]]]:
        """Take out whole frames for one write, up to ``limit`` bytes but at least one; for each its batch and time."""
        frames = self._frames
        parts: list[bytes] = []
        batches: list[tuple[Counted, float]] = []
        room = limit
        while frames and (not parts or len(frames[0][0]) <= room):
            data, batch, since = frames.popleft()
            room -= len(data)
            self.messages -= batch.messages
            parts.append(data)
            batches.append((batch, since))
        taken = parts[0] if len(parts) == 1 else b"".join(parts)
        self.size -= len(taken)
        return taken, batches

    def oldest(self) -> float:
        """Loop time since when the first frame waits; inf when none does."""
        return self._frames[0][2] if self._frames else inf

    def deadline(self) -> float:
        """Loop time at which the first frame is too old; inf when none waits."""
        return self.oldest() + self._settings.max_age

    def overdue(self, now: float) -> Full | None:
        """The verdict on the age of what waits."""
        return "age" if now >= self.deadline() else None
