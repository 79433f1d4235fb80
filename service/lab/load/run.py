"""A load from beginning to end: worker processes are started, told what to do, listened to and added up."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from service.lab.load.knocking import knock
from service.lab.load.plan import Plan
from service.lab.load.progress import Progress
from service.lab.load.report import Account
from service.lab.load.server_figures import Watch

LINE: Final = 256 * 1024 * 1024  # bytes of a worker's longest line: all that its users lack
STARTING: Final = 30.0  # seconds beyond the planned arrivals until publishing begins without those who are not there
SILENT: Final = 30.0  # seconds without a word of a worker, who tells four times a second
DYING: Final = 5.0


class Failed(Exception):  # noqa: N818 - says what happened
    """There is no load to tell of; the text says why, in a sentence."""


class Process:
    """One worker."""

    def __init__(self, plan: Plan, number: int, workers: int, tokens: Sequence[str]) -> None:
        self._start = {"plan": plan.told(), "number": number, "workers": workers, "tokens": list(tokens)}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self.now: dict[str, Any] = {}
        self.heard_at = 0.0  # monotonic
        self.said: dict[str, asyncio.Future[Any]] = {}

    async def start(self) -> None:
        """Start it and hand it its part."""
        loop = asyncio.get_running_loop()
        self.said = {name: loop.create_future() for name in ("stopped", "end")}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "service.lab.load.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE,
            start_new_session=True,  # a terminal's Ctrl-C is for us: it has to play on until it is told to stop
        )  # fmt: skip
        self.heard_at = time.monotonic()
        self._reading = loop.create_task(self._read())
        self.order(self._start)

    def order(self, order: dict[str, Any]) -> None:
        """One line to it; to one that is gone nothing can be said."""
        assert self._process is not None, "not started"
        assert self._process.stdin is not None, "its orders come by a pipe"
        with suppress(OSError):
            self._process.stdin.write(json.dumps(order).encode() + b"\n")

    async def _read(self) -> None:
        assert self._process is not None, "not started"
        assert self._process.stdout is not None, "it tells by a pipe"
        async for line in self._process.stdout:
            self.heard_at = time.monotonic()
            for name, told in json.loads(line).items():
                if name == "now":
                    self.now = told
                elif not self.said[name].done():
                    self.said[name].set_result(told)
        for future in self.said.values():
            if not future.done():
                future.set_exception(Failed("a worker process ended; what it said stands above"))
                future.exception()  # whoever waits is told, nobody has to

    async def stop(self) -> None:
        """The end of its orders is its end."""
        if self._process is None or self._reading is None:
            return
        assert self._process.stdin is not None, "its orders come by a pipe"
        self._process.stdin.close()
        try:
            async with asyncio.timeout(DYING):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading


class Load:
    """One load."""

    def __init__(self, plan: Plan, tokens: Sequence[str], workers: int, watch: Watch, shown: Progress) -> None:
        """``tokens``: one a user, or empty ones."""
        self.plan = plan
        self.account = Account(plan.users)
        self._watch = watch
        self._shown = shown
        self._told_to_stop = asyncio.Event()
        self._first_token = tokens[0]
        self._workers = [
            Process(plan, number, workers, [tokens[user] for user in plan.users_of(number, workers)])
            for number in range(workers)
        ]

    async def run(self) -> Account:
        """All of it; Ctrl-C ends publishing, and the rest follows.

        Raises:
            Failed: nobody could connect, or a worker ended.

        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        self.account.began = time.monotonic()
        self.account.before = await self._watch.look()
        if self._watch.why:
            self.account.troubles.append(self._watch.why)
        try:
            if why := await knock(self.plan, self._first_token):
                raise Failed(why)
            for worker in self._workers:
                await worker.start()
            await self._play()
        finally:
            for worker in self._workers:
                await worker.stop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        before = self.account.before
        self.account.glances = list(self._watch.glances)
        self.account.after = await self._watch.until_quiet(before.connections) if before is not None else None
        return self.account

    def stop(self) -> None:
        """No more publications; the account follows."""
        self._told_to_stop.set()

    async def _play(self) -> None:
        plan = self.plan
        await self._while("connecting", plan.users / plan.arrivals + STARTING, self._all_ready, every=0.25)
        if not self._ready():
            raise Failed(f"nobody but the first could connect to {plan.url}: is the server still there?")
        if self._ready() < plan.users:
            self.account.troubles.append(f"publishing began with {self._ready():,} of {plan.users:,} users")
        self._order({"go": True})
        await self._while("publishing", plan.duration, lambda: False)
        self.account.connected = self._ready()
        self._order({"stop": True})
        finals: dict[str, int] = {}
        for worker in self._workers:
            finals |= await self._said(worker, "stopped")
        self._order({"finals": finals})
        self._shown.show("waiting for what is under way", self._now())
        for worker in self._workers:
            self.account.include(await self._said(worker, "end"))

    async def _said(self, worker: Process, what: str) -> Any:
        """What a worker has to say; one that has stopped talking is not waited for."""
        while not worker.said[what].done():
            self._listen(worker)
            await asyncio.wait((worker.said[what],), timeout=1.0)
        return worker.said[what].result()

    def _listen(self, worker: Process) -> None:
        if time.monotonic() > worker.heard_at + SILENT:
            raise Failed(f"a worker process said nothing for {SILENT:g} s: has the machine too much to do?")

    async def _while(self, phase: str, seconds: float, done: Callable[[], bool], *, every: float = 1.0) -> None:
        """Show and keep how things go, until it is done, or the time is over, or somebody says stop."""
        until = time.monotonic() + seconds
        while not done() and time.monotonic() < until and not self._told_to_stop.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(min(every, max(0.01, until - time.monotonic()))):
                    await self._told_to_stop.wait()
            glance = await self._watch.look()
            now = self._now()
            self.account.course.append({"at": round(time.monotonic() - self.account.began, 3), **now})
            self._shown.show(phase, {**now, "rss": glance.rss if glance else 0})
            for worker in self._workers:
                self._listen(worker)
                if worker.said["end"].done():
                    worker.said["end"].result()

    def _now(self) -> dict[str, int]:
        sums: dict[str, int] = dict.fromkeys(("ready", "published", "delivered", "duplicated", "reordered"), 0)
        for worker in self._workers:
            for name, count in worker.now.items():
                sums[name] = sums.get(name, 0) + count
        return sums

    def _ready(self) -> int:
        return self._now()["ready"]

    def _all_ready(self) -> bool:
        return self._ready() >= self.plan.users

    def _order(self, order: dict[str, Any]) -> None:
        for worker in self._workers:
            worker.order(order)
