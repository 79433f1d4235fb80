"""The only file that knows every room: builds them, connects them, starts and stops them in order."""

import asyncio
import signal
import time
from collections.abc import Iterable

from aiohttp import web

from observability import names
from observability.names import Figure
from observability.setup import Telemetry
from service.access.tokens import Tokens
from service.broker.memory_broker import MemoryBroker
from service.channels.hub import Hub
from service.config import Address, Settings
from service.connections import flush
from service.connections.audience import Audience
from service.connections.connection import Connection
from service.connections.errands import Errands
from service.connections.registry import Registry
from service.connections.rounds import Rounds
from service.connections.sockopts import listen
from service.connections.station import Station
from service.connections.takeover import check_release
from service.connections.upgrade import Upgrade
from service.connections.variants import Variant
from service.connections.wheel import Wheel
from service.doors import Doors
from service.protocol import closing
from service.protocol.json_codec import JsonCodec

GOODBYES = 200  # Close frames in one turn of the loop: a mass close must not stall it
LINGER_SHARE = 0.7  # of the time to stop: for the peers' Close frames; the rest is for telemetry


class Service:
    """One node. ``start`` serves, ``stop`` says goodbye to everybody; both once."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        """Build every room; nothing is opened yet. Needs a running loop.

        Raises:
            UnknownRelease: of aiohttp.

        """
        check_release()
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.telemetry = telemetry
        self.started_at = time.time()
        variant = Variant(JsonCodec())
        self.broker = MemoryBroker(telemetry.broker)
        self.hub = Hub(
            settings.namespaces,
            self.broker,
            {variant: variant.publications},
            flush.send_many,
            telemetry.channels,
            loop=loop,
        )
        self.station = Station(
            settings=settings.connections,
            hub=self.hub,
            tokens=Tokens(settings.tokens, settings.subscription_tokens),
            errands=Errands(),
            registry=Registry[Connection](),
            wheel=Wheel[Connection](loop.time()),
            observe=telemetry.connections,
            observe_channels=telemetry.channels,
            now=loop.time,
        )
        self.hub.on_insufficient = Connection.lost_position
        self.rounds = Rounds(self.station)
        self.audience = Audience(self.station.registry)
        variants = {"": variant, "centrifuge-json": variant}
        self.upgrade = Upgrade(self.station, settings.upgrade, variants, telemetry.upgrade)
        self.doors = Doors(self)
        self.ready = False
        telemetry.registry.add_source(self.figures)
        telemetry.registry.add_source(self.hub.figures)
        telemetry.registry.add_source(self.broker.figures)

    # ------------------------------------------------------------ start and stop

    async def start(self) -> tuple[Address, Address]:
        """Open both ports; the public and the internal address, with the ports that were chosen.

        Raises:
            OSError: an address cannot be had; nothing is left open.

        """
        await self.telemetry.start()
        started = self.broker.start(self.hub.deliver, self.hub.removed)
        if started is not None:
            await started
        self.rounds.start()
        public, internal = await self.doors.open()
        self.ready = True
        self.telemetry.service.started(f"{public.host}:{public.port}", f"{internal.host}:{internal.port}")
        self.telemetry.service.ready(True)
        for warning in self.settings.warnings:
            self.telemetry.service.note(warning)
        return public, internal

    async def stop(self, reason: str) -> None:
        """Readiness red, listener closed, every connection 3001 with lingering, telemetry flushed; within its deadline."""
        began = time.monotonic()
        self.ready = False
        self.telemetry.service.ready(False)
        self.telemetry.service.draining(len(self.station.registry.sockets))
        self.station.leaving = closing.SHUTDOWN
        await self.doors.close_public()
        left = await self._say_goodbye(self.settings.shutdown_timeout * LINGER_SHARE)
        self.rounds.stop()
        await self.station.errands.stop()
        stopped = self.broker.stop()
        if stopped is not None:
            await stopped
        self.telemetry.service.stopped(reason, time.monotonic() - began, left)
        await self.doors.close()
        await self.telemetry.stop()

    async def _say_goodbye(self, seconds: float) -> int:
        """Close everybody in slices; how many had not left when the time was over."""
        sockets = self.station.registry.sockets
        until = time.monotonic() + seconds
        everybody = list(sockets)
        for start in range(0, len(everybody), GOODBYES):
            for connection in everybody[start : start + GOODBYES]:
                connection.close(closing.SHUTDOWN)
            await asyncio.sleep(0)
        while sockets and time.monotonic() < until:
            await asyncio.sleep(0.02)
        left = list(sockets)
        for connection in left:
            connection.abort()
        await asyncio.sleep(0)
        return len(left)

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then stop."""
        loop = asyncio.get_running_loop()
        ordered: asyncio.Future[str] = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._order, ordered, signal.Signals(number).name)
        try:
            await self.stop(await ordered)
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    @staticmethod
    def _order(ordered: asyncio.Future[str], name: str) -> None:
        if not ordered.done():
            ordered.set_result(name)

    # ------------------------------------------------------------------- figures

    def figures(self) -> Iterable[Figure]:
        """What a scrape shows of the connections."""
        sums = self.station.sums
        now = self.station.now()
        oldest = min((c.unsent_since() for c in self.station.stalled), default=now)
        yield Figure(names.CONNECTIONS.name, ("json",), len(self.station.registry.sockets))
        yield Figure(names.OUTBOX_MESSAGES.name, (), sums.outbox_messages)
        yield Figure(names.OUTBOX_BYTES.name, (), sums.outbox_bytes)
        yield Figure(names.KERNEL_UNSENT.name, (), sums.kernel_bytes)
        yield Figure(names.BACKLOG_MESSAGES.name, (), sums.outbox_messages + sums.kernel_messages)
        yield Figure(names.BACKLOG_BYTES.name, (), sums.outbox_bytes + sums.kernel_bytes)
        yield Figure(names.SLOW_CONNECTIONS.name, (), len(self.station.stalled))
        yield Figure(names.UNSENT_OLDEST.name, (), max(0.0, now - oldest))
        yield Figure(names.READY.name, (), int(self.ready))
        yield Figure(names.DRAINING.name, (), int(self.station.leaving is not None))



async def serve(settings: Settings, telemetry: Telemetry) -> None:
    """Build, start, run until told to stop."""
    service = Service(settings, telemetry)
    await service.start()
    await service.run()


__all__ = ["Service", "serve", "web"]
