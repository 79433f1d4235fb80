"""The compose file, executed without Docker: starts every service that can be had natively, and stops them all.

As root, or where user namespaces are allowed, each service has a root of its own and all share a network namespace with
nothing but loopback; published ports are carried out to this machine. Elsewhere names and paths are replaced.
"""

import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from deploy.native import compose, quick, replaced, roots
from deploy.native.compose import Service
from deploy.native.plan import Forward, Plan, Task, write
from deploy.native.roots import ROOT

COMPOSE: Final = ROOT / "docker-compose.yml"
PATIENCE: Final = 180.0  # seconds until a service that was started is ready
_SPACES: Final = ["unshare", "--mount", "--net", "--propagation", "private"]
MAPPED: Final = [*_SPACES, "--user", "--map-root-user"]


class StackFailed(Exception):  # noqa: N818 - says what happened
    """A service did not become ready or ended; the text holds the end of its log."""


def wall() -> list[str] | None:
    """The command that puts another one into namespaces of its own; None where that is not allowed."""
    for spaces in (_SPACES, MAPPED):
        try:
            if subprocess.run([*spaces, "true"], capture_output=True, check=False, timeout=10).returncode == 0:
                return spaces
        except OSError:
            return None
    return None


class Stack:
    """``with Stack(folder) as stack:`` runs it; volumes and logs are in the folder and stay there."""

    def __init__(
        self,
        state: Path,
        *,
        lab: bool = False,
        any_port: bool = False,
        spaces: Sequence[str] | None = (),
        change: Callable[[Service], Service | None] = lambda service: service,
        beside: Sequence[Service] = (),
    ) -> None:
        """Make the plan; nothing is started yet.

        Args:
            state: for volumes, logs and changed copies.
            lab: times of a lab, see ``quick``.
            any_port: publish at free ports, so that several stacks can run; see ``address``.
            spaces: as ``wall`` finds it when empty; None for none.
            change: may change a service or (None) leave it out.
            beside: further services, which the file does not have.

        Raises:
            NotBuilt: a program is not in the cache.
            ComposeMistake: in the file.

        """
        self.state = state
        self.spaces = wall() if spaces == () else spaces
        self.differences: list[str] = []
        every = compose.read(COMPOSE, os.environ)
        self.services = [kept for each in roots.startable(every) if (kept := change(each)) is not None]
        self.services += beside
        self.left_out = [each.name for each in every if each not in roots.startable(every)]
        self._published: dict[tuple[str, int], socket.socket] = {}
        self._any_port = any_port and self.spaces is not None
        self._news: queue.Queue[dict[str, Any]] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self.ready: dict[str, float] = {}  # service -> seconds that its start took
        self._make_folders(every)
        if lab:
            self.services, told = quick.quickened(self.services, state)
            self.differences += told

    def _make_folders(self, services: Sequence[Service]) -> None:
        for volume in {mount.source for service in services for mount in service.mounts if not mount.bind}:
            (self.state / "volumes" / volume).mkdir(parents=True, exist_ok=True)
        for name in ("roots", "logs"):
            (self.state / name).mkdir(parents=True, exist_ok=True)

    # ------------------------------------------------------------------- start and stop

    def start(self) -> None:
        """Start everything; returns when all are ready.

        Raises:
            StackFailed: one of them was not.
            OSError: a published port is taken.

        """
        plan = self._plan()
        file = self.state / "plan.json"
        file.write_text(write(plan), encoding="utf-8")
        command = [*(self.spaces or ()), sys.executable, "-m", "deploy.native.supervisor", str(file)]
        descriptors = [forward.descriptor for forward in plan.forwards]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            pass_fds=descriptors,
            start_new_session=True,  # Ctrl-C is ours to handle: we stop it in order
        )
        self._listener = threading.Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()
        for listening in self._published.values():
            listening.close()  # the supervisor has them now
        try:
            self.wait_ready([service.name for service in self.services])
        except BaseException:
            self.stop()
            raise

    def _plan(self) -> Plan:
        tasks = self._tasks()
        if self.spaces is None:
            return Plan(tuple(tasks))
        where = roots.addresses(self.services)
        forwards = []
        for service in self.services:
            for port in service.published:
                listening = socket.create_server((port.host, 0 if self._any_port else port.port), backlog=512)
                self._published[service.name, port.inside] = listening
                forwards.append(Forward(listening.fileno(), where[service.name], port.inside))
        self._addresses = {key: listening.getsockname()[:2] for key, listening in self._published.items()}
        return Plan(tuple(tasks), tuple(forwards), str(self.state / "roots"), network=True)

    def _tasks(self) -> list[Task]:
        if self.spaces is None:
            tasks, told = replaced.tasks(self.services, self.state)
            self.differences += told
            return tasks
        names = roots.hosts(self.services)
        return [roots.task(service, names, self.state) for service in self.services]

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None, "it was asked for"
        with process.stdout as lines:
            for line in lines:
                self._news.put(json.loads(line))
        self._news.put({"event": "gone"})

    def stop(self) -> None:
        """Stop everything, in any state; nothing is left running."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None, "it was asked for"
        process.stdin.close()
        try:
            process.wait(max((service.grace for service in self.services), default=0.0) + 10)
        except subprocess.TimeoutExpired:
            process.kill()  # and the kernel kills the programs
            process.wait()
        self._listener.join()  # it ends with the supervisor's output, and closes it

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wipe_volumes(self) -> None:
        """Forget what earlier runs kept; before ``start``."""
        for volume in (self.state / "volumes").iterdir():
            shutil.rmtree(volume)
            volume.mkdir()

    # -------------------------------------------------------------------- while it runs

    def address(self, service: str, inside: int) -> str:
        """``host:port`` at which a published port is reached from this machine."""
        if self.spaces is None:
            return f"127.0.0.1:{inside}"
        host, port = self._addresses[service, inside]
        return f"{host}:{port}"

    def wait_ready(self, names: Sequence[str]) -> None:
        """Until these are ready.

        Raises:
            StackFailed: one of them has failed.

        """
        until = time.monotonic() + PATIENCE
        while set(names) - self.ready.keys():
            self._heed(self._next(until))

    def _next(self, until: float) -> dict[str, Any]:
        try:
            return self._news.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise StackFailed("the stack did not answer in time") from None

    def _heed(self, news: Mapping[str, Any]) -> None:
        if news["event"] == "ready":
            self.ready[news["service"]] = news["after"]
        elif news["event"] == "failed":
            raise StackFailed(f"{news['service']}: {news['why']}\n{self.log(news['service'])}")
        elif news["event"] == "ended":
            raise StackFailed(f"{news['service']} ended with {news['code']}\n{self.log(news['service'])}")
        elif news["event"] == "gone":
            raise StackFailed("the supervisor has gone")

    def check(self) -> None:
        """Raises StackFailed when a service has ended since."""
        while not self._news.empty():
            self._heed(self._news.get())

    def log(self, service: str, characters: int = 3000) -> str:
        """The end of what a service wrote."""
        file = self.state / "logs" / f"{service}.log"
        return file.read_text(encoding="utf-8", errors="replace")[-characters:] if file.exists() else ""

    def volume(self, name: str) -> Path:
        """A named volume's folder."""
        return self.state / "volumes" / name

    def stop_service(self, name: str, number: int = signal.SIGTERM) -> None:
        """Stop one service as ``docker compose stop`` does, or with another signal first."""
        self._order(do="stop", service=name, number=number)
        self._until("down")
        self.ready.pop(name, None)

    def start_service(self, name: str, **environment: str) -> None:
        """Start it again, with changes to its environment."""
        self._order(do="start", service=name, environment=environment)
        self.wait_ready([name])

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a service's process."""
        self._order(do="signal", service=name, number=number)

    def ports(self) -> dict[str, list[tuple[str, int]]]:
        """What each service listens on: (address, port)."""
        self._order(do="ports")
        told = self._until("ports")["ports"]
        return {name: [(address, port) for address, port in pairs] for name, pairs in told.items()}

    def pids(self) -> dict[str, int]:
        """The process of each service."""
        self._order(do="ports")
        return {name: int(pid) for name, pid in self._until("ports")["pids"].items()}

    def _order(self, **order: object) -> None:
        assert self._process is not None, "not started"
        assert self._process.stdin is not None, "it was asked for"
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def _until(self, event: str) -> dict[str, Any]:
        until = time.monotonic() + 30
        while (news := self._next(until))["event"] != event:
            self._heed(news)
        return news
