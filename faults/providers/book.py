"""What the providers took and what they refused; and what they are told to do wrong first."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

T = TypeVar("T")
PATIENCE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that a provider has taken: it is on somebody's screen."""

    provider: str
    to: tuple[str, ...]  # who is reached or mentioned, as the provider knows them
    text: str
    at: float  # seconds since the epoch
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that a provider did not take."""

    provider: str
    code: int
    why: str
    at: float
    ordered: bool  # it was told to, whatever the call was like


class Book:
    """May be used from several threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._news = threading.Condition()
        self._taken: list[Taken] = []
        self._refused: list[Refusal] = []
        self._troubles: defaultdict[str, deque[Any]] = defaultdict(deque)
        self._held: set[str] = set()

    # --------------------------------------------------------------- what providers write

    def take(self, provider: str, to: tuple[str, ...], text: str, body: Mapping[str, Any]) -> None:
        """One more message."""
        with self._news:
            self._taken.append(Taken(provider, to, text, self.clock(), body))
            self._news.notify_all()

    def refuse(self, provider: str, code: int, why: str, *, ordered: bool = False) -> None:
        """One more call that was refused."""
        with self._news:
            self._refused.append(Refusal(provider, code, why, self.clock(), ordered))
            self._news.notify_all()

    def trouble(self, provider: str) -> Any:
        """What the next call is to be answered with, None for nothing."""
        with self._news:
            waiting = self._troubles[provider]
            return waiting.popleft() if waiting else None

    def holds(self, provider: str) -> bool:
        """Whether answers of a provider are held back now."""
        return provider in self._held

    # ---------------------------------------------------------------- what tests ask and order

    def trouble_first(self, provider: str, *answers: Any) -> None:
        """The next calls are answered so, one after the other, whatever they are like."""
        with self._news:
            self._troubles[provider].extend(answers)

    @contextmanager
    def held(self, *providers: str) -> Iterator[None]:
        """Messages are taken and their answers are not given, meanwhile."""
        self._held.update(providers)
        try:
            yield
        finally:
            self._held.difference_update(providers)

    @property
    def taken(self) -> list[Taken]:
        """All that was taken, in its order."""
        with self._news:
            return list(self._taken)

    @property
    def refused(self) -> list[Refusal]:
        """All that was refused, in its order."""
        with self._news:
            return list(self._refused)

    @property
    def complaints(self) -> list[Refusal]:
        """What was refused since it was wrong; not what was ordered."""
        return [each for each in self.refused if not each.ordered]

    def until(self, ask: Callable[["Book"], T], patience: float = PATIENCE) -> T:
        """Asks at each entry until the answer is true, and gives it; AssertionError when it takes too long."""
        end = time.monotonic() + patience
        with self._news:
            while not (answer := ask(self)):
                left = end - time.monotonic()
                assert left > 0, f"after {patience:.0f} s: {answer!r:.300}; {self._told()}"
                self._news.wait(left)
            return answer

    def _told(self) -> str:
        lines = [f"{each.provider} took {each.text[:60]!r} for {each.to}" for each in self._taken[-20:]]
        lines += [f"{each.provider} refused: {each.code} {each.why}" for each in self._refused[-20:]]
        return "\n".join(lines) or "nothing was taken or refused"
