"""Waiting for what somebody else brings about; the clock only bounds it."""

import asyncio
from collections.abc import Callable


async def until(done: Callable[[], object], seconds: float = 10.0) -> None:
    """Looks again and again, on this loop."""
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.01)


async def until_told(ask: Callable[[], object], seconds: float = 10.0) -> None:
    """Asks again and again, beside this loop: the question takes its time."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(ask):
            await asyncio.sleep(0.05)
