"""Unmodified SDKs of other languages, each in a process of its own that is told what to do by JSON lines."""

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.sdk.built import go_driver, java_driver

HERE = Path(__file__).parent
PATIENCE = 30.0
HELPERS = HERE.parents[1] / "service" / "static" / "demo"


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{code} {message}")
        self.code = code


class Seen:
    """All events in order, and a way to wait for one."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self._next = 0
        self._news = asyncio.Condition()
        self._telling: set[asyncio.Task[None]] = set()

    def tell(self, event: str, **fields: Any) -> None:
        """Remember an event and wake who waits."""
        self.seen.append({"event": event, **fields})
        task = asyncio.create_task(self._wake())
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _wake(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def expect(self, event: str, **fields: Any) -> dict[str, Any]:
        """The next event of this kind with these fields, after those expected before; others in between are passed over."""
        try:
            async with asyncio.timeout(PATIENCE), self._news:
                while True:
                    while self._next < len(self.seen):
                        found = self.seen[self._next]
                        self._next += 1
                        if found["event"] == event and all(found.get(k) == v for k, v in fields.items()):
                            return found
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"no {event} {fields} came; seen: {self.seen[-20:]}") from None

    def publications(self, channel: str) -> list[dict[str, Any]]:
        """What the app was given in this channel, in its order."""
        return [one for one in self.seen if one["event"] == "publication" and one["channel"] == channel]


class Driven(Seen):
    """An SDK in a process of its own, told what to do by JSON lines."""

    def __init__(self, name: str, command: Sequence[str], *, protobuf: bool, **environment: str) -> None:
        super().__init__()
        self.name = f"{name}Protobuf" if protobuf else name
        self._command = command
        self._environment = environment
        self._protobuf = protobuf
        self._ids = itertools.count(1)
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, url: str, token: str = "", tokens: Iterable[str] | None = None, **more: Any) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=sys.stderr,
            env={**os.environ, **self._environment}, limit=2**24,
        )  # fmt: skip
        self._reading = asyncio.create_task(self._read(self._process))
        told = None if tokens is None else list(tokens)
        await self._do("connect", url=url, token=token, tokens=told, protobuf=self._protobuf, **more)

    async def connect_with_helper(
        self, url: str, token: str, *, attempts: int | None = None, report_every: float = 10.0, patience: float = 1.0
    ) -> None:
        helped = {"reportEvery": report_every * 1000, "protobuf": self._protobuf}
        if attempts is not None:
            helped["attempts"] = attempts
        await self.connect(url, token, helped=helped, patience=patience)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None, "started with a pipe"
        while line := await process.stdout.readline():
            said = json.loads(line)
            event = said.pop("event")
            if event != "answer":
                self.tell(event, **said)
            elif not (future := self._open.pop(said["id"])).done():
                future.set_result(said)

    async def _do(self, action: str, **parameters: Any) -> Any:
        assert self._process is not None, "not connected"
        assert self._process.stdin is not None, "started with a pipe"
        number = next(self._ids)
        future = self._open[number] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({"id": number, "action": action, **parameters}).encode() + b"\n")
        said = await asyncio.wait_for(future, PATIENCE)
        if "error" in said:
            raise Refused(said["error"]["code"], said["error"]["message"])
        return said["result"]

    async def subscribe(self, channel: str, **options: Any) -> None:
        if "filter" in options:
            options["tagsFilter"] = options.pop("filter")
        await self._do("subscribe", channel=channel, options=options)

    async def subscribe_confirming(self, channel: str, fails_at: Iterable[int] = ()) -> None:
        await self._do("subscribe", channel=channel, options={}, confirmed=list(fails_at))

    async def unsubscribe(self, channel: str) -> None:
        await self._do("unsubscribe", channel=channel)

    async def publish(self, channel: str, data: Any) -> None:
        await self._do("publish", channel=channel, data=data)

    async def history(self, channel: str, limit: int) -> dict[str, Any]:
        return dict(await self._do("history", channel=channel, options={"limit": limit}))

    async def presence(self, channel: str) -> dict[str, Any]:
        return dict((await self._do("presence", channel=channel))["clients"])

    async def presence_stats(self, channel: str) -> tuple[int, int]:
        found = await self._do("presenceStats", channel=channel)
        return found["numClients"], found["numUsers"]

    async def rpc(self, method: str, data: Any) -> Any:
        return (await self._do("rpc", method=method, data=data))["data"]

    async def disconnect(self) -> None:
        await self._do("disconnect")

    async def close(self) -> None:
        if self._process is None or self._reading is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._reading


class JavaScript(Driven):
    """npm `centrifuge` under Node with npm `ws`."""

    def __init__(self, node_modules: Path, *, protobuf: bool = False) -> None:
        super().__init__(
            "JavaScript", ["node", str(HERE / "driver.mjs")], protobuf=protobuf,
            HELIOGRAPH_NODE_MODULES=str(node_modules), HELIOGRAPH_HELPER=(HELPERS / "heliograph.js").as_uri(),
        )  # fmt: skip
        self._node_modules = node_modules  # for another page of the same user


class Go(Driven):
    """`centrifuge-go`."""

    def __init__(self, *, protobuf: bool = False) -> None:
        super().__init__("Go", go_driver(), protobuf=protobuf)


class Java(Driven):
    """`centrifuge-java`, which speaks Protobuf only."""

    def __init__(self) -> None:
        super().__init__("Java", java_driver(), protobuf=True)
