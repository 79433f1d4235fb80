"""Faults of whole services: stopped, frozen, killed, deployed."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator

from faults.running import Running


@contextlib.asynccontextmanager
async def stopped(lab: Running, *names: str) -> AsyncIterator[None]:
    """As ``docker compose stop``."""
    for name in names:
        await asyncio.to_thread(lab.stack.stop_service, name)
    try:
        yield
    finally:
        for name in names:
            await asyncio.to_thread(lab.stack.start_service, name)


@contextlib.asynccontextmanager
async def frozen(lab: Running, name: str) -> AsyncIterator[None]:
    """It is there, accepts connections, and does nothing."""
    lab.stack.signal(name, signal.SIGSTOP)
    try:
        yield
    finally:
        lab.stack.signal(name, signal.SIGCONT)


@contextlib.asynccontextmanager
async def killed(lab: Running, name: str, away: float) -> AsyncIterator[None]:
    """Killed with -9, and started anew some seconds later, as a supervisor does."""
    await asyncio.to_thread(lab.stack.stop_service, name, signal.SIGKILL)
    await asyncio.sleep(away)
    await asyncio.to_thread(lab.stack.start_service, name)
    yield


@contextlib.asynccontextmanager
async def deployed(lab: Running, name: str) -> AsyncIterator[None]:
    """Stopped in order, and started again at once."""
    await asyncio.to_thread(lab.stack.stop_service, name)
    await asyncio.to_thread(lab.stack.start_service, name)
    yield
