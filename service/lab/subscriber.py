"""A small client of the Centrifuge protocol (JSON): subscribes, recovers, reconnects. For the command line."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from service.lab.unanswered import why

FIRST_DELAY: Final = 0.5  # seconds, as the SDKs have it
LONGEST_DELAY: Final = 20.0
SLACK: Final = 10.0  # seconds a ping may be late, as the SDKs have it
_TERMINAL_SUBSCRIPTION: Final = 2500  # unsubscribe codes below end a subscription


class GaveUp(Exception):  # noqa: N818 - says what happened
    """Trying again would not help; the text says why, in a sentence, ``code`` the close code if there was one."""

    def __init__(self, sentence: str, code: int = 0) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Received:
    """A publication."""

    channel: str
    data: Any
    offset: int
    tags: dict[str, str]


@dataclass(slots=True)
class _Place:
    """Where we stand in a channel."""

    offset: int = 0
    epoch: str = ""
    recoverable: bool = False


class _Closed(Exception):  # noqa: N818 - says what happened
    """The connection is over; another attempt may do."""


@dataclass(slots=True)
class Subscriber:
    """Receives what is published in ``channels``. ``tell`` gets a line about everything else that happens."""

    url: str
    token: str
    channels: Sequence[str]
    tell: Callable[[str], None]
    jitter: Callable[[float, float], float] = random.uniform
    answered: Callable[[dict[str, Any]], None] = lambda _reply: None  # told of answers to commands that are not its own
    socket: aiohttp.ClientWebSocketResponse | None = None  # the live one, for whoever wants to send or to break it
    _places: dict[str, _Place] = field(default_factory=dict)
    _ever: bool = False
    _failures: int = 0  # attempts in a row without a connect reply

    async def receive(self) -> AsyncGenerator[Received, None]:
        """Every publication, for ever.

        Raises:
            GaveUp: nobody answered the very first time, or the server sends us away for good.

        """
        self._places = {channel: _Place() for channel in self.channels}
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with aclosing(self._connection(session)) as stream:  # who stops here says goodbye
                        async for received in stream:
                            yield received
                except _Closed as closed:
                    if not self._ever:
                        raise GaveUp(str(closed)) from None
                    delay = min(LONGEST_DELAY, FIRST_DELAY + self.jitter(0, FIRST_DELAY * 2 ** min(self._failures, 10)))
                    self.tell(f"disconnected: {closed}; again in {delay:.1f} s")
                    self._failures += 1
                    await asyncio.sleep(delay)

    async def _connection(self, session: aiohttp.ClientSession) -> AsyncGenerator[Received, None]:
        try:
            async with session.ws_connect(self.url, autoping=True, max_msg_size=0, compress=0) as socket:
                self.socket = socket
                await socket.send_str(self._greeting())
                silence = 10.0
                while True:
                    for reply in await self._replies(socket, silence):
                        if not reply:
                            await socket.send_str("{}")
                        elif "connect" in reply:
                            silence = self._connected(reply["connect"])
                        else:
                            for received in self._handle(reply):
                                yield received
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            raise GaveUp(f"{self.url} is no URL; it looks like ws://127.0.0.1:8000/connection/websocket") from None
        except aiohttp.WSServerHandshakeError as error:
            raise _Closed(f"{self.url} answered with HTTP status {error.status} instead of a WebSocket") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _Closed(f"no server answers at {self.url} ({why(error)})") from None
        finally:
            self.socket = None

    def _greeting(self) -> str:
        """Connect and all subscriptions in the first frame."""
        commands: list[dict[str, Any]] = [{"id": 1, "connect": {"token": self.token, "name": "heliograph-sub"}}]
        for number, (channel, place) in enumerate(self._places.items(), 2):
            request: dict[str, Any] = {"channel": channel}
            if place.recoverable:
                request |= {"recover": True, "offset": place.offset, "epoch": place.epoch}
            commands.append({"id": number, "subscribe": request})
        return "\n".join(json.dumps(command) for command in commands)

    async def _replies(self, socket: aiohttp.ClientWebSocketResponse, silence: float) -> list[dict[str, Any]]:
        try:
            async with asyncio.timeout(silence):
                message = await socket.receive()
        except TimeoutError:
            raise _Closed(f"nothing came for {silence:.0f} s") from None
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            self._ended(socket.close_code or 1006, message.extra if isinstance(message.extra, str) else "")
        return [json.loads(line) for line in message.data.splitlines()]

    def _ended(self, code: int, reason: str) -> None:
        sentence = f"the server closed with {code} {reason}".rstrip()
        if code == 1009 or 3500 <= code < 4000 or 4500 <= code < 5000:
            raise GaveUp(sentence, code)
        raise _Closed(sentence)

    def _connected(self, result: dict[str, Any]) -> float:
        self._ever, self._failures = True, 0
        self.tell(f"connected as client {result['client']}")
        ping = float(result.get("ping", 0))
        return ping + SLACK if ping else 3600.0

    def _handle(self, reply: dict[str, Any]) -> Iterator[Received]:
        if reply.get("id", 0) > len(self._places) + 1:  # the answer to a command of whoever uses ``socket``
            self.answered(reply)
            return
        if error := reply.get("error"):
            subject = "connect" if reply.get("id") == 1 else f"subscribe to {self._channel_of(reply['id'])}"
            raise GaveUp(f"{subject}: {error['message']} (code {error['code']})")
        if "subscribe" in reply and reply.get("id"):
            yield from self._subscribed(self._channel_of(reply["id"]), reply["subscribe"])
        push = reply.get("push", {})
        if "pub" in push:
            yield self._publication(push.get("channel", ""), push["pub"])
        elif "unsubscribe" in push:
            code = push["unsubscribe"].get("code", 0)
            sentence = f"unsubscribed from {push.get('channel', '')}: {code} {push['unsubscribe'].get('reason', '')}"
            raise GaveUp(sentence) if code < _TERMINAL_SUBSCRIPTION else _Closed(sentence)

    def _channel_of(self, number: int) -> str:
        return list(self._places)[number - 2]

    def _subscribed(self, channel: str, result: dict[str, Any]) -> Iterator[Received]:
        place = self._places[channel]
        if result.get("was_recovering"):
            self.tell(f"subscribed to {channel}, recovered: {'true' if result.get('recovered') else 'false'}")
        else:
            self.tell(f"subscribed to {channel}" + (", recoverable" if result.get("recoverable") else ""))
        for publication in result.get("publications", ()):
            yield self._publication(channel, publication)
        if not result.get("recovered"):
            place.offset = result.get("offset", 0)
        place.recoverable, place.epoch = result.get("recoverable", False), result.get("epoch", "")

    def _publication(self, channel: str, publication: dict[str, Any]) -> Received:
        place = self._places.setdefault(channel, _Place())
        offset = publication.get("offset", 0)
        place.offset = offset or place.offset
        place.epoch = publication.get("epoch") or place.epoch
        return Received(channel, publication.get("data"), offset, publication.get("tags") or {})
