"""A line to another server for one kind of question: breaker, bulkhead, tries, and one budget of time a call."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import random
from typing import TypeVar

from observability import names
from observability.names import Figure
from observability.observers.outside import OutsideCall, OutsideObserver
from service.outside.breaker import Breaker, BreakerSettings, State
from service.outside.bulkhead import Bulkhead, BulkheadSettings, Overloaded
from service.outside.failures import OutsideFailed
from service.outside.retry import RetrySettings, limit_of_a_try, pause_before

T = TypeVar("T")

Attempt = Callable[[float], Awaitable[T]]
"""One try; its argument is the seconds that it may take. Raises ``OutsideFailed``."""


@dataclass(frozen=True, slots=True)
class LineSettings:
    """All that bounds a call."""

    budget: float = 1.0  # seconds for everything: waiting, tries and pauses
    breaker: BreakerSettings = BreakerSettings()
    bulkhead: BulkheadSettings = BulkheadSettings()
    retry: RetrySettings = RetrySettings()


class Line:
    """One for each server and kind of question, so that a slow one holds up none of the others."""

    __slots__ = ("_breaker", "_bulkhead", "_now", "_observe", "_random", "_settings", "dependency", "kind")

    def __init__(
        self,
        dependency: str,
        kind: str,
        settings: LineSettings,
        observe: OutsideObserver,
        *,
        now: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = random,
    ) -> None:
        """Nothing is asked yet.

        Args:
            dependency: the server's name in the configuration; a label.
            kind: one of ``names.OUTSIDE_KINDS``; a label.
            settings: the bounds.
            observe: hears of each call.
            now: a clock in seconds.
            random: draws from [0, 1).

        """
        self.dependency = dependency
        self.kind = kind
        self._settings = settings
        self._observe = observe
        self._now = now
        self._random = random
        self._breaker = Breaker(settings.breaker)
        self._bulkhead = Bulkhead(settings.bulkhead)

    async def call(self, call: OutsideCall, attempt: Attempt[T]) -> T:
        """The answer of the first try that has one.

        Args:
            call: from ``OutsideObserver.calling``; its end is told.
            attempt: one try.

        Raises:
            OutsideFailed: there is none; ``breaker_open`` and ``overloaded`` at once.

        """
        try:
            answer = await self._within_budget(call, attempt)
        except OutsideFailed as failure:
            self._observe.called(call, failure.result, str(failure), failure.status)
            raise
        except asyncio.CancelledError:
            self._observe.called(call, "abandoned")
            raise
        self._observe.called(call, "done")
        return answer

    async def _within_budget(self, call: OutsideCall, attempt: Attempt[T]) -> T:
        until = self._now() + self._settings.budget
        if self._breaker.refuses(self._now()):
            raise _left_alone()
        await self._place()
        try:
            return await self._tries(call, attempt, until)
        finally:
            self._bulkhead.leave()

    async def _place(self) -> None:
        try:
            async with asyncio.timeout(self._settings.budget):
                await self._bulkhead.enter()
        except TimeoutError:
            raise OutsideFailed("timeout", "the time was over before there was a place to call from") from None
        except Overloaded:
            raise OutsideFailed("overloaded", "too many calls are waiting already") from None

    async def _tries(self, call: OutsideCall, attempt: Attempt[T], until: float) -> T:
        settings = self._settings
        while True:
            limit = limit_of_a_try(settings.retry, settings.budget, until - self._now())
            try:
                return await self._once(call, attempt, limit)
            except OutsideFailed as failure:
                pause = pause_before(settings.retry, call.tries, until - self._now(), self._random)
                if pause is None or not failure.passing or self._breaker.refuses(self._now()):
                    raise
            await asyncio.sleep(pause)
            self._observe.retried(call)

    async def _once(self, call: OutsideCall, attempt: Attempt[T], limit: float) -> T:
        breaker = self._breaker
        ticket, before = breaker.permit(self._now()), breaker.state
        if not ticket:
            raise _left_alone()
        call.tries += 1
        try:
            answer = await _in_time(attempt, limit)
        except OutsideFailed as failure:
            (breaker.failed if failure.theirs else breaker.succeeded)(ticket, self._now())
            raise
        except asyncio.CancelledError:
            breaker.abandoned(ticket)
            raise
        else:
            breaker.succeeded(ticket, self._now())
            return answer
        finally:
            self._tell(before)

    def _tell(self, before: State) -> None:
        after = self._breaker.state
        if after is before:
            return
        if after is State.OPEN:
            self._observe.breaker_opened(self.dependency, self.kind)
        elif after is State.CLOSED:
            self._observe.breaker_closed(self.dependency, self.kind)

    def figures(self) -> Iterator[Figure]:
        """What a scrape shows of this line."""
        labels = (self.dependency, self.kind)
        yield Figure(names.OUTSIDE_RUNNING.name, labels, self._bulkhead.running)
        yield Figure(names.OUTSIDE_WAITING.name, labels, self._bulkhead.waiting)
        for state in State:
            yield Figure(names.BREAKER_STATE.name, (*labels, state.value), int(self._breaker.state is state))


async def _in_time(attempt: Attempt[T], limit: float) -> T:
    try:
        async with asyncio.timeout(limit):
            return await attempt(limit)
    except TimeoutError:
        raise OutsideFailed("timeout", f"nothing within {limit:.3g} s") from None


def _left_alone() -> OutsideFailed:
    return OutsideFailed("breaker_open", "too many calls failed of late: nobody is asked for a while")
