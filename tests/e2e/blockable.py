"""``python -m tests.e2e.blockable ours CONFIG`` or ``aiohttp``: a server whose loop SIGUSR1 blocks for 1.5 s.

Both say their port on stdout and ping their clients every 2 s, and want the pong within 1 s.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from aiohttp import web

from service import app, config

INTERVAL, TIMEOUT, BLOCK = 2.0, 1.0, 1.5


def block() -> None:
    """What a handler of the user's does that ought not to."""
    time.sleep(BLOCK)  # THE CULPRIT


async def ours(file: str) -> int:
    flags = {"http_server.port": 0, "http_server.internal_port": 0, "http_server.address": "127.0.0.1"}
    public, _ = await app.Service(config.load(Path(file), os.environ, flags)).start()
    return public.port


async def stock_aiohttp() -> int:
    """As its documentation shows it; its ``heartbeat`` wants the pong within half of it."""

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=INTERVAL)
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    application = web.Application()
    application.router.add_get("/connection/websocket", serve)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


async def main() -> None:
    port = await (ours(sys.argv[2]) if sys.argv[1] == "ours" else stock_aiohttp())
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, block)
    sys.stdout.write(f"port {port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
