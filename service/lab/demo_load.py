"""``python -m service.lab.demo_load``: clients and a publisher that keep every board of a demonstration moving.

Most of it is everyday: publications through the server API and by clients, heard by rooms of five and by everybody.
Some clients do what clients do: lose their network and recover, say goodbye, come with a bad token, stop reading.
"""

import argparse
import asyncio
import json
import random
import signal
import socket
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import jwt

from service.lab.address import PATH, websocket
from service.lab.reporting import Reporting
from service.lab.subscriber import GaveUp, Subscriber

ROOM: Final = 5  # clients
EVERYBODY: Final = "news"
HEAVY: Final = "feed"  # large messages, for one reader that naps
_HEAVY_BYTES: Final = 16 * 1024
_NAP: Final = 3.0  # seconds
_TOKEN_LIFE: Final = 24 * 3600
_COMMAND: Final = 1000  # ids of our commands; Subscriber's own are smaller
_PATIENCE: Final = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """What is done, to whom. Times are seconds between two."""

    server: str
    key: str
    secret: str
    clients: int = 50
    publications: float = 20.0  # a second
    cut_every: float = 10.0  # a client's network is gone
    leave_every: float = 20.0  # a client says goodbye and comes back
    mistake_every: float = 15.0  # a bad token, a bad upgrade
    report_every: float = 10.0  # a client tells how long a message took
    nap_every: float = 30.0  # the heavy channel's reader stops reading


@dataclass(slots=True)
class Tally:
    """What happened, for the line that is told now and then."""

    published: int = 0
    received: int = 0
    failed: int = 0


@dataclass(slots=True)
class Load:
    """All clients and the publisher; ``run`` until it is cancelled."""

    settings: LoadSettings
    tally: Tally = field(default_factory=Tally)
    _crowd: list[Subscriber] = field(default_factory=list)
    _napping: bool = False

    async def run(self) -> None:
        """Everything at once."""
        settings = self.settings
        async with aiohttp.ClientSession(timeout=_PATIENCE) as session, asyncio.TaskGroup() as tasks:

            def also(work: Coroutine[Any, Any, None]) -> None:
                tasks.create_task(work)

            for number in range(settings.clients):
                also(self._client(number))
            also(self._reader_that_naps())
            also(self._publish(session))
            also(self._publish_heavy(session))
            also(_each(settings.cut_every, self._cut))
            also(_each(settings.leave_every, self._leave))
            also(_each(settings.mistake_every, lambda: self._mistake(session)))
            also(_each(60.0, self._tell))

    # ------------------------------------------------------------------------ clients

    def _subscriber(self, user: str, channels: Sequence[str]) -> Subscriber:
        url = websocket(self.settings.server)
        token = jwt.encode({"sub": user, "exp": int(time.time()) + _TOKEN_LIFE}, self.settings.secret, "HS256")
        return Subscriber(url, token, channels, lambda _: None)

    async def _client(self, number: int) -> None:
        """Comes back for ever: with its position after a loss, anew after a goodbye."""
        await asyncio.sleep(number * 0.02)
        while True:
            subscriber = self._subscriber(f"load-{number}", [EVERYBODY, f"room-{number // ROOM}"])
            self._crowd.append(subscriber)
            reporting = Reporting(subscriber, self.settings.report_every)
            with suppress(GaveUp):
                async with aclosing(subscriber.receive()) as stream:
                    async for received in stream:
                        self.tally.received += 1
                        await reporting.heard(received)
            self._crowd.remove(subscriber)
            await asyncio.sleep(random.uniform(1.0, 2.0))

    async def _reader_that_naps(self) -> None:
        while True:
            subscriber = self._subscriber("load-naps", [HEAVY])
            awake = time.monotonic() + self.settings.nap_every
            with suppress(GaveUp):
                async with aclosing(subscriber.receive()) as stream:
                    async for _ in stream:
                        _small_buffer(subscriber)
                        if time.monotonic() > awake:
                            await asyncio.sleep(_NAP)
                            awake = time.monotonic() + self.settings.nap_every
            await asyncio.sleep(1.0)

    async def _cut(self) -> None:
        """One client's network is gone: no Close frame."""
        for victim in self._some_connected():
            if (its := victim.get_extra_info("socket")) is not None:
                with suppress(OSError):
                    its.shutdown(socket.SHUT_RDWR)

    async def _leave(self) -> None:
        """One client says goodbye with a Close frame."""
        for victim in self._some_connected():
            await victim.close(code=1000)

    def _some_connected(self) -> list[aiohttp.ClientWebSocketResponse]:
        connected = [each.socket for each in self._crowd if each.socket is not None]
        return random.sample(connected, min(1, len(connected)))

    async def _mistake(self, session: aiohttp.ClientSession) -> None:
        """A client with a token of another server, and a request that is no upgrade."""
        stranger = self._subscriber("load-stranger", [EVERYBODY])
        stranger.token = jwt.encode({"sub": "load-stranger"}, "another-secret-of-sufficient-length", "HS256")
        with suppress(GaveUp):
            async with aclosing(stranger.receive()) as stream:
                await anext(stream)
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{self.settings.server}{PATH}"):
                pass

    # --------------------------------------------------------------------- publishing

    async def _publish(self, session: aiohttp.ClientSession) -> None:
        """Rooms in turn, everybody now and then; every tenth by a client instead of the server API."""
        rooms = max(1, self.settings.clients // ROOM)
        number = 0
        while True:
            await asyncio.sleep(random.uniform(0.5, 1.5) / self.settings.publications)
            number += 1
            channel = EVERYBODY if number % 20 == 0 else f"room-{number % rooms}"
            data = {"number": number, "text": "hello from the load"}
            if number % 10 == 5:
                await self._publish_as_client(channel, data, number)
            else:
                await self._post(session, channel, data)

    async def _publish_heavy(self, session: aiohttp.ClientSession) -> None:
        while True:
            await asyncio.sleep(0.25)
            await self._post(session, HEAVY, {"text": "x" * _HEAVY_BYTES})

    async def _post(self, session: aiohttp.ClientSession, channel: str, data: object) -> None:
        url, headers = f"{self.settings.server}/api/publish", {"X-API-Key": self.settings.key}
        try:
            async with session.post(url, json={"channel": channel, "data": data}, headers=headers) as answer:
                done = answer.status == 200 and "error" not in await answer.json()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            done = False
        self.tally.published += done
        self.tally.failed += not done
        if not done:
            await asyncio.sleep(1.0)  # the server is away; its readiness is somebody else's business

    async def _publish_as_client(self, channel: str, data: object, number: int) -> None:
        for publisher in self._some_connected():
            command = {"id": _COMMAND + number, "publish": {"channel": channel, "data": data}}
            with suppress(ConnectionError):
                await publisher.send_str(json.dumps(command))
                self.tally.published += 1

    async def _tell(self) -> None:
        tally, self.tally = self.tally, Tally()
        connected = sum(each.socket is not None for each in self._crowd)
        _say(f"{connected} connected, published {tally.published}, received {tally.received}, failed {tally.failed}")


def _small_buffer(subscriber: Subscriber) -> None:
    """Let the server feel that nothing is read: a few kilobytes may lie at our side."""
    if subscriber.socket is not None and (its := subscriber.socket.get_extra_info("socket")) is not None:
        its.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # a closed one has none


async def _each(seconds: float, work: Any) -> None:
    """Again and again, at least so many seconds apart; zero for never."""
    while seconds:
        await asyncio.sleep(seconds)
        await work()


def _say(text: str) -> None:
    sys.stderr.write(f"load: {text}\n")


def _kept(folder: Path, patience: float = 60.0) -> tuple[str, str]:
    """API key and token secret of the server's quick start, as soon as they are there."""
    until = time.monotonic() + patience
    while True:
        try:
            key, secret = ((folder / name).read_text(encoding="ascii").strip() for name in ("api_key", "token_secret"))
        except OSError as error:
            if time.monotonic() > until:
                raise SystemExit(f"load: {error.filename}: {error.strerror}; is the server's folder here?") from None
            time.sleep(0.5)
        else:
            return key, secret


def main(arguments: list[str] | None = None) -> None:
    """Until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m service.lab.demo_load", description=__doc__)
    parser.add_argument("--server", default="http://127.0.0.1:8000")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--publications", type=float, default=20.0, help="a second")
    parser.add_argument(
        "--keys", type=Path, default=Path(".heliograph"), help="the server's folder with key and secret"
    )
    asked = parser.parse_args(arguments)
    key, secret = _kept(asked.keys)
    settings = LoadSettings(asked.server.rstrip("/"), key, secret, asked.clients, asked.publications)
    with suppress(asyncio.CancelledError):
        asyncio.run(_until_told(Load(settings)))


async def _until_told(load: Load) -> None:
    loop, me = asyncio.get_running_loop(), asyncio.current_task()
    assert me is not None, "it runs in a task"
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, me.cancel)
    _say(f"{load.settings.clients} clients, {load.settings.publications:g} publications a second")
    await load.run()


if __name__ == "__main__":
    main()
