"""HTTP listeners: one aiohttp application behind sockets of ours, each with its own doorstep."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from observability.observers.door import DoorObserver
from service.connections.addresses import ProxySettings
from service.connections.certificates import Certificate
from service.connections.doorstep import Doorstep
from service.connections.sockopts import SocketSettings, listen
from service.connections.threshold import Threshold


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener is bound, and who looks after its doorstep. Port 0 takes any free one."""

    host: str
    port: int
    sockets: SocketSettings
    doorstep: Doorstep
    certificate: Certificate | None = None
    proxies: ProxySettings | None = None  # that speak the PROXY protocol here


class Door:
    """Listening sockets and what answers behind them."""

    def __init__(self, application: web.Application, places: Sequence[Place], observe: DoorObserver) -> None:
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0, handle_signals=False)
        self._places = places
        self._observe = observe
        self._servers: list[asyncio.Server] = []
        self._thresholds: list[Threshold] = []

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
        port = int(listener.getsockname()[1])
        place.doorstep.open(server)
        if place.certificate is None and place.proxies is None:
            loop = asyncio.get_running_loop()
            opened = await loop.create_server(place.doorstep.visitor, sock=listener, backlog=place.sockets.backlog)
            self._servers.append(opened)
        else:
            certificate, proxies = place.certificate, place.proxies
            threshold = Threshold(listener, place.doorstep, self._observe, certificate=certificate, proxies=proxies)
            threshold.open()
            self._thresholds.append(threshold)
        return place.host, port

    def renew(self) -> None:
        """Read all certificates again."""
        for place in self._places:
            if place.certificate is not None:
                place.certificate.files.reload()

    async def close_listener(self) -> None:
        """Accept nobody any more; requests under way are answered."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for threshold in self._thresholds:
            threshold.close()

    async def close(self) -> None:
        """The end of the listeners and of every request."""
        await self.close_listener()
        for threshold in self._thresholds:
            await threshold.stop()
        await self._runner.cleanup()
        for place in self._places:
            place.doorstep.close()
