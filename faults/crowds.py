"""Faults that clients make: they read slowly or not at all, come in storms, go all at once, know no password."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import jwt

from faults.running import Running
from faults.visitor import Away, Visitor

#: Of a publisher who wants an error as an HTTP status, not in the body of a 200.
AS_STATUS: Final = {"X-Centrifugo-Error-Mode": "transport"}
#: Newcomers a second. Twenty are a storm by the rules, and a lab's crowd is to be what its fault says.
RAMP: Final = 15.0
_STUBBORN: Final = 3.0  # seconds until a reader who was cut comes back
_STRANGE: Final = "the-secret-of-another-server-altogether"


@contextlib.asynccontextmanager
async def meanwhile(*works: Awaitable[None]) -> AsyncIterator[None]:
    """These run while the fault is held, and are cancelled then. What they raise is raised."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_as_coroutine(work)) for work in works]
        yield
        for task in running:
            task.cancel()


async def _as_coroutine(work: Awaitable[None]) -> None:
    await work


async def again_and_again(work: Callable[[], Awaitable[object]], a_second: float) -> None:
    """So often a second, at most; what a server refuses is refused."""
    while True:
        with contextlib.suppress(Away, OSError):
            await work()
        await asyncio.sleep(1 / a_second)


@contextlib.asynccontextmanager
async def behind(
    lab: Running, channel: str, *, readers: int, lag: int, size: int, a_second: float
) -> AsyncIterator[None]:
    """Readers of one channel that stay ``lag`` messages of ``size`` bytes behind its publisher."""
    visitors = [await Visitor.come(lab.port, lab.token(f"{channel}-{number}"), channel) for number in range(readers)]
    published = 0

    async def publish() -> None:
        nonlocal published
        while True:
            await asyncio.to_thread(lab.publish, channel, {"text": "x" * size})
            published += 1
            await asyncio.sleep(1 / a_second)

    async def read(visitor: Visitor) -> None:
        visitor.read_little()
        received = 0
        with contextlib.suppress(Away):  # who is too far behind is cut
            while True:
                if published - received > lag:
                    received += sum("push" in reply for reply in await visitor.read())
                else:
                    await asyncio.sleep(0.02)

    try:
        async with meanwhile(publish(), *map(read, visitors)):
            yield
    finally:
        for visitor in visitors:
            await visitor.leave()


@contextlib.asynccontextmanager
async def backend(lab: Running, a_second: float) -> AsyncIterator[None]:
    """A backend that publishes, and wants errors as HTTP statuses."""

    def publish() -> Awaitable[object]:
        return asyncio.to_thread(lab.publish, "backend", {"text": "hello"}, headers=AS_STATUS)

    async with meanwhile(again_and_again(publish, a_second)):
        yield


@contextlib.asynccontextmanager
async def talker(lab: Running, a_second: float) -> AsyncIterator[None]:
    """A client that hears what it publishes, two messages in a breath: the second waits for the loop's next turn."""
    visitor = await Visitor.come(lab.port, lab.token("talker"), "talk")
    number = 2

    async def talk() -> None:
        nonlocal number
        number += 2
        message = {"channel": "talk", "data": {"text": "hello"}}
        await visitor.ask({"id": number, "publish": message}, {"id": number + 1, "publish": message})

    try:
        async with meanwhile(again_and_again(talk, a_second)):
            yield
    finally:
        await visitor.leave()


@contextlib.asynccontextmanager
async def strangers(lab: Running, a_second: float) -> AsyncIterator[None]:
    """Clients whose tokens another server signed."""
    token = jwt.encode({"sub": "stranger"}, _STRANGE, "HS256")
    async with meanwhile(again_and_again(lambda: Visitor.come(lab.port, token), a_second)):
        yield


@contextlib.asynccontextmanager
async def crowd(
    lab: Running, people: int, *, a_second: float = RAMP, listens: bool = True, pongs_after: float = 0.0
) -> AsyncIterator[None]:
    """So many clients come, so many a second, and leave at once. They listen, or (not even to pings) do not."""
    visitors: list[Visitor] = []
    token, began = lab.token("crowd"), time.monotonic()
    try:
        async with asyncio.TaskGroup() as tasks:
            listening = []
            for number in range(people):
                visitor = await Visitor.come(lab.port, token, "crowd")
                visitors.append(visitor)
                visitor.pongs_after = pongs_after
                if listens:
                    listening.append(tasks.create_task(visitor.listen()))
                await asyncio.sleep(began + (number + 1) / a_second - time.monotonic())
            yield
            for each in listening:
                each.cancel()
    finally:
        for visitor in visitors:
            await visitor.leave()


@contextlib.asynccontextmanager
async def too_many(lab: Running, people: int, a_second: float) -> AsyncIterator[None]:
    """A crowd that nearly fills the house, and others who want to come in all the time."""
    token = lab.token("newcomer")

    async def come(tasks: asyncio.TaskGroup) -> None:
        visitor = await Visitor.come(lab.port, token)
        inside.append(visitor)
        listening.append(tasks.create_task(visitor.listen()))

    inside: list[Visitor] = []
    listening: list[asyncio.Task[None]] = []
    try:
        async with crowd(lab, people), asyncio.TaskGroup() as tasks:
            listening.append(tasks.create_task(again_and_again(lambda: come(tasks), a_second)))
            yield
            for each in listening:
                each.cancel()
    finally:
        for visitor in inside:
            await visitor.leave()


@contextlib.asynccontextmanager
async def storm(lab: Running, people: int, every: float) -> AsyncIterator[None]:
    """All lose their connection together, and come back at once, again and again."""

    async def blow() -> None:
        while True:
            async with crowd(lab, people, a_second=1000.0):
                await asyncio.sleep(every)

    async with meanwhile(blow()):
        yield


@contextlib.asynccontextmanager
async def stubborn(lab: Running, channel: str, *, readers: int, size: int, a_second: float) -> AsyncIterator[None]:
    """Readers who take nothing of large messages until they are cut, and come back."""

    async def publish() -> None:
        while True:
            await asyncio.to_thread(lab.publish, channel, {"text": "x" * size})
            await asyncio.sleep(1 / a_second)

    async def stop(token: str) -> None:
        while True:
            visitor = await Visitor.come(lab.port, token, channel)
            try:
                visitor.read_little()
                await asyncio.sleep(_STUBBORN)
            finally:
                await visitor.leave()

    async with meanwhile(publish(), *(stop(lab.token(f"{channel}-{number}")) for number in range(readers))):
        yield


@contextlib.asynccontextmanager
async def calls(lab: Running, a_second: float) -> AsyncIterator[None]:
    """A client that calls a method of the backend."""
    visitor = await Visitor.come(lab.port, lab.token("caller"))
    number = 1

    async def call() -> None:
        nonlocal number
        number += 1
        await visitor.ask({"id": number, "rpc": {"method": "lab", "data": {}}})

    try:
        async with meanwhile(again_and_again(call, a_second)):
            yield
    finally:
        await visitor.leave()
