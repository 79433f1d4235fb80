"""Pure: when what waits for slow readers becomes too much for the process, who goes first?

Bounds by connection do not bound the sum: ten thousand readers that stop at once hold ten thousand outboxes. At a share
of the total cap the largest go, so that the fewest are harmed; they come back and recover.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nlargest
from typing import Final, TypeVar

ALARM: Final = 0.8  # of the cap: shedding begins before the cap is reached, since it takes a moment
TARGET: Final = 0.7  # of the cap: and goes on until so much is left, else it would begin again at once
AT_ONCE: Final = 64  # connections in one turn of the loop

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PressureSettings:
    """The bytes that may wait for all readers together, frames that many wait for counted once."""

    cap: int = 512 * 1024 * 1024  # half of a small container's memory; 0: no limit


def surplus(held: int, settings: PressureSettings) -> int:
    """Bytes that have to go; 0 while all is well.

    Args:
        held: bytes in outboxes (shared frames once) and in the kernel's send buffers.
        settings: the cap.

    """
    if not settings.cap or held <= ALARM * settings.cap:
        return 0
    return int(held - TARGET * settings.cap)


def first_to_go(sizes: Iterable[tuple[int, T]], wanted: int) -> list[T]:
    """The largest, until ``wanted`` bytes are together, at most ``AT_ONCE`` of them; none that holds nothing."""
    chosen: list[T] = []
    for size, each in nlargest(AT_ONCE, sizes, key=lambda pair: pair[0]):
        if wanted <= 0 or not size:
            break
        chosen.append(each)
        wanted -= size
    return chosen
