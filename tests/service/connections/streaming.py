"""Clients of streams, made of bytes: what came in the body, chunk by chunk."""

import asyncio
import json
import time
from urllib.parse import quote

import aiohttp
import jwt

from tests.service.connections.conftest import SECRET

ON = {
    **{name: {"enabled": True} for name in ("sse", "http_stream", "uni_sse", "uni_http_stream", "uni_websocket")},
    "channel": {
        "without_namespace": {"allow_subscribe_for_client": True, "allow_publish_for_client": True},
        "namespaces": [{"name": "stream", "history_size": 10, "history_ttl": "60s", "force_recovery": True}],
    },
}


def token(user="ann", **claims):
    return jwt.encode(
        {"sub": user, "exp": int(time.time()) + 86400, **claims}, SECRET, algorithm="HS256"
    )  # made at collection, too


def connect(user="ann", **claims):
    """A connect command."""
    return {"id": 1, "connect": {"token": token(user, **claims)}}


class Body:
    """An HTTP answer that does not end; ``events`` are the messages in it."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.chunks = []
        self._messages = []
        self.status = 0
        self.headers = {}

    async def head(self):
        lines = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 3)).decode().split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        return self

    async def chunk(self):
        """The next chunk; b"" for the last one."""
        size = int(await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 3), 16)
        data = (await asyncio.wait_for(self.reader.readexactly(size + 2), 3))[:-2]
        self.chunks.append(data)
        return data

    async def message(self):
        """The next message; None at the end of the body."""
        while not self._messages:
            data = await self.chunk()
            if not data:
                return None
            for line in data.split(b"\n"):
                text = line.removeprefix(b"data: ").strip()
                if text:
                    self._messages.append(json.loads(text))
        return self._messages.pop(0)

    async def ended(self):
        return await asyncio.wait_for(self.reader.read(1), 3) == b""


async def opened(node, method, path, body=b"", headers=(), version="1.1", rest=b""):
    """A request by hand, and its answer's head."""
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    node.peers.append(writer)
    head = [f"{method} {path} HTTP/{version}", "Host: a", *headers]
    if body:
        head.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*head, "", ""]).encode() + body + rest)
    return await Body(reader, writer).head()


async def sse(node, command=None, **more):
    return await opened(node, "GET", f"/connection/sse?cf_connect={quote(json.dumps(command or connect()))}", **more)


async def http_stream(node, *commands, **more):
    body = "\n".join(map(json.dumps, commands or [connect()])).encode()
    return await opened(node, "POST", "/connection/http_stream", body, **more)


async def emulate(served, greeting, *commands, **changes):
    """The status of a request with commands."""
    text = "\n".join(map(json.dumps, commands))
    asked = {"session": greeting["session"], "node": greeting["node"], "data": text, **changes}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"http://127.0.0.1:{served.port}/emulation", json=asked) as answer,
    ):
        return answer.status


async def until(condition):
    """Wait for something that the other side of a socket brings about."""
    async with asyncio.timeout(3):
        while not condition():
            await asyncio.sleep(0.005)
