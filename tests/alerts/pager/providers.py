"""Providers that behave, refuse, limit and go away, over real sockets."""

import asyncio
import base64
import json
import ssl
from collections.abc import Callable
from contextlib import suppress
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
    """An SMTP server that keeps its letters (RFC 5321, 3207 and 4954, as much as a client here uses)."""

    def __init__(
        self,
        refusals: list[bytes] | None = None,
        *,
        context: ssl.SSLContext | None = None,
        implicit: bool = False,
        account: tuple[str, str] | None = None,
        goodbye: bytes = b"221 bye",
    ) -> None:
        """``context``: it wants TLS, and an ``account`` (name, password) when there is one."""
        self.letters: list[str] = []
        self.to: list[str] = []
        self.port = 0
        self.secured: list[str] = []  # the TLS version of each letter
        self._refusals = refusals or []
        self._context = context
        self._implicit = implicit
        self._account = account
        self._goodbye = goodbye
        self._news = asyncio.Event()

    async def __aenter__(self) -> "Smtp":
        context = self._context if self._implicit else None
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        known = self._account is None
        with suppress(ssl.SSLError, ConnectionError):  # whoever does not trust our certificate goes away
            while line := await reader.readline():
                word = line.split()[0].upper()
                secure = writer.get_extra_info("ssl_object")
                if word == b"STARTTLS":
                    writer.write(b"220 go on\r\n")
                    await writer.start_tls(self._context)
                    continue
                if word == b"AUTH":
                    given = base64.b64decode(line.split()[2]).decode().split("\0")[1:]
                    known = given == list(self._account or ())
                    writer.write(b"235 welcome\r\n" if known else b"535 5.7.8 wrong name or password\r\n")
                elif word == b"EHLO":
                    more = [b"AUTH PLAIN"] if secure or not self._context else [b"STARTTLS"]
                    writer.write(b"".join(b"250-%s\r\n" % each for each in [b"here", *more]) + b"250 8BITMIME\r\n")
                elif word == b"MAIL" and self._context and not secure:
                    writer.write(b"530 5.7.0 Must issue a STARTTLS command first\r\n")
                elif word == b"MAIL" and not known:
                    writer.write(b"530 5.7.0 Authentication required\r\n")
                elif word == b"RCPT":
                    self.to.append(line.decode().strip())
                    writer.write((self._refusals.pop(0) if self._refusals else b"250 ok") + b"\r\n")
                elif word == b"DATA":
                    writer.write(b"354 go on\r\n")
                    letter = await reader.readuntil(b"\r\n.\r\n")
                    self.letters.append(letter.decode())
                    self.secured.append(secure.version() if secure else "")
                    self._news.set()
                    writer.write(b"250 ok\r\n")
                else:
                    writer.write((self._goodbye if word == b"QUIT" else b"250 ok") + b"\r\n")
                await writer.drain()
                if word == b"QUIT":
                    break
        writer.close()
        with suppress(ssl.SSLError, ConnectionError):
            await writer.wait_closed()

    async def delivered(self, count: int) -> None:
        """Until so many letters have come."""
        async with asyncio.timeout(10):
            while len(self.letters) < count:
                self._news.clear()
                await self._news.wait()
