"""``python -m deploy.native.supervisor PLAN``: starts the plan's programs, tells what happens, stops them all.

Orders come as lines of JSON on stdin, news go out as lines of JSON on stdout. When stdin ends, or on SIGTERM or SIGINT,
everything is stopped: SIGTERM, each program's grace, SIGKILL. If this process is killed, the kernel kills the programs.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from deploy.native import forward, listening, mounts
from deploy.native.plan import Plan, Task, read
from deploy.probe import healthy

_ENTER: Final = str(Path(__file__).with_name("enter.py"))
_LOOK: Final = 0.1  # seconds between two probes


@dataclass(slots=True)
class Running:
    """A started program; ``gone`` holds its exit code when it has ended."""

    process: subprocess.Popen[bytes]
    descriptor: int  # a pidfd: signals can never meet another process
    gone: asyncio.Future[int]


class Supervisor:
    """Owns the programs."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._tasks = {task.name: task for task in plan.tasks}
        self._running: dict[str, Running] = {}
        self._ready: dict[str, asyncio.Event] = {task.name: asyncio.Event() for task in plan.tasks}
        self._stopping = False
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until it is told to stop."""
        self._prepare()
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, over.set)
        servers = [await forward.serve(each, self._errands) for each in self._plan.forwards]
        orders = loop.create_task(self._orders(over))
        started = [loop.create_task(self._bring_up(task)) for task in self._plan.tasks]
        await over.wait()
        for each in (orders, *started, *self._errands):
            each.cancel()
        for server in servers:
            server.close()
        await self.stop(self._running)
        tell(event="stopped")

    def _prepare(self) -> None:
        if self._plan.network:
            mounts.raise_loopback()
        if self._plan.roots:
            mounts.tmpfs(Path(self._plan.roots))
            for task in self._plan.tasks:
                if task.root is not None:
                    place = Path(self._root(task))
                    place.mkdir()
                    mounts.build(task.root, place)

    def _root(self, task: Task) -> str:
        return f"{self._plan.roots}/{task.name}" if task.root is not None else ""

    # ------------------------------------------------------------------------ orders

    async def _orders(self, over: asyncio.Event) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            await self._obey(json.loads(line))
        over.set()

    async def _obey(self, order: dict[str, Any]) -> None:
        name, word = order.get("service", ""), order["do"]
        if word == "start":
            self._tasks[name] = replace(
                self._tasks[name], environment={**self._tasks[name].environment, **order["environment"]}
            )
            self._ready[name].clear()
            await self._bring_up(self._tasks[name])
        elif word == "stop":
            await self.stop([name], order.get("number", signal.SIGTERM))
            tell(event="down", service=name)
        elif word == "signal":
            signal.pidfd_send_signal(self._running[name].descriptor, order["number"])
        elif word == "ports":
            pids = {name: running.process.pid for name, running in self._running.items()}
            tell(event="ports", ports={name: listening.ports(pid) for name, pid in pids.items()}, pids=pids)

    # ----------------------------------------------------------------- start and stop

    async def _bring_up(self, task: Task) -> None:
        """Start it when those before it are there, and tell when it is ready or why not."""
        for name, must_be_ready in task.after.items():
            if name in self._tasks:
                await (self._ready[name].wait() if must_be_ready else self._started(name))
        began = time.monotonic()
        running = self._start(task)
        while not await self._is_ready(task, running):
            if running.gone.done() or time.monotonic() - began > task.patience:
                why = "ended" if running.gone.done() else "not ready in time"
                tell(event="failed", service=task.name, why=why)
                return
            await asyncio.sleep(_LOOK)
        self._ready[task.name].set()
        tell(event="ready", service=task.name, after=round(time.monotonic() - began, 2), pid=running.process.pid)

    async def _started(self, name: str) -> None:
        while name not in self._running:  # noqa: ASYNC110 - a start is a matter of milliseconds
            await asyncio.sleep(_LOOK)

    def _start(self, task: Task) -> Running:
        with Path(task.log).open("ab") as log:
            process = subprocess.Popen(
                self._entering(task, task.argv), env=task.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        loop = asyncio.get_running_loop()
        running = Running(process, os.pidfd_open(process.pid), loop.create_future())
        loop.add_reader(running.descriptor, self._ended, task.name, running)
        self._running[task.name] = running
        return running

    def _entering(self, task: Task, argv: Iterable[str]) -> list[str]:
        return [sys.executable, "-I", "-S", _ENTER, str(os.getpid()), self._root(task), task.folder, *argv]

    def _ended(self, name: str, running: Running) -> None:
        asyncio.get_running_loop().remove_reader(running.descriptor)
        code = running.process.wait()
        os.close(running.descriptor)
        if self._running.get(name) is running:
            del self._running[name]
        running.gone.set_result(code)
        if not self._stopping:
            tell(event="ended", service=name, code=code)

    async def _is_ready(self, task: Task, running: Running) -> bool:
        probe = task.probe
        if running.gone.done():
            return False
        if probe.url:
            return await asyncio.to_thread(healthy, probe.url, 1.0)
        if probe.command:
            argv = self._entering(task, probe.command)
            asked = await asyncio.create_subprocess_exec(
                *argv, env=task.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            return await asked.wait() == 0
        return bool(listening.ports(running.process.pid)) if probe.listens else True

    async def stop(self, names: Iterable[str], number: int = signal.SIGTERM) -> None:
        """Stop these, by that signal first; none is left."""
        stopped = [(self._tasks[name], self._running[name]) for name in names if name in self._running]
        self._stopping = True
        for _, running in stopped:
            _send(running, number)
        await asyncio.gather(*(self._wait(task, running) for task, running in stopped))
        self._stopping = False

    async def _wait(self, task: Task, running: Running) -> None:
        _, late = await asyncio.wait([running.gone], timeout=task.grace)
        if late:
            tell(event="killed", service=task.name, after=task.grace)
            _send(running, signal.SIGKILL)
            await running.gone


def _send(running: Running, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(running.descriptor, number)


def tell(**news: object) -> None:
    """One line on stdout; nobody may be listening any more."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps(news) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(Supervisor(read(Path(sys.argv[1]).read_text(encoding="utf-8"))).run())
