"""Servers on core 0, load clients on core 1, their CPU time read from outside."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import msgspec

from bench import build, envelope

SERVER_CORE, CLIENT_CORE = 0, 1
PATIENCE = 150.0
"""Seconds a process may take to answer; more means that it hangs."""


class Silent(Exception):
    """A process of the bench died or did not answer in time."""


class Running:
    """A process on one core, or on any (None); its CPU time and memory are read from outside."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        core: int | None,
        environment: dict[str, str] | None = None,
        stdout: int | IO[bytes] = subprocess.PIPE,
    ) -> None:
        self.name = str(arguments[2] if arguments[0] == sys.executable else arguments[0]).rsplit("/")[-1]
        self.process = subprocess.Popen(
            [*(() if core is None else ("taskset", "-c", str(core))), *map(str, arguments)],
            stdin=subprocess.PIPE, stdout=stdout, bufsize=0, cwd=build.ROOT,
            env={**os.environ, **(environment or {})},
        )  # fmt: skip
        self.pid = self.process.pid  # taskset execs, so this is the program itself

    def cpu(self) -> float:
        """CPU seconds of all its threads so far: what /proc/PID/stat says, in nanoseconds instead of ticks."""
        return time.clock_gettime((~self.pid << 3) | 2)  # the clock's number as clock_getcpuclockid(3) makes it

    def rss(self) -> int:
        """Bytes of its resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def hurry(self, priority: int) -> None:
        """Before whatever else its core has to do, so that no scheduler is measured; only root may."""
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(self.pid, os.SCHED_RR, os.sched_param(priority))

    def stop(self) -> None:
        """Ends the process; a deaf one is killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Piped(Running):
    """A process that is told what to do on stdin and answers line by line."""

    def __init__(
        self, arguments: Sequence[str | Path], core: int | None, environment: dict[str, str] | None = None
    ) -> None:
        super().__init__(arguments, core, environment)
        self._pending = b""

    def tell(self, line: str) -> None:
        """Says one line; nothing is awaited."""
        stdin: IO[bytes] | None = self.process.stdin
        assert stdin is not None, "started with a pipe"
        stdin.write(line.encode() + b"\n")

    def ask(self, line: str) -> str:
        """Says one line and returns the answer; raises `Silent`."""
        self.tell(line)
        return self.answer()

    def answer(self, patience: float = PATIENCE) -> str:
        """The next line of stdout; raises `Silent` when the process died or took longer than `patience` seconds."""
        stdout: IO[bytes] | None = self.process.stdout
        assert stdout is not None, "started with a pipe"
        end = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while b"\n" not in self._pending:
                chunk = stdout.read(65536) if selector.select(max(0.0, end - time.monotonic())) else b""
                if not chunk:
                    raise Silent(f"{self.name} (exit {self.process.poll()}) did not answer")
                self._pending += chunk
        line, self._pending = self._pending.split(b"\n", 1)
        return line.decode()


class Server(Piped):
    """A server under test that has the bench's door in it; `port` is where it listens."""

    def __init__(self, arguments: Sequence[str | Path], environment: dict[str, str] | None = None) -> None:
        super().__init__(arguments, SERVER_CORE, environment)
        try:
            self.port = int(self.answer(30).split()[1])
        except BaseException:
            self.stop()
            raise


class Client(Piped):
    """The load client in C, connected to one server."""

    def __init__(
        self,
        port: int,
        path: str = "/connection/websocket",
        core: int | None = CLIENT_CORE,
        *,
        offers_compression: bool = False,
    ) -> None:
        command = [build.built("client"), str(port), path]
        super().__init__([*command, *["deflate"] * offers_compression], core)
        self.opened = 0

    def open(self, count: int, kind: str, channel: str = envelope.CHANNEL, token: str = "-") -> float:
        """Opens connections, 128 handshakes at a time, returns the seconds it took; raises `Silent`."""
        words = self.ask(f"open {count} 128 {kind} {channel} {token}").split()
        if int(words[3]):
            raise Silent(f"{words[3]} of {count} connections failed")
        self.opened += count
        return float(words[4])

    def storm(self, count: int, kind: str, channel: str = envelope.CHANNEL, token: str = "-") -> dict[str, Any]:
        """Opens connections, all at once; how many came in, how long the door took, how the others were refused."""
        words = self.ask(f"open {count} {count} {kind} {channel} {token}").split()
        self.opened += int(words[1])
        told: dict[str, Any] = msgspec.json.decode(self.ask("doors"))
        return {"opened": int(words[1]), "failed": int(words[3]), "seconds": float(words[4]), **told}

    def drop(self, count: int) -> None:
        """Closes the connections opened last."""
        self.ask(f"drop {count}")
        self.opened -= count

    def begin(self, *, polling: bool = True) -> None:
        """Counts anew; `polling` keeps it awake, which is fairer to a server that is measured."""
        self.ask("begin" if polling else "watch")

    def end(self, expected: int = 0) -> dict[str, Any]:
        """What it counted since `begin`, once the `expected` messages or else nothing more have come."""
        counted: dict[str, Any] = msgspec.json.decode(self.ask(f"end {expected}"))
        return counted


@dataclass(frozen=True)
class Slice:
    """One measured phase of a server and its client."""

    deliveries: int
    cpu: float
    published: int
    batch: int
    counted: dict[str, Any]

    @property
    def per_cpu_second(self) -> float:
        """Messages delivered per CPU second of the server."""
        return self.deliveries / self.cpu

    @property
    def clean(self) -> bool:
        """Whether the client kept up: TCP merges writes towards a slow client and flatters the server."""
        return bool(self.counted["messages"] < 1.10 * self.batch * self.counted["receives"])


def saturate(server: Server, client: Client, batch: int, seconds: float) -> Slice:
    """As many messages as the server can, `batch` a write, to all connections of the client."""
    return _phase(server, client, batch, f"saturate {batch} {seconds}")


def at_rate(server: Server, client: Client, hz: float, seconds: float) -> Slice:
    """`hz` messages a second to all connections of the client."""
    return _phase(server, client, 1, f"rate {hz} {seconds}")


def _phase(server: Server, client: Client, batch: int, command: str) -> Slice:
    client.begin()
    before = server.cpu()
    published = int(server.ask(command).split()[1])
    cpu = server.cpu() - before
    expected = published * client.opened
    counted = client.end(expected)
    if counted["messages"] != expected:
        print(f"  {server.name}: {counted['messages']} of {expected} messages arrived", file=sys.stderr)
    return Slice(counted["messages"], cpu, published, batch, counted)
