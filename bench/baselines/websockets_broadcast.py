"""The `websockets` library: one `broadcast()` call a message."""

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from bench import envelope
from bench.door import Door

_open: set[ServerConnection] = set()


async def hold(connection: ServerConnection) -> None:
    _open.add(connection)
    try:
        await connection.wait_closed()
    finally:
        _open.discard(connection)


async def send_to_all(_batch: int) -> None:
    broadcast(_open, envelope.pushed())


async def main() -> None:
    async with serve(hold, "127.0.0.1", 0, compression=None, ping_interval=None, backlog=4096) as server:
        door = Door(send_to_all)
        door.open(next(iter(server.sockets)).getsockname()[1])
        await door.closed.wait()


uvloop.run(main())
