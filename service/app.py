"""The only file that knows every room: builds them, connects them, starts and stops them in order."""

import asyncio
import platform
import signal
import socket
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Middleware

from observability import ledger_names, names, setup
from observability.logs import RotatingFile
from observability.metrics import Words
from observability.names import Figure
from observability.setup import Telemetry
from service import __version__
from service.access.hooks import Hooks
from service.access.key_fetching import KIND as KEY_SETS
from service.access.key_fetching import KeyFetcher
from service.access.refusals import CAUSES as TOKEN_CAUSES
from service.access.tokens import Tokens
from service.api.api_methods import METHODS, Methods, Node
from service.api.debug import Debug
from service.api.door import Door, Place
from service.api.front import Front, FrontSettings
from service.api.health import Doors, Readiness
from service.api.page import PATH as PAGE
from service.api.page import Page
from service.api.server_api import ServerApi
from service.broker.contract import Broker, Soon
from service.broker.memory_broker import MemoryBroker
from service.broker.watched import WatchedBroker
from service.channels.confirming import ReceiptSettings
from service.channels.hub import Hub, HubSettings
from service.config import Settings
from service.connections import consulting
from service.connections.audience import Audience
from service.connections.calls import Calls
from service.connections.certificates import Certificate
from service.connections.connection import Connection
from service.connections.doorstep import Doorstep
from service.connections.entrance import Entrance
from service.connections.errands import Errands
from service.connections.guard import guarded, step_name
from service.connections.inspection import Inspection
from service.connections.negotiation import JSON, PROTOBUF
from service.connections.registry import Registry
from service.connections.reports import Reports
from service.connections.rounds import Rounds
from service.connections.station import ConnectionSettings, Due, Peer, Station
from service.connections.sums import Sums
from service.connections.takeover import settle
from service.connections.transports import Transports
from service.connections.upgrade import Upgrade
from service.connections.variants import Variant
from service.connections.wheel import Wheel
from service.outside.http_client import HttpClient
from service.presence.contract import Presence
from service.presence.memory_presence import MemoryPresence
from service.protocol import closing, errors
from service.protocol.codec import Codec
from service.protocol.deflate import Squeeze
from service.protocol.json_codec import JsonCodec
from service.protocol.protobuf_codec import ProtobufCodec
from service.settings.doors import Address, Listener

GOODBYES: Final = 200  # Close frames in one turn of the loop: a mass close must not stall it
LINGER_SHARE: Final = 0.7  # of the time to stop: for the peers' Close frames; the rest is for telemetry


class Service:
    """One node. ``start`` serves, ``stop`` says goodbye to everybody; both once."""

    def __init__(
        self, settings: Settings, telemetry: Telemetry | None = None, middlewares: Sequence[Middleware] = ()
    ) -> None:
        """Build every room; nothing is opened yet. Needs a running loop.

        Args:
            settings: of all rooms.
            telemetry: made from the settings when none is given.
            middlewares: aiohttp's, on all public routes; in front of an upgrade each has its own budget (``guard.py``).

        Raises:
            UnknownRelease: of aiohttp.

        """
        settle()
        loop = asyncio.get_running_loop()
        self.settings = settings
        self.telemetry = telemetry = telemetry or setup.build(settings.telemetry, _words(settings, middlewares))
        self.node = Node(uuid.uuid4().hex, settings.node_name or socket.gethostname(), __version__)
        self._middlewares = middlewares
        self.ready = False
        codecs: list[Codec] = [JsonCodec(), ProtobufCodec()]
        variants = dict(_variants(codecs, settings.upgrade.squeeze))
        self.transports = _transports(settings, codecs, telemetry)
        everything = [*variants.values(), *self.transports.variants()]
        sums, errands = Sums(), Errands()
        self.broker: Broker = WatchedBroker(MemoryBroker(loop, settings=settings.broker), telemetry.broker)
        self.presence: Presence = MemoryPresence()
        self.hub = Hub(
            settings.namespaces,
            self.broker,
            {variant: variant.publications for variant in everything},
            sums.write_many,
            telemetry.channels,
            loop=loop,
            run=errands.run,
            observe_broker=telemetry.broker,
            presence=self.presence,
            announcers={variant: variant.announcements for variant in everything},
            observe_presence=telemetry.presence,
            observe_receivers=telemetry.receivers,
            settings=_hub(settings),
        )
        self._http = HttpClient(__version__)
        hooks = Hooks(settings.hooks, self._http.ask, telemetry.outside)
        keys = KeyFetcher(self._http.ask, telemetry.outside)
        self.station = Station(
            settings=_known(settings.connections, self.node),
            hub=self.hub,
            errands=errands,
            tokens=Tokens(settings.tokens, settings.subscription_tokens, keys, telemetry.access),
            hooks=hooks,
            registry=Registry[Peer](),
            wheel=Wheel[Due](loop.time(), gathered=5),
            observe=telemetry.connections,
            observe_channels=telemetry.channels,
            now=loop.time,
            sums=sums,
            calls=Calls(errors.METHOD_NOT_FOUND if settings.connections.session.rpc_ping else errors.NOT_AVAILABLE),
            stalls=telemetry.runtime,
            entrance=Entrance(settings.admission, settings.http.proxies, telemetry.door, loop.time),
        )
        self.hub.on_insufficient = Connection.lost_position
        Reports(self.hub, settings.namespaces, telemetry.receivers, now=loop.time).register(self.station.calls)
        self.rounds = Rounds(self.station)
        self.upgrade = Upgrade(self.station, settings.upgrade, variants, telemetry.upgrade, telemetry.door)
        if hooks.on_rpc:
            self.station.calls.hook = partial(consulting.call, self.station)
        for room in (self, self.hub, self.broker, keys, hooks, self.station.entrance):
            telemetry.registry.add_source(room.figures)
        http = settings.http
        places = [self._place(listener) for listener in (http.public, *http.listeners)]
        self._public = Door(self._public_application(), places, telemetry.door)
        self._internal = Door(self._internal_application(), [self._place(http.internal)], telemetry.door)

    # ---------------------------------------------------------------------- doors

    def _place(self, listener: Listener) -> Place:
        http, telemetry = self.settings.http, self.telemetry
        doorstep = Doorstep(listener.name, http.limits, listener.clocks, telemetry.door, telemetry.runtime)
        telemetry.registry.add_source(doorstep.figures)
        if listener is http.public:  # its rounds go on as long as anybody comes in
            doorstep.each_round.append(self.station.hooks.look)
        certificate = None
        if listener.tls is not None:
            certificate = Certificate(listener.name, listener.tls, telemetry.door)
            telemetry.registry.add_source(certificate.figures)
            doorstep.user_field = listener.tls.user_from
        proxies = http.proxies if listener.proxy_protocol else None
        return Place(listener.host, listener.port, listener.sockets, doorstep, certificate, proxies)

    def _public_application(self) -> web.Application:
        application = web.Application(middlewares=self._guarded(), client_max_size=self.settings.api.max_request_size)
        router = application.router
        if self.settings.websocket:
            router.add_route("*", self.settings.upgrade.path, self.upgrade.handle)
        self.transports.add_routes(router, self.station)
        if not self.settings.api.disabled:
            audience = Audience(self.station)
            methods = Methods(self.hub, self.settings.namespaces, audience, self.node)
            ServerApi(self.settings.api, methods, self.telemetry.api).add_routes(router)
        self._small_doors().add_public(router)
        if self.settings.page is not None:
            Page(self.settings.page, self.settings.tokens).add_routes(router)
        Front(self._front(), self.telemetry.door).add_routes(router)
        return application

    def _front(self) -> FrontSettings:
        settings = self.settings
        return FrontSettings(
            websocket=settings.upgrade.path if settings.websocket else "",
            api="" if settings.api.disabled else settings.api.path,
            demo="" if settings.page is None else PAGE,
        )

    def _guarded(self) -> list[Middleware]:
        errands, observe = self.station.errands, self.telemetry.upgrade
        paths = {self.settings.upgrade.path, *self.transports.paths()}
        return [guarded(each, lambda request: request.path in paths, errands, observe) for each in self._middlewares]

    def _internal_application(self) -> web.Application:
        application = web.Application()
        self._small_doors().add_internal(application.router)
        inspection = Inspection(self.station)
        Debug(self.settings.debug, inspection, self.about, self.telemetry.api).add_routes(application.router)
        return application

    def about(self) -> dict[str, Any]:
        """What the debug API tells of the node."""
        return {
            "node": self.node.name,
            "version": self.node.version,
            "now": round(time.time(), 3),
            "ready": self.ready,
            "draining": self.station.leaving is not None,
            "connections": len(self.station.registry.sockets),
            "users": self.station.registry.users,
            "channels": self.hub.totals()[0],
            "stalled": len(self.station.stalled),
            "excuse": round(self.telemetry.runtime.excuse(), 3),
            "stalls": self.telemetry.runtime.recent(),
            "sums": self.station.sums.told(),
        }

    def _small_doors(self) -> Doors:
        return Doors(self.settings.doors, self.telemetry.registry.render, self.readiness)

    def readiness(self) -> Readiness:
        """Whether traffic may come."""
        if self.ready:
            return Readiness({}, {})
        why = "draining" if self.station.leaving is not None else "starting"
        return Readiness({"service": why}, {})

    # ------------------------------------------------------------- start and stop

    async def start(self) -> tuple[Address, Address]:
        """Open both ports; the public and the internal address, with the ports that were taken.

        Raises:
            OSError: an address cannot be had; nothing is left open.

        """
        await self.telemetry.start()
        await _soon(self.presence.start())
        await _soon(self.broker.start(self.hub.deliver, self.hub.removed, self.hub.announced))
        try:
            internal = Address(*(await self._internal.open())[0])
            public = Address(*(await self._public.open())[0])
        except OSError:
            await self._internal.close()
            await self._public.close()
            await self.telemetry.stop()
            raise
        self.rounds.start()
        self.ready = True
        self.telemetry.service.started(f"{public.host}:{public.port}", f"{internal.host}:{internal.port}")
        self.telemetry.service.ready(True)
        for warning in (*self.settings.warnings, *_of_the_log(self.settings.telemetry.log_file)):
            self.telemetry.service.note(warning)
        return public, internal

    async def stop(self, reason: str) -> None:
        """Readiness red, listener closed, everybody closed with 3001 and lingering, telemetry flushed; all in time."""
        began = time.monotonic()
        self.ready = False
        self.telemetry.service.ready(False)
        self.telemetry.service.draining(len(self.station.registry.sockets), self.settings.shutdown_timeout)
        self.station.leaving = closing.SHUTDOWN
        await self._public.close_listener()
        left = await self._say_goodbye(self.settings.shutdown_timeout * LINGER_SHARE)
        self.rounds.stop()
        await self.station.errands.stop()
        await self._http.close()
        await _soon(self.broker.stop())
        await _soon(self.presence.stop())
        self.telemetry.service.stopped(reason, time.monotonic() - began, left)
        await self._public.close()
        await self._internal.close()
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
        while sockets and time.monotonic() < until:  # noqa: ASYNC110 - a set has no Event
            await asyncio.sleep(0.02)
        left = list(sockets)
        for connection in left:
            connection.abort()
        await asyncio.sleep(0)
        return len(left)

    def renew_certificates(self) -> None:
        """Read the certificates of all listeners and hooks again; connections that are there keep theirs."""
        self.station.hooks.renew_certificates()
        self._public.renew()
        self._internal.renew()

    async def until_told(self) -> str:
        """Wait for SIGTERM or SIGINT; its name. Further signals are ignored: stopping has its own deadline."""
        loop = asyncio.get_running_loop()
        ordered: asyncio.Future[str] = loop.create_future()
        loop.add_signal_handler(signal.SIGHUP, self.renew_certificates)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _order, ordered, number.name)
        return await ordered

    # --------------------------------------------------------------------- figures

    def figures(self) -> Iterable[Figure]:
        """What a scrape shows of the connections."""
        sums, now = self.station.sums, self.station.now()
        oldest = min((c.unsent_since() for c in self.station.stalled), default=now)
        for kind, count in self.station.carried.items():
            yield Figure(names.CONNECTIONS.name, kind, count)
        unaccounted = self.station.closes.unaccounted(len(self.station.registry.sockets))
        yield Figure(ledger_names.CONNECTIONS_UNACCOUNTED.name, (), unaccounted)
        yield Figure(names.OUTBOX_MESSAGES.name, (), sums.outbox_messages)
        yield Figure(names.OUTBOX_BYTES.name, (), sums.outbox_bytes)
        yield Figure(names.KERNEL_UNSENT.name, (), sums.kernel_bytes)
        unsent = sums.outbox_messages + sums.kernel_messages
        yield Figure(names.BACKLOG_MESSAGES.name, (), unsent + self.hub.receipts.overdue)
        yield Figure(names.BACKLOG_BYTES.name, (), sums.outbox_bytes + sums.kernel_bytes)
        yield Figure(names.BACKLOG_MEMORY.name, (), sums.memory)
        if self.settings.connections.pressure.cap:
            yield Figure(names.BACKLOG_LIMIT.name, (), self.settings.connections.pressure.cap)
        yield Figure(names.SLOW_CONNECTIONS.name, (), len(self.station.stalled))
        yield Figure(names.UNSENT_OLDEST.name, (), max(0.0, now - oldest))


def _variants(codecs: Iterable[Codec], squeeze: Squeeze | None) -> Iterator[tuple[tuple[str, bool], Variant]]:
    """By subprotocol, and by whether long messages are compressed."""
    for name, codec in zip((JSON, PROTOBUF), codecs, strict=True):
        yield (name, False), Variant(codec)
        if squeeze is not None:
            yield (name, True), Variant(codec, squeeze=squeeze)


def _transports(settings: Settings, codecs: Sequence[Codec], telemetry: Telemetry) -> Transports:
    return Transports(settings.transports, codecs, telemetry.upgrade, telemetry.door, telemetry.emulation)


def _known(settings: ConnectionSettings, node: Node) -> ConnectionSettings:
    """The settings with this node's id, which clients of streams have to name."""
    return replace(settings, session=replace(settings.session, node=node.uid))


def _order(ordered: asyncio.Future[str], name: str) -> None:
    if not ordered.done():
        ordered.set_result(name)


async def _soon(answer: Soon[None]) -> None:
    if answer is not None:
        await answer


def _hub(settings: Settings) -> HubSettings:
    return HubSettings(
        recovery_max_publication_limit=settings.recovery_max_publication_limit,
        position_check_delay=settings.position_check_delay,
        position_max_time_lag=settings.position_max_time_lag,
        receipts=ReceiptSettings(positions=settings.receipt_positions),
    )


def _words(settings: Settings, middlewares: Sequence[Middleware]) -> Words:
    """The closed lists of label values; ``observability`` knows no room, so they are handed over."""
    return Words(
        namespaces=settings.telemetry.namespaces,
        other_namespaces=[name for name in settings.namespaces.named if name not in settings.telemetry.namespaces],
        close_codes=[str(code) for code in closing.CLOSINGS],
        close_causes=closing.CAUSES,
        ends=closing.USUAL_ENDS,
        reply_errors=["0", *(str(code) for code in errors.ERRORS)],
        api_methods=METHODS,
        listeners=[listener.name for listener in settings.http.all],
        steps=["on_response_prepare", *map(step_name, middlewares)],
        token_causes=TOKEN_CAUSES,
        dependencies=[KEY_SETS, *settings.hooks.names],
        version=[__version__],
        python=[platform.python_version()],
    )


def _of_the_log(file: str) -> Iterator[str]:
    if file and (why := RotatingFile(file, 0).trouble()):
        yield f"log.file: {file} cannot be written: {why}; the standard output alone has the lines"
