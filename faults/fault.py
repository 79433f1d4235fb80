"""What a fault is: how it breaks the running stack, which alerts must find it, and where to look."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from faults import services
from faults.running import Running

Breaking: TypeAlias = Callable[[Running], AbstractAsyncContextManager[None]]
"""Entered it breaks, left it heals."""

#: The latest trace with an error.
ERRORS: Final = "errors"
#: Why a budget's alert stays.
BURNT: Final = "what is burnt of a budget counts for hours, minutes of the lab"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong. All alerts that are named nowhere in it must stay silent."""

    name: str  # as ``make lab FAULT=`` takes it
    what: str  # one sentence: what is broken
    breaks: Breaking
    fires: tuple[str, ...]  # the alerts that must find it
    look: str  # one sentence: what shows the cause
    board: str = "overview"
    trace: str = ""  # what leads to a trace that shows it: ERRORS, or a histogram's exemplars; "" where none does
    afterwards: tuple[str, ...] = ()  # alerts that must fire, but later: they tell what follows, or of the healing
    may: Mapping[str, str] = field(default_factory=dict)  # alerts that may fire -> why that is not for certain
    behind: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of ``fires``: who may keep it back
    unheard: Mapping[str, str] = field(default_factory=dict)  # of ``fires``: need not reach the inbox -> why
    stays: Mapping[str, str] = field(default_factory=dict)  # may fire on long after -> why
    lasts: float = 25.0  # seconds it is held at least: silence needs as long as the longest window of the lab


def ordered(name: str, size: float) -> Breaking:
    """A fault inside the server, the pager, or those whom they ask."""

    @contextlib.asynccontextmanager
    async def breaks(lab: Running) -> AsyncIterator[None]:
        with lab.ordered(name, size):
            yield

    return breaks


def all_of(*several: Breaking) -> Breaking:
    """Several at once."""

    @contextlib.asynccontextmanager
    async def breaks(lab: Running) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            for each in several:
                await stack.enter_async_context(each(lab))
            yield

    return breaks


def stopped(*names: str) -> Breaking:
    """Services that are away."""
    return lambda lab: services.stopped(lab, *names)
