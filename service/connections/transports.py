"""Every transport beside the WebSocket: which are on, the bytes that their clients take, their routes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from observability.observers.door import DoorObserver
from observability.observers.emulation import EmulationObserver
from observability.observers.upgrade import UpgradeObserver
from service.connections import manners
from service.connections.connection import Connection
from service.connections.emulation import Emulation
from service.connections.manners import Manner
from service.connections.negotiation import JSON, PROTOBUF, Accepted, NegotiationSettings, Refusal
from service.connections.opening import Opening, StreamSettings
from service.connections.station import Station
from service.connections.stream import UniWebSocket
from service.connections.stream_variants import StreamVariant, UniWebSocketVariant
from service.connections.upgrade import Upgrade, UpgradeSettings, new_id
from service.connections.variants import Variant
from service.protocol import streams
from service.protocol.codec import BadFrame, Codec
from service.protocol.deflate import Squeeze
from service.protocol.unidirectional import UnidirectionalJson


@dataclass(frozen=True, slots=True)
class UniWebSocketSettings:
    """The WebSocket whose clients only listen."""

    path: str = "/connection/uni_websocket"
    message_size_limit: int = 65_536  # bytes of the connect request
    disable_disconnect_push: bool = False
    join_push_messages: bool = False
    squeeze: Squeeze | None = None  # how long messages are compressed for those who offer it; None: not at all
    inflated: int = 65_536  # bytes of a compressed connect request when it is read


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportSettings:
    """None: the transport is off. Commands are taken at ``emulation`` as long as a transport is on that needs it."""

    sse: StreamSettings | None = None
    http_stream: StreamSettings | None = None
    emulation: StreamSettings = StreamSettings("/emulation")
    uni_sse: StreamSettings | None = None
    uni_http_stream: StreamSettings | None = None
    uni_websocket: UniWebSocketSettings | None = None
    allowed_origins: tuple[str, ...] = ()

    def streams(self) -> Iterator[tuple[Manner, StreamSettings]]:
        """The streams that are on."""
        for manner in manners.ALL:
            found = getattr(self, manner.name, None)
            if manner.stream and found is not None:
                yield manner, found


class UniUpgrade(Upgrade):
    """The handler of the unidirectional WebSocket's route; its first message may stand in the URL."""

    transport = manners.UNI_WEBSOCKET.name

    def __init__(
        self,
        station: Station,
        settings: UniWebSocketSettings,
        origins: tuple[str, ...],
        variants: Mapping[bool, Variant],
        *,
        observe: UpgradeObserver,
        observe_door: DoorObserver,
    ) -> None:
        negotiation = NegotiationSettings(origins, settings.squeeze is not None)
        upgrade = UpgradeSettings(settings.path, negotiation, settings.squeeze, settings.inflated)
        alike = {(name, packed): variant for packed, variant in variants.items() for name in (JSON, PROTOBUF)}
        super().__init__(station, upgrade, alike, observe, observe_door)
        limits = station.settings.frames._replace(message=settings.message_size_limit)
        self._limits = {False: limits, True: limits._replace(inflated=settings.inflated)}

    def _misplaced(self, request: web.Request) -> Refusal | None:
        """Before the upgrade, as in Centrifugo: a first message that comes by itself is closed with 3501."""
        first = _first(request)
        if first:
            try:
                self._variants[JSON, False].codec.decode(first)
            except BadFrame as fault:
                return Refusal(400, "connect_request", f"cf_connect is no connect request: {fault}\n", {})
        return None

    def _connection(self, request: web.Request, verdict: Accepted) -> Connection:
        del request
        return UniWebSocket(
            self._station,
            new_id(),
            self._variants[JSON, verdict.compressed],
            told_session=new_id(),
            frames=self._limits[verdict.compressed],
        )

    def _taken_over(self, request: web.Request, connection: Connection) -> None:
        first = _first(request)
        if first and isinstance(connection, UniWebSocket):
            connection.posted(first)


def _first(request: web.Request) -> bytes:
    """The first message in the URL; b"" when it comes by itself."""
    return request.query.get("cf_connect", "").encode(errors="replace")


class Transports:
    """Variants for the hub, routes for the application."""

    def __init__(
        self,
        settings: TransportSettings,
        codecs: Sequence[Codec],
        observe: UpgradeObserver,
        door: DoorObserver,
        posts: EmulationObserver,
    ) -> None:
        """Every transport that is on.

        Args:
            settings: of them.
            codecs: of the bidirectional ones.
            observe: told of each request for a stream or an upgrade.
            door: told of who finds no place.
            posts: told of each request with commands.

        """
        self._settings = settings
        self._observe = observe
        self._door = door
        self._posts = posts
        self._streams = {manner: _stream_variants(manner, codecs) for manner, _ in settings.streams()}
        uni = settings.uni_websocket
        self._uni_websocket = {} if uni is None else _uni_websocket(uni)

    def variants(self) -> list[Variant]:
        """Whatever bytes a subscriber of these transports takes."""
        found: list[Variant] = [each for kinds in self._streams.values() for each in kinds.values()]
        return [*found, *self._uni_websocket.values()]

    def paths(self) -> set[str]:
        """Routes whose socket is taken over."""
        paths = {stream.path for _, stream in self._settings.streams()}
        uni = self._settings.uni_websocket
        return paths if uni is None else {*paths, uni.path}

    def add_routes(self, router: web.UrlDispatcher, station: Station) -> None:
        """What is on."""
        settings = self._settings
        origins = settings.allowed_origins
        for manner, stream in settings.streams():
            opening = Opening(
                station, stream, self._streams[manner], origins, observe=self._observe, observe_door=self._door
            )
            router.add_route("*", stream.path, opening.handle)
        if any(manner.emulated for manner in self._streams):
            node = station.settings.session.node
            emulation = Emulation(station.streams, node, settings.emulation, origins, self._posts)
            router.add_route("*", settings.emulation.path, emulation.handle)
        if settings.uni_websocket is not None:
            uni = UniUpgrade(
                station,
                settings.uni_websocket,
                origins,
                self._uni_websocket,
                observe=self._observe,
                observe_door=self._door,
            )
            router.add_route("*", settings.uni_websocket.path, uni.handle)


def _stream_variants(manner: Manner, codecs: Sequence[Codec]) -> Mapping[tuple[str, bool], StreamVariant]:
    """By protocol, and by whether the answer comes in chunks."""
    events = manner in (manners.SSE, manners.UNI_SSE)
    if manner.unidirectional:
        codecs = [UnidirectionalJson()]
    elif events:
        codecs = [codec for codec in codecs if not codec.binary]
    found = {}
    for codec in codecs:
        form = streams.as_it_is if codec.binary else streams.events if events else streams.lines
        for chunked in (True, False):
            found[codec.name, chunked] = StreamVariant(codec, manner, form, chunked=chunked)
    return found


def _uni_websocket(settings: UniWebSocketSettings) -> Mapping[bool, Variant]:
    """By whether it is compressed; only what is needed."""
    joined, silent = settings.join_push_messages, settings.disable_disconnect_push
    return {
        how is not None: UniWebSocketVariant(UnidirectionalJson(), joined=joined, silent=silent, squeeze=how)
        for how in dict.fromkeys((None, settings.squeeze))
    }
