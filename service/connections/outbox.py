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
    """What was to be sent; given back when it is out.

    ``conflates`` is the channel whose newest frame is enough, or "".
    """

    messages: int
    conflates: str


class Frame:
    """One that waits; without a batch it was displaced and is nothing any more."""

    __slots__ = ("batch", "data", "since")

    def __init__(self, data: bytes, batch: Counted, since: float) -> None:
        self.data = data
        self.batch: Counted | None = batch
        self.since = since


class Outbox:
    """A queue of frames. ``size`` bytes and ``messages`` wait."""

    __slots__ = ("_displaced", "_frames", "_newest", "_settings", "messages", "size")

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._frames: deque[Frame] = deque()
        self._newest: dict[str, Frame] | None = None  # of each channel that conflates
        self._displaced = 0  # frames that are nothing any more
        self.size = 0
        self.messages = 0

    def __len__(self) -> int:
        return len(self._frames) - self._displaced

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
        frame = Frame(data, batch, now)
        self._frames.append(frame)
        self.size += len(data)
        self.messages += batch.messages
        if batch.conflates:
            if self._newest is None:
                self._newest = {}
            self._newest[batch.conflates] = frame
        return None

    def displace(self, channel: str) -> tuple[int, Counted] | None:
        """Take out the frame of this channel that a newer one replaces: its bytes and batch; None when none waits."""
        frame = self._newest.pop(channel, None) if self._newest is not None else None
        if frame is None or frame.batch is None:
            return None
        taken = len(frame.data), frame.batch
        self.size -= taken[0]
        self.messages -= taken[1].messages
        frame.data, frame.batch = b"", None
        self._displaced += 1
        if self._displaced > 32 and 2 * self._displaced > len(self._frames):
            self._frames = deque(each for each in self._frames if each.batch is not None)
            self._displaced = 0
        self._skip()
        return taken

    def take(self, limit: int) -> tuple[bytes, list[tuple[Counted, float]]]:
        """Take out whole frames for one write, up to ``limit`` bytes but at least one; for each its batch and time."""
        frames = self._frames
        parts: list[bytes] = []
        batches: list[tuple[Counted, float]] = []
        room = limit
        while frames and (not parts or len(frames[0].data) <= room):
            frame = frames.popleft()
            batch = frame.batch
            if batch is None:
                self._displaced -= 1
                continue
            room -= len(frame.data)
            self.messages -= batch.messages
            parts.append(frame.data)
            batches.append((batch, frame.since))
            if batch.conflates and self._newest is not None:
                self._newest.pop(batch.conflates, None)
        self._skip()
        taken = parts[0] if len(parts) == 1 else b"".join(parts)
        self.size -= len(taken)
        return taken, batches

    def _skip(self) -> None:
        """The first frame is one that waits: its age counts."""
        while self._frames and self._frames[0].batch is None:
            self._frames.popleft()
            self._displaced -= 1

    def oldest(self) -> float:
        """Loop time since when the first frame waits; inf when none does."""
        return self._frames[0].since if self._frames else inf

    def deadline(self) -> float:
        """Loop time at which the first frame is too old; inf when none waits."""
        return self.oldest() + self._settings.max_age

    def overdue(self, now: float) -> Full | None:
        """The verdict on the age of what waits."""
        return "age" if now >= self.deadline() else None
