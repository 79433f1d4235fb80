"""Providers that behave, refuse, limit and go away, over real sockets."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


class Provider:
    """An HTTP server that keeps what it was sent; ``answers`` decides, call by call."""

    def __init__(self, answers: Callable[[int, dict[str, Any]], web.Response]) -> None:
        self.calls: list[dict[str, Any]] = []
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []
        self._answers = answers
        self._server: TestServer | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> "Provider":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._server = TestServer(app)
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None, "entered"
        await self._server.close()

    async def _take(self, request: web.Request) -> web.Response:
        text = await request.text()
        body = json.loads(text) if text else {}
        self.calls.append(body)
        self.queries.append(dict(request.query))
        self.paths.append(request.path)
        self._news.set()
        return self._answers(len(self.calls), body)

    def url(self, path: str = "/") -> str:
        assert self._server is not None, "entered"
        return str(self._server.make_url(path))

    async def called(self, count: int) -> None:
        """Until so many calls have come."""
        async with asyncio.timeout(10):
            while len(self.calls) < count:
                self._news.clear()
                await self._news.wait()


class Smtp:
    """An SMTP server that keeps its letters (RFC 5321, as much as a client here uses)."""

    def __init__(self, refusals: list[bytes] | None = None) -> None:
        self.letters: list[str] = []
        self.to: list[str] = []
        self.port = 0
        self._refusals = refusals or []
        self._news = asyncio.Event()

    async def __aenter__(self) -> "Smtp":
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                letter = await reader.readuntil(b"\r\n.\r\n")
                self.letters.append(letter.decode())
                self._news.set()
            elif word == b"RCPT":
                self.to.append(line.decode().strip())
                if self._refusals:
                    writer.write(self._refusals.pop(0) + b"\r\n")
                    continue
            writer.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            await writer.drain()
            if word == b"QUIT":
                break
        writer.close()
        await writer.wait_closed()

    async def delivered(self, count: int) -> None:
        """Until so many letters have come."""
        async with asyncio.timeout(10):
            while len(self.letters) < count:
                self._news.clear()
                await self._news.wait()
