"""The bench's way into a Python server: commands on stdin, answers on stdout (the same words as baselines/send.c)."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable

Broadcast = Callable[[int], Awaitable[None]]
"""Publishes a batch of that many messages to everybody and returns when it has been handed to the kernel."""
Command = Callable[[list[str]], Awaitable[str]]

_OUT = os.dup(1)  # a server may send its own stdout, the log, elsewhere


class Door:
    """Reads lines from stdin and answers each with one line; `quit` and the end of stdin set `closed`.

    `broadcast` serves the words `saturate BATCH SECONDS` and `rate HZ SECONDS`; `extra` adds a server's own words.
    """

    def __init__(self, broadcast: Broadcast, extra: dict[str, Command] | None = None) -> None:
        self._broadcast = broadcast
        self._words: dict[str, Command] = {"saturate": self._saturate, "rate": self._rate, **(extra or {})}
        self._partial = b""
        self._running: set[asyncio.Task[None]] = set()
        self.closed = asyncio.Event()

    def open(self, port: int) -> None:
        """Says where the server listens and starts to obey."""
        asyncio.get_running_loop().add_reader(0, self._read)
        say(f"listening {port}")

    def _read(self) -> None:
        chunk = os.read(0, 65536)
        if not chunk:
            asyncio.get_running_loop().remove_reader(0)
            self.closed.set()
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        for line in lines:
            task = asyncio.create_task(self._obey(line.decode().split()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _obey(self, words: list[str]) -> None:
        if words[0] == "quit":
            self.closed.set()
        else:
            say(await self._words[words[0]](words[1:]))

    async def _saturate(self, words: list[str]) -> str:
        batch, end, messages = int(words[0]), time.monotonic() + float(words[1]), 0
        while time.monotonic() < end:
            await self._broadcast(batch)
            await asyncio.sleep(0)
            messages += batch
        return f"done {messages}"

    async def _rate(self, words: list[str]) -> str:
        hz, total, start = float(words[0]), int(float(words[0]) * float(words[1])), time.monotonic()
        for turn in range(total):
            await asyncio.sleep(max(0.0, start + turn / hz - time.monotonic()))
            await self._broadcast(1)
        return f"done {total}"


def say(line: str) -> None:
    """One line to the runner, at once."""
    os.write(_OUT, line.encode() + b"\n")
