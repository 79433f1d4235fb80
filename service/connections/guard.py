"""The upgrade's own chain: a step that is late or raises costs its own budget, never the upgrade.

The exception is a refusal: a middleware that answers itself, or raises one of aiohttp's HTTP errors, is obeyed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from service.connections.errands import Errands

STEP_BUDGET = 0.05  # seconds; an upgrade as a whole takes some 0.2 ms


class Skips(Protocol):
    """Who is told of a step that did not do its part."""

    def step_skipped(self, step: str, how: str) -> None:
        """``how`` is "late" or "raised"."""


async def within(step: str, work: Awaitable[None], skips: Skips, budget: float = STEP_BUDGET) -> None:
    """Give ``work`` its budget in seconds; too late or raising it is skipped and counted."""
    try:
        async with asyncio.timeout(budget):
            await work
    except TimeoutError:
        skips.step_skipped(step, "late")
    except Exception:  # noqa: BLE001 - whatever it raises, the upgrade goes on
        skips.step_skipped(step, "raised")


def guarded(
    middleware: Middleware,
    is_upgrade: Callable[[web.Request], bool],
    errands: Errands,
    skips: Skips,
    budget: float = STEP_BUDGET,
) -> Middleware:
    """A middleware that works as it is on HTTP routes, and within a budget in front of an upgrade.

    What it does before its handler is waited for, at most ``budget`` seconds; what it does after may run on for as long
    again and cannot change the 101 that is out.
    """
    name = step_name(middleware)

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_upgrade(request):
            return await middleware(request, handler)
        return await _Guarded(name, errands, skips, budget).run(middleware, request, handler)

    return guard


def step_name(middleware: Middleware) -> str:
    """What a middleware is called in counters and logs."""
    return str(getattr(middleware, "__name__", type(middleware).__name__))


class _Guarded:
    """One run of one middleware in front of one upgrade."""

    def __init__(self, name: str, errands: Errands, skips: Skips, budget: float) -> None:
        self._name = name
        self._errands = errands
        self._skips = skips
        self._budget = budget
        self._entered = asyncio.get_running_loop().create_future()
        self._answer: asyncio.Future[web.StreamResponse] = asyncio.get_running_loop().create_future()

    async def run(self, middleware: Middleware, request: web.Request, handler: Handler) -> web.StreamResponse:
        task = self._errands.run(f"middleware {self._name}", middleware(request, self._step), self._ended)
        if task is None:
            self._skips.step_skipped(self._name, "late")
            return await handler(request)
        await asyncio.wait((self._entered,), timeout=self._budget)
        if not self._entered.done():
            self._skips.step_skipped(self._name, "late")
            task.cancel()
            return await handler(request)
        refusal: web.StreamResponse | None = self._entered.result()
        if refusal is not None:
            return refusal
        response = await handler(request)
        if not self._answer.done():
            self._answer.set_result(response)
            asyncio.get_running_loop().call_later(self._budget, task.cancel)
        return response

    async def _step(self, _request: web.Request) -> web.StreamResponse:
        if not self._entered.done():
            self._entered.set_result(None)
        return await self._answer

    def _ended(self, outcome: web.StreamResponse | BaseException) -> None:
        if self._entered.done():
            if isinstance(outcome, BaseException):
                self._skips.step_skipped(self._name, "raised")
        elif isinstance(outcome, web.HTTPException):
            self._entered.set_exception(outcome)
        elif isinstance(outcome, BaseException):
            self._skips.step_skipped(self._name, "raised")
            self._entered.set_result(None)
        else:
            self._entered.set_result(outcome)
