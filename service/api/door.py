"""HTTP listeners: one aiohttp application behind sockets of ours, each with its own doorstep."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from service.connections.doorstep import Doorstep
from service.connections.sockopts import SocketSettings, listen


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener is bound, and who looks after its doorstep. Port 0 takes any free one."""

    host: str
    port: int
    sockets: SocketSettings
    doorstep: Doorstep


class Door:
    """Listening sockets and what answers behind them."""

    def __init__(self, application: web.Application, places: Sequence[Place]) -> None:
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0, handle_signals=False)
        self._places = places
        self._servers: list[asyncio.Server] = []

    async def open(self) -> list[tuple[str, int]]:
        """Listen; for each place its host and the port that was taken.

        Raises:
            OSError: an address cannot be had.

        """
        await self._runner.setup()
        server = self._runner.server
        assert server is not None, "an application that was set up has a server"
        return [await self._listen(place, server) for place in self._places]

    async def _listen(self, place: Place, server: web.Server) -> tuple[str, int]:
        listener = listen(place.host, place.port, place.sockets)
        loop = asyncio.get_running_loop()
        place.doorstep.open(server)
        opened = await loop.create_server(place.doorstep.visitor, sock=listener, backlog=place.sockets.backlog)
        self._servers.append(opened)
        return place.host, int(listener.getsockname()[1])

    async def close_listener(self) -> None:
        """Accept nobody any more; requests under way are answered."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def close(self) -> None:
        """The end of the listeners and of every request."""
        await self.close_listener()
        await self._runner.cleanup()
        for place in self._places:
            place.doorstep.close()
