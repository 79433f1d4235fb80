"""A WebSocket client made of bytes, for what no well-behaved SDK would do."""

import asyncio
import contextlib
import json
import os
import socket
from typing import Any

from service.protocol import framing

UPGRADE = (
    "GET /connection/websocket HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Gone(Exception):
    """The socket ended; `code` is that of the server's Close frame, None when none came."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(f"closed with {code} {reason}")
        self.code = code
        self.reason = reason


async def frame_from(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """First byte and payload of the next frame of a server."""
    first, size = await reader.readexactly(2)
    if size == 126:
        size = int.from_bytes(await reader.readexactly(2))
    elif size == 127:
        size = int.from_bytes(await reader.readexactly(8))
    return first, await reader.readexactly(size)


def _small(port: int) -> socket.socket:
    """Connected. Given a size before, the kernel never grows the buffer."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", port))
    return sock


class Raw:
    """One connection. Frames are masked, nothing else is done for the caller: no pong, no answer to a Close."""

    patience: float | None = None  # seconds that a frame may take

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def open(cls, port: int, *, narrow: bool = False) -> "Raw":
        """Connects and upgrades. ``narrow``: its socket takes next to nothing that is not read."""
        where: dict[str, Any] = {"sock": _small(port)} if narrow else {"host": "127.0.0.1", "port": port}
        reader, writer = await asyncio.open_connection(**where)
        writer.write(UPGRADE.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in answer, answer
        return cls(reader, writer)

    @classmethod
    async def connected(cls, port: int, token: str = "", *channels: str, narrow: bool = False) -> "Raw":
        """Opens, connects with the token, subscribes to the channels."""
        raw = await cls.open(port, narrow=narrow)
        await raw.ask(id=1, connect={"token": token} if token else {})
        for number, channel in enumerate(channels, 2):
            await raw.ask(id=number, subscribe={"channel": channel})
        return raw

    def send(self, payload: bytes, opcode: int = framing.TEXT) -> None:
        """One masked frame."""
        self.writer.write(framing.client_frame(opcode, payload, os.urandom(4)))

    def command(self, **fields: Any) -> None:
        """One command in one frame."""
        self.send(json.dumps(fields).encode())

    async def ask(self, **fields: Any) -> dict[str, Any]:
        """One command; the reply with its id (pushes before it are passed over); AssertionError when it is an error."""
        self.command(**fields)
        while True:
            for reply in await self.replies():
                if reply.get("id") == fields["id"]:
                    assert "error" not in reply, reply
                    return reply

    async def replies(self) -> list[dict[str, Any]]:
        """The lines of the next text frame; raises `Gone`."""
        _, payload = await self.frame()
        return [json.loads(line) for line in payload.split(b"\n") if line]

    async def frame(self) -> tuple[int, bytes]:
        """The next frame that is no Close; raises `Gone`."""
        opcode, payload = await self.any_frame()
        if opcode == framing.CLOSE:
            raise Gone(*framing.parse_close(payload))
        return opcode, payload

    async def any_frame(self) -> tuple[int, bytes]:
        """The next frame; raises `Gone` when none comes any more."""
        async with asyncio.timeout(self.patience):
            return await self._any_frame()

    async def _any_frame(self) -> tuple[int, bytes]:
        try:
            first, payload = await frame_from(self.reader)
        except (OSError, asyncio.IncompleteReadError):
            raise Gone(None) from None
        return first & 0x0F, payload

    async def end(self) -> Gone:
        """Reads on until the server closes, and answers how."""
        while True:
            try:
                await self.frame()
            except Gone as gone:
                return gone

    async def abort(self) -> None:
        """Ends it without a word, and waits until the socket is closed."""
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()
