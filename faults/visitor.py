"""A client without manners, for the lab's crowds: it reads when it is told to, and answers pings only then."""

import asyncio
import contextlib
import json
import socket
from typing import Any, Final, Self

from service.lab.address import PATH
from service.lab.load import wire
from service.lab.load.frames import FrameReader
from service.protocol import framing

#: Given a size, the kernel does not grow the buffer: what is not read is felt by the server soon.
SMALL_BUFFER: Final = 16 * 1024


class Away(Exception):  # noqa: N818 - says what happened
    """The connection ended, or was never had."""


class Visitor:
    """One connection to the server, made of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = FrameReader()
        self.pongs_after = 0.0  # seconds that it takes its time for

    @classmethod
    async def come(cls, port: int, token: str, *channels: str) -> Self:
        """Connected, with its subscriptions.

        Raises:
            Away: refused.

        """
        try:
            visitor = cls(*await asyncio.open_connection("127.0.0.1", port))
        except OSError as error:
            raise Away(str(error)) from None
        subscribes = [{"id": number, "subscribe": {"channel": name}} for number, name in enumerate(channels, 2)]
        try:
            await visitor._upgrade(f"127.0.0.1:{port}")
            await visitor.ask({"id": 1, "connect": {"token": token}}, *subscribes)
        except BaseException:  # cancelled, too
            await visitor.leave()
            raise
        return visitor

    async def _upgrade(self, host: str) -> None:
        head, _ = wire.request(host, PATH)
        self._writer.write(head)
        try:
            answer = await self._reader.readuntil(b"\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError) as error:
            raise Away(str(error)) from None
        if b" 101 " not in (line := answer.partition(b"\r\n")[0]):
            raise Away(line.decode("latin-1"))

    async def ask(self, *commands: dict[str, Any]) -> None:
        """Commands in one frame, and all their replies.

        Raises:
            Away: the server closed, or one of them is refused.

        """
        self._writer.write(wire.text_frame(*commands))
        missing = {command["id"] for command in commands}
        while missing:
            for reply in await self.read():
                missing.discard(reply.get("id"))
                if "error" in reply:
                    raise Away(reply["error"]["message"])

    async def read(self) -> list[dict[str, Any]]:
        """The replies and pushes that come next, at least one; pings are answered.

        Raises:
            Away: the server closed.

        """
        found: list[dict[str, Any]] = []
        while not found:
            try:
                data = await self._reader.read(65536)
            except OSError as error:
                raise Away(str(error)) from None
            if not data:
                raise Away("the server ended the connection")
            for opcode, payload in self._frames.feed(data):
                if opcode == framing.CLOSE:
                    raise Away(f"closed with {framing.parse_close(payload)[0]}")
                if opcode == framing.TEXT:
                    found += self._heard(payload)
        return found

    def _heard(self, payload: bytes) -> list[dict[str, Any]]:
        replies = [json.loads(line) for line in payload.splitlines() if line]
        if {} in replies:
            asyncio.get_running_loop().call_later(self.pongs_after, self._pong)
        return [reply for reply in replies if reply]

    def _pong(self) -> None:
        if not self._writer.is_closing():
            self._writer.write(wire.text_frame({}))

    async def listen(self) -> None:
        """Reads until the server closes."""
        with contextlib.suppress(Away):
            while True:
                await self.read()

    def read_little(self) -> None:
        """From now on few bytes that are not read fit into our side."""
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)

    async def leave(self) -> None:
        """Gone without a word."""
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
