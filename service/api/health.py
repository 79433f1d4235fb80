"""The small doors: is the process alive, may it get traffic, its metrics; and on the public port health and warm-up."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from aiohttp import hdrs, web

from service.connections.negotiation import origin_allowed

_TEXT: Final = "text/plain; version=0.0.4; charset=utf-8"
_OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_NO_STORE: Final = {hdrs.CACHE_CONTROL: "no-store"}
_STEP_BYTES: Final = 16 * 1024  # small families travel together: a chunk each would cost more than it carries


class Render(Protocol):
    """The scrape in small steps."""

    def __call__(self, *, openmetrics: bool) -> Iterator[bytes]:
        """OpenMetrics, or Prometheus's older text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorSettings:
    """Small endpoints; an empty path means that the endpoint is off."""

    health: str = ""  # on the public port; the internal port always has /health and /ready
    init: str = ""  # connection warm-up
    metrics: str = "/metrics"  # on the internal port
    allowed_origins: tuple[str, ...] = ()  # pages that may read the warm-up's answer


@dataclass(frozen=True, slots=True)
class Readiness:
    """May this node get traffic? ``reasons`` says why not; ``degraded`` what does not work although it may."""

    reasons: Mapping[str, str]
    degraded: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether traffic may come."""
        return not self.reasons


class Doors:
    """Handlers of the small endpoints."""

    def __init__(self, settings: DoorSettings, render: Render, readiness: Callable[[], Readiness]) -> None:
        self._settings = settings
        self._render = render
        self._readiness = readiness

    def add_public(self, router: web.UrlDispatcher) -> None:
        """What the public port shows, where it is switched on."""
        if self._settings.health:
            router.add_get(self._settings.health, self.alive)
        if self._settings.init:
            router.add_get(self._settings.init, self.warm_up)

    def add_internal(self, router: web.UrlDispatcher) -> None:
        """What the internal port always has."""
        for path in dict.fromkeys(("/health", self._settings.health or "/health")):
            router.add_get(path, self.alive)
        router.add_get("/ready", self.ready)
        router.add_get(self._settings.metrics, self.metrics)

    async def alive(self, _: web.Request) -> web.Response:
        """200 as long as the loop turns."""
        return web.Response(body=b"{}", headers=_NO_STORE, content_type="application/json")

    async def warm_up(self, request: web.Request) -> web.Response:
        """200 for a client that will connect soon: DNS, TCP and TLS are done by then."""
        response = await self.alive(request)
        origin = request.headers.get(hdrs.ORIGIN, "")
        if origin and origin_allowed(origin, request.host, self._settings.allowed_origins):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
            response.headers[hdrs.VARY] = hdrs.ORIGIN
        return response

    async def ready(self, _: web.Request) -> web.Response:
        """200, or 503 with the reasons. Degraded is ready: taking the node out would not mend what it depends on."""
        readiness = self._readiness()
        told: dict[str, object] = {"ready": readiness.ready}
        if readiness.reasons:
            told["reasons"] = dict(readiness.reasons)
        if readiness.degraded:
            told["degraded"] = dict(readiness.degraded)
        return web.Response(
            status=200 if readiness.ready else 503,
            body=msgspec.json.encode(told),
            headers=_NO_STORE,
            content_type="application/json",
        )

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """The scrape, family by family: the loop gets its turn between two steps."""
        openmetrics = "application/openmetrics-text" in request.headers.get(hdrs.ACCEPT, "")
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: _OPENMETRICS if openmetrics else _TEXT})
        response.enable_chunked_encoding()
        await response.prepare(request)
        held = bytearray()
        for step in self._render(openmetrics=openmetrics):
            held += step
            if len(held) >= _STEP_BYTES:
                await response.write(bytes(held))
                held.clear()
            await asyncio.sleep(0)
        if held:
            await response.write(bytes(held))
        await response.write_eof()
        return response
