"""How long a coroutine holds the event loop: each piece between two suspensions, measured from inside."""

import time
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Steps:
    """The pieces of the coroutines that were watched, in milliseconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """The same without what others on the machine took of our core meanwhile."""

    def clear(self) -> None:
        """Begin anew."""
        self.wall.clear()
        self.cpu.clear()


def watched(method: Callable[..., Coroutine[Any, Any, Any]], steps: Steps) -> Callable[..., Any]:
    """The same method, every call of which is measured."""

    async def measured(*given: Any) -> Any:
        return await _Watched(method(*given), steps)

    return measured


class _Watched:
    def __init__(self, coroutine: Coroutine[Any, Any, Any], steps: Steps) -> None:
        self._coroutine, self._steps = coroutine, steps

    def __await__(self) -> Generator[Any, Any, Any]:
        pieces = self._coroutine.__await__()
        answer = None
        while True:
            wall, cpu = time.perf_counter(), time.thread_time()
            try:
                asked = pieces.send(answer)
            except StopIteration as end:
                return end.value
            finally:
                self._steps.wall.append(1000 * (time.perf_counter() - wall))
                self._steps.cpu.append(1000 * (time.thread_time() - cpu))
            answer = yield asked
