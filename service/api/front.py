"""The front of the public port: what is here at ``/``, and a word to those who knock where nothing is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from observability.observers.door import DoorObserver

_NO_ROUTE: Final = "no_route"
_ELSEWHERE: Final = {  # what people look for here, and find after this sentence
    **{
        f"/connection/{name}": f"This transport is switched off: {name}.enabled."
        for name in ("sse", "http_stream", "uni_sse", "uni_http_stream", "uni_websocket")
    },
    "/emulation": "It comes with sse or http_stream, which are switched off.",
    "/metrics": "Metrics are on the internal port.",
    "/ready": "Readiness is on the internal port.",
    "/health": "Health is on the internal port, and here with health.enabled.",
    "/demo": "The demo page is switched off: demo.enabled.",
}
_LONGEST: Final = 200  # characters of a path that a log line shows


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontSettings:
    """Where clients and backends find what they look for; "" where it is switched off."""

    websocket: str = ""
    api: str = ""
    demo: str = ""  # the page at ``/`` is there when this is: production answers 404


class Front:
    """Handlers of ``/`` and of all paths that nobody has."""

    def __init__(self, settings: FrontSettings, observe: DoorObserver) -> None:
        self._observe = observe
        self._shown = bool(settings.demo)
        self._text = _text(settings)
        self._hint = f" WebSocket is at {settings.websocket}." if settings.websocket else ""

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The last ones: what no room before has taken."""
        if self._shown:
            router.add_get("/", self.index)
        self._others: Sequence[web.AbstractResource] = list(router.resources())
        router.add_route("*", "/{nowhere:.*}", self.nowhere)

    async def index(self, _: web.Request) -> web.Response:
        """What is here."""
        return web.Response(text=self._text, headers={hdrs.CACHE_CONTROL: "no-cache"})

    async def nowhere(self, request: web.Request) -> web.Response:
        """Nothing is here: 404, or 405 where another method would be right; counted, and told where it was sought.

        Raises:
            HTTPMethodNotAllowed: the path is right.

        """
        allowed: set[str] = set()
        for resource in self._others:
            allowed |= (await resource.resolve(request))[1]
        if allowed:
            raise web.HTTPMethodNotAllowed(request.method, sorted(allowed))
        self._observe.refused(_NO_ROUTE, "404", address=request.remote or "", why=request.path[:_LONGEST])
        return web.Response(status=404, text=f"404: nothing is here.{self._wanted(request)}\n")

    def _wanted(self, request: web.Request) -> str:
        if found := _ELSEWHERE.get(request.path, ""):
            return f" {found}"
        return self._hint if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket" else ""


def _text(settings: FrontSettings) -> str:
    places = (
        ("demo page", settings.demo),
        ("WebSocket", settings.websocket),
        ("server API", settings.api and f"{settings.api}/<method>, with the header X-API-Key"),
    )
    rows = "".join(f"  {name:<12}{where}\n" for name, where in places if where)
    return f"Heliograph, a realtime WebSocket server.\n\n{rows}"
