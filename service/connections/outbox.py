"""What one slow peer has not taken yet: frames in order, bounded in bytes and in age. A connection has one only while it needs one."""

from collections import deque
from dataclasses import dataclass
from typing import Literal, NamedTuple


@dataclass(frozen=True, slots=True)
class OutboxSettings:
    """How far a peer may lag before it is disconnected (3008) and resumes by recovery."""

    max_bytes: int = 1024 * 1024  # Centrifugo's client.queue_max_size
    max_age: float = 25.0  # seconds; below TCP_USER_TIMEOUT, so that we say why before the kernel cuts


class Frame(NamedTuple):
    """One write's worth: bytes, loop time when they were accepted, how many messages, and what their owner wants to know again."""

    data: bytes
    accepted_at: float
    messages: int
    trace: object


class Full(NamedTuple):
    """The peer lags too far."""

    by: Literal["bytes", "age"]


_BYTES, _AGE = Full("bytes"), Full("age")


class Outbox:
    """A queue of frames of which the first may be partly written. ``size`` bytes and ``messages`` are unsent."""

    __slots__ = ("_frames", "_settings", "_written", "messages", "size")

    def __init__(self, settings: OutboxSettings) -> None:
        self._settings = settings
        self._frames: deque[Frame] = deque()
        self._written = 0  # bytes of the first frame that are out
        self.size = 0
        self.messages = 0

    def __len__(self) -> int:
        return len(self._frames)

    def offer(
        self,
        data: bytes,
        accepted_at: float,
        messages: int,
        trace: object = None,
        *,
        written: int = 0,
        now: float = 0.0,
    ) -> Full | None:
        """Keep a frame; an answer means that it was *not* kept and the connection has to go.

        Args:
            data: the whole frame.
            accepted_at: loop time at which its message was accepted.
            messages: how many messages it carries.
            trace: given back by ``wrote``.
            written: bytes of it that are out already; only for the first frame of an empty box.
            now: loop time, to judge the age of what is waiting; 0 leaves that to ``overdue``.

        """
        raise NotImplementedError

    def overdue(self, now: float) -> Full | None:
        """Whether the oldest frame waits for longer than allowed."""
        raise NotImplementedError

    def oldest(self) -> float:
        """Loop time at which the oldest unsent frame was accepted; inf when nothing waits."""
        raise NotImplementedError

    def deadline(self) -> float:
        """When ``overdue`` begins to complain, loop time; inf when nothing waits."""
        raise NotImplementedError

    def peek(self, limit: int) -> bytes:
        """The next unsent bytes, many frames in one piece: whole frames up to ``limit`` bytes, at least one; empty when none waits."""
        raise NotImplementedError

    def wrote(self, count: int) -> list[Frame]:
        """The peer's socket took ``count`` bytes of what ``peek`` showed; the frames that are out completely now."""
        raise NotImplementedError

    def clear(self) -> list[Frame]:
        """Give up: everything that was not sent completely."""
        raise NotImplementedError
