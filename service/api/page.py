"""The demo page: publish, subscribe, see each message arrive. Plain files, and a door that gives tokens on loopback."""

import ipaddress
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import hdrs, web

from service.access.issuing import Wanted, issue
from service.access.token_settings import TokenSettings

_FILES: Final = Path(__file__).parent.parent / "static" / "demo"
_KINDS: Final = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".py": "text/x-python",
}
PATH: Final = "/demo"
_LIFETIME: Final = 3600.0
_FORWARDED: Final = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")
_HOST: Final = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")  # what may stand in a policy without changing it
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; worker-src 'self'; "
    "connect-src 'self'{sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "no-cache",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSettings:
    """The demo page."""

    traces_url: str = "http://localhost:16686"  # Jaeger's page, for links to traces
    traced: bool = False  # whether traces are made at all
    websocket: str = "/connection/websocket"


class Page:
    """Handlers of ``/demo``."""

    def __init__(self, settings: PageSettings, tokens: TokenSettings, wall: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._tokens = tokens
        self._wall = wall
        self._files = {file.name: file.read_bytes() for file in sorted(_FILES.iterdir()) if file.suffix in _KINDS}

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """The page, its files, what it has to know, and the token door."""
        router.add_get(PATH, self.index)
        router.add_get(f"{PATH}/config", self.config)
        router.add_post(f"{PATH}/token", self.token)
        router.add_get(f"{PATH}/{{file}}", self.file)

    async def index(self, request: web.Request) -> web.Response:
        """The page itself."""
        return self._answer("index.html", request.host)

    async def file(self, request: web.Request) -> web.Response:
        """One of its files, by name out of a closed list."""
        name = request.match_info["file"]
        if name not in self._files or name == "index.html":
            raise web.HTTPNotFound
        return self._answer(name, request.host)

    async def config(self, _: web.Request) -> web.Response:
        """Where the socket and the traces are."""
        told = {
            "websocket": self._settings.websocket,
            "traces": self._settings.traces_url.rstrip("/"),
            "traced": self._settings.traced,
        }
        return _json(told)

    async def token(self, request: web.Request) -> web.Response:
        """A token for an hour, to whoever sits at this machine."""
        if reason := _stranger(request):
            return _json({"error": reason}, status=403)
        user = f"demo-{secrets.token_hex(3)}"
        try:
            made = issue(self._tokens, Wanted(user, expire_at=self._wall() + _LIFETIME))
        except ValueError:
            return _json({"error": "no secret is configured (client.token.hmac_secret_key)"}, status=503)
        return _json({"token": made, "user": user})

    def _answer(self, name: str, host: str) -> web.Response:
        sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
        headers = {**_HEADERS, "Content-Security-Policy": _POLICY.format(sockets=sockets)}
        kind = _KINDS[Path(name).suffix]
        return web.Response(body=self._files[name], content_type=kind, charset="utf-8", headers=headers)


def _stranger(request: web.Request) -> str:
    """Why this is not a person at this machine; "" when it is.

    The peer has to be loopback and no proxy may stand in between, whose peers could be anybody. The Host must be ours,
    or a foreign name that resolves to this machine could read the answer; nor may another site's page ask.
    """
    peer = request.transport.get_extra_info("peername") if request.transport else None
    if not peer or not _is_loopback(str(peer[0])):
        return "tokens are given on this machine only; make one with: heliograph token --user NAME"
    if any(name in request.headers for name in _FORWARDED):
        return "tokens are not given through a proxy; make one with: heliograph token --user NAME"
    name = request.host.rpartition(":")[0] if re.search(r":\d+$", request.host) else request.host
    if name.lower() != "localhost" and not _is_loopback(name.strip("[]")):
        return "tokens are given at http://127.0.0.1 or http://localhost only"
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "tokens are given to our own page only"
    return ""


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def _json(told: object, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(told),
        content_type="application/json",
        headers={**_HEADERS, hdrs.CACHE_CONTROL: "no-store"},
    )
