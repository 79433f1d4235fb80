"""What strangers can do to telemetry: users, routes and close codes without number make no series, and no secret is told.

Ten thousand channels are in ``test_strangers.py``, a flood of lines in ``tests/observability/test_logs.py``.
"""

import asyncio
import contextlib
import itertools
import json
import zlib

import pytest
from aiohttp import web

from tests.e2e.raw import Raw
from tests.e2e.served import KEY, SECRET, Served, configuration, token

USERS = 10_000
AT_ONCE = 50
#: Every kind of code that a client can send: impossible, reserved, registered, each of ours, the application's, beyond all.
CODES = [
    *range(0, 1000, 50),
    *range(1000, 1020),
    *range(1020, 3000, 90),
    *range(3000, 3600),
    *range(4000, 5100, 50),
    65_535,
]


def series(server):
    """All that a scrape shows, without the values."""
    lines = server.get("/metrics", internal=True).splitlines()
    return {line.partition(" # ")[0].rpartition(" ")[0] for line in lines if not line.startswith("#")}


async def visit(port, user, code):
    """A user comes, and leaves with a close code."""
    raw = await Raw.connected(port, token(user))
    raw.send(code.to_bytes(2) + b"bye", 0x8)
    async with asyncio.timeout(20):
        await raw.end()
    await raw.abort()


async def visits(port, users, codes):
    pairs = iter(zip(users, codes, strict=False))

    async def one_after_the_other():
        for user, code in pairs:
            await visit(port, user, code)

    await asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE)))


async def ask(port, requests):
    """Requests over one connection, one after the other; the statuses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses = set()
    for method, path in requests:
        writer.write(
            f"{method} {path} HTTP/1.1\r\nHost: t\r\nX-API-Key: {KEY}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        await reader.readexactly(int(head.split("content-length: ")[1].split("\r")[0]))
        statuses.add(int(head.split(" ")[1]))
        if "connection: close" in head:
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return statuses


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_ten_thousand_users_routes_and_close_codes_leave_no_series(tmp_path):
    with Served(tmp_path) as server:
        await visits(server.port, (f"first-{n}" for n in range(len(CODES))), CODES)
        await ask(server.port, [("GET", "/first"), ("POST", "/api/first"), ("POST", "/connection/first")])
        known = series(server)
        users = (f"user-{n}-{'x' * 40}" for n in range(USERS))
        _, *statuses = await asyncio.gather(
            visits(server.port, users, itertools.cycle(range(65_536))),
            ask(server.port, [("GET", f"/route-{n}") for n in range(USERS)]),
            ask(server.port, [("POST", f"/api/method-{n}") for n in range(USERS // 10)]),
            ask(server.port, [("POST", f"/connection/{n}") for n in range(USERS // 10)]),
        )
        assert all(status <= {404, 405} for status in statuses), statuses
        assert series(server) == known
        assert server.figure("heliograph_greetings_total", result="connected") == USERS + len(CODES)


# -------------------------------------------------------------------------------- secrets

#: What must be in no line, span, label or page; each is used below where it is meant to be used, and where it is not.
PAYLOAD, PASSWORD, GUESS = "canary-payload-7f3a", "canary-password-91bc", "canary-guessed-key-5d20"
HEADER = "canary-cookie-c0de"


class Spans:
    """An OTLP endpoint that keeps what it gets."""

    def __init__(self) -> None:
        self.bodies = []
        self.application = web.Application()
        self.application.router.add_post("/v1/traces", self.take)

    async def take(self, request):
        body = await request.read()  # aiohttp has unpacked it
        self.bodies.append(body if body[:2] != b"\x1f\x8b" else zlib.decompress(body, 31))
        return web.Response(body=b"", content_type="application/x-protobuf")


async def use_the_secrets(server, good):
    """Everything that takes a secret or carries a payload, done well and done wrong."""
    reader = await Raw.connected(server.port, good, "stream:news")
    raw = await Raw.connected(server.port, good)
    raw.command(id=5, publish={"channel": "stream:news", "data": {"text": PAYLOAD}})
    raw.command(id=6, publish={"channel": "nowhere:news", "data": {"text": PAYLOAD}})
    raw.command(id=7, rpc={"method": "unknown", "data": {"password": PASSWORD}})
    raw.command(id=8, subscribe={"channel": "stream:news", "token": good[:-3] + "xyz"})
    raw.command(id=9, refresh={"token": good})
    raw.send(b'{"id": 10, "publish": {"channel": "stream:news", "data": "' + PAYLOAD.encode())  # a broken frame
    await raw.end()
    await raw.abort()
    assert PAYLOAD in json.dumps(await reader.replies()), "it was delivered"
    await reader.abort()
    for wrong in (good[:-4] + "AAAA", f"{PASSWORD}.{PASSWORD}.{PASSWORD}", good.replace(".", "", 1)):
        refused = await Raw.open(server.port)
        refused.command(id=1, connect={"token": wrong, "data": {"password": PASSWORD}, "name": "canaries"})
        await refused.end()
        await refused.abort()
    await asyncio.gather(
        *(
            answered(server.port, path, headers)
            for path, headers in (
                ("/api/publish", f"X-API-Key: {KEY}"),
                ("/api/publish", f"X-API-Key: {GUESS}"),
                ("/api/publish", f"Authorization: apikey {GUESS}"),
                (f"/api/publish?api_key={GUESS}", "X-Nothing: 1"),
                (f"/connection/websocket?token={good}", f"Cookie: session={HEADER}"),
                (f"/connection/websocket?cf_connect={PASSWORD}", f"Authorization: Bearer {good}"),
            )
        )
    )


async def answered(port, path, header):
    body = json.dumps({"channel": "stream:news", "data": {"text": PAYLOAD}}) + " " * 3
    broken = body.replace('"data"', "data") if "nothing" in header.lower() else body
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"POST {path} HTTP/1.1\r\nHost: t\r\n{header}\r\nConnection: close\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(broken)}\r\n\r\n{broken}".encode()
    )
    await reader.read()
    writer.close()


@pytest.mark.slow
async def test_no_secret_and_no_payload_is_told(aiohttp_server, tmp_path):
    spans = Spans()
    sink = await aiohttp_server(spans.application)
    good = token("canary", info={"password": PASSWORD})
    settings = configuration(log__level="debug")
    lines = tmp_path / "lines.log"
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": str(sink.make_url("/")).rstrip("/"),
        "HELIOGRAPH_LOG_FILE": str(lines),
    }
    with Served(tmp_path, settings, **environment) as server:
        await use_the_secrets(server, good)
        async with asyncio.timeout(20):
            while not any(b"websocket.close" in body for body in spans.bodies):
                await asyncio.sleep(0.05)
        pages = [await asyncio.to_thread(server.get, path, internal=True) for path in ("/metrics", "/health", "/ready")]
        assert (await asyncio.to_thread(server.stop))[0] == 0
    told = {
        "spans": b"".join(spans.bodies).decode("latin-1"),
        "log file": lines.read_text(),
        "stdout": server.log.read_text(),
        "pages": "".join(pages),
    }
    assert "message.publish" in told["spans"]
    assert '"event":"token.refused"' in told["log file"].replace(" ", "")
    canaries = {
        "API key": KEY, "HMAC secret": SECRET, "token's signature": good.rpartition(".")[2], "token's claims": good.split(".")[1],
        "payload": PAYLOAD, "password": PASSWORD, "guessed key": GUESS, "cookie": HEADER,
    }  # fmt: skip
    found = {(name, place) for name, canary in canaries.items() for place, text in told.items() if canary in text}
    assert found == set()
