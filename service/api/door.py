"""An HTTP listener: an aiohttp application behind a socket of ours."""

from aiohttp import web

from service.connections.sockopts import SocketSettings, listen

KEEPALIVE = 75.0  # seconds; above the 65 s of a usual proxy, so that it is the proxy who closes


class Door:
    """One listening socket and what answers behind it."""

    def __init__(self, application: web.Application, host: str, port: int, sockets: SocketSettings) -> None:
        self._runner = web.AppRunner(
            application,
            access_log=None,
            keepalive_timeout=KEEPALIVE,
            shutdown_timeout=1.0,
            handle_signals=False,
            tcp_keepalive=False,  # the listener has TCP_USER_TIMEOUT, connections have pings
        )
        self._host = host
        self._port = port
        self._sockets = sockets
        self._site: web.SockSite | None = None

    async def open(self) -> tuple[str, int]:
        """Listen; host and the port that was taken.

        Raises:
            OSError: the address cannot be had.

        """
        await self._runner.setup()
        listener = listen(self._host, self._port, self._sockets)
        self._site = web.SockSite(self._runner, listener, backlog=self._sockets.backlog)
        await self._site.start()
        return self._host, int(listener.getsockname()[1])

    async def close_listener(self) -> None:
        """Accept nobody any more; requests under way are answered."""
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def close(self) -> None:
        """The end of the listener and of every request."""
        self._site = None
        await self._runner.cleanup()
