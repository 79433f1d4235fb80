"""A stand-in for the Collector: takes OTLP over HTTP, answers 200 and forgets, so that export costs what it costs."""

import uvloop
from aiohttp import web

from bench.door import Door


async def take(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(content_type="application/x-protobuf")


async def nothing(_batch: int) -> None:
    """A sink publishes nothing."""


async def main() -> None:
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{signal:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    door = Door(nothing)
    door.open(runner.addresses[0][1])
    await door.closed.wait()
    await runner.cleanup()


uvloop.run(main())
