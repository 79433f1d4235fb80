"""The idiomatic aiohttp server: `WebSocketResponse`, `await ws.send_str` in a loop; what a client says is echoed."""

import uvloop
from aiohttp import web

from bench import envelope
from bench.door import Door

_open: set[web.WebSocketResponse] = set()


async def websocket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    _open.add(ws)
    try:
        async for message in ws:
            await ws.send_str(message.data)
    finally:
        _open.discard(ws)
    return ws


async def broadcast(_batch: int) -> None:
    text = envelope.pushed()
    for ws in _open:
        await ws.send_str(text)


async def main() -> None:
    app = web.Application()
    app.router.add_get("/connection/websocket", websocket)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    door = Door(broadcast)
    door.open(runner.addresses[0][1])
    await door.closed.wait()


uvloop.run(main())
