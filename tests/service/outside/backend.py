"""A real backend in the test: it behaves, errs, stalls or lies as told, and remembers what it was asked."""

import asyncio
import json
from contextlib import asynccontextmanager


class Backend:
    """Speaks HTTP/1.1 by hand, so that it can also speak it badly."""

    def __init__(self, tls=None, port=0):
        self._tls = tls
        self.port = port
        self.shown = []  # who its clients are, by their certificates
        self.asked = []  # (method, path, headers, body)
        self.answers = {}  # path -> what to do: see ``says``
        self.broken = 0  # connections that the other side gave up
        self.address = ""
        self._server = None
        self._tasks = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.address = f"{'http' if self._tls is None else 'https'}://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def says(self, path, *answers):
        """The answers in their order, the last one for ever.

        An answer is an object (JSON, status 200), bytes (a body), a number (a status), or a coroutine function that gets
        the writer and writes whatever it likes.
        """
        self.answers[path] = list(answers)

    def bodies(self, path):
        return [json.loads(body) for _, where, _, body in self.asked if where == path]

    def headers(self, path):
        return [headers for _, where, headers, _ in self.asked if where == path]

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        certificate = writer.get_extra_info("peercert")
        if certificate:
            self.shown.append(dict(pair for (pair,) in certificate["subject"])["commonName"])
        self._tasks.add(task)
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            self.broken += 1
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader, writer):
        line = await reader.readline()
        if not line:
            return False
        method, path, _ = line.decode().split(" ", 2)
        headers = {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            headers[name.strip().lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append((method, path, headers, body))
        answers = self.answers.get(path, [404])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            return await answer(writer)
        status = answer if isinstance(answer, int) else 200
        body = answer if isinstance(answer, bytes) else b"" if isinstance(answer, int) else json.dumps(answer).encode()
        writer.write(response(status, body))
        await writer.drain()
        return True


def response(status, body, *headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def raw(data, then_close=True):
    """Write just this."""

    async def answer(writer):
        writer.write(data)
        await writer.drain()
        return not then_close

    return answer


async def stalls(writer):
    """Say nothing until the other side goes."""
    await asyncio.sleep(3600)


async def drips(writer):
    """A body that never ends, byte by byte."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def gushes(writer):
    """A body that never ends, as fast as it is taken."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def running():
    async with Backend() as backend:
        yield backend
