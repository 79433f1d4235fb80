"""The debug API on the internal port: who is connected, what happened to one, who is slow and why. Reads only.

Closed unless ``debug.enabled`` and a token are set. Work a request is bounded: a page of rows, walks in slices with the
loop's turn between them, and one walk at a time.
"""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Protocol

import msgspec
from aiohttp import hdrs, web

from observability.observers.api import ApiObserver
from service.connections.inspection import Found, Inspection, Wanted

MOST_ROWS: Final = 500
_ROWS: Final = 100
_LONGEST: Final = 512  # characters of a filter
_BEARER: Final = "bearer"


Page = Callable[[web.Request], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DebugSettings:
    """The debug API (``debug``)."""

    enabled: bool = False
    path: str = "/debug"
    token: str = field(default="", repr=False)


class About(Protocol):
    """What the node says of itself."""

    def __call__(self) -> dict[str, Any]:
        """Name, version, stalls, sums."""


class Refused(Exception):  # noqa: N818 - says what happened
    """A request that is not answered; the sentence is for people."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Debug:
    """Handlers of the routes."""

    def __init__(
        self,
        settings: DebugSettings,
        inspection: Inspection,
        about: About,
        observe: ApiObserver,
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._settings = settings
        self._token = settings.token.encode()
        self._inspection = inspection
        self._recorder = inspection.recorder
        self._about = about
        self._observe = observe
        self._clock = clock
        self._walking = False

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """None while the debug API is off."""
        if not self._settings.enabled:
            return
        pages = {
            "connections": self.connections,
            "connections/{id}": self.connection,
            "channels": self.channels,
            "slow": self.slow,
            "ended": self.ended,
            "node": self.node,
        }
        for page, answer in pages.items():
            router.add_get(f"{self._settings.path}/{page}", partial(self.answer, page.replace("s/{id}", ""), answer))

    # ------------------------------------------------------------------- the pages

    async def connections(self, request: web.Request) -> object:
        """``?user=`` or ``?channel=`` or both, ``?limit=``, ``?after=`` what ``next`` said before."""
        query = request.query
        wanted = Wanted(
            user=_short(query, "user"),
            channel=_short(query, "channel"),
            after=_number(query, "after", 0, 1 << 40),
            limit=_number(query, "limit", _ROWS, MOST_ROWS),
        )
        found: Found = await self._walk(self._inspection.connections(wanted))
        return {"connections": found.rows, "next": found.next}

    async def connection(self, request: web.Request) -> object:
        """One, live or lately ended."""
        client = request.match_info["id"][:_LONGEST]
        row = await self._walk(self._inspection.one(client))
        if row:
            return row
        for story in reversed(self._recorder.ended):
            if story.get("connection_id") == client:
                return {"id": client, "state": "ended", **story}
        raise Refused(404, "no such connection is here, or ended lately")

    async def channels(self, request: web.Request) -> object:
        """``?name=``: one; else those with the most subscribers, ``?prefix=``."""
        if name := _short(request.query, "name"):
            row = self._inspection.channel(name)
            if not row:
                raise Refused(404, "nobody is in this channel here")
            return row
        prefix, limit = _short(request.query, "prefix") or "", _number(request.query, "limit", _ROWS, MOST_ROWS)
        return {"channels": await self._walk(self._inspection.channels(prefix, limit))}

    async def slow(self, _request: web.Request) -> object:
        """The twenty that hold the most bytes."""
        return {"slow": await self._walk(self._inspection.slowest())}

    async def ended(self, request: web.Request) -> object:
        """Those that ended last, newest first; ``?user=``, ``?trace=``, ``?limit=``."""
        user, trace = _short(request.query, "user"), _short(request.query, "trace")
        limit = _number(request.query, "limit", _ROWS, MOST_ROWS)
        found = [
            story
            for story in reversed(self._recorder.ended)
            if user in (None, story.get("user", "")) and trace in (None, story.get("trace_id", ""))
        ]
        return {"ended": found[:limit]}

    async def node(self, _request: web.Request) -> object:
        """The node itself: since when, its stalls, its sums."""
        return self._about()

    # ---------------------------------------------------------------------- the door

    def permit(self, request: web.Request) -> None:
        """Let the bearer of the token in.

        Raises:
            Refused: 401.

        """
        scheme, _, offered = request.headers.get(hdrs.AUTHORIZATION, "").strip().partition(" ")
        given = offered.strip().encode("utf-8", "surrogateescape")
        right = hmac.compare_digest(self._token, given)
        if not self._token or scheme.lower() != _BEARER or not right:
            raise Refused(401, "the header Authorization: Bearer <debug.token> is missing or wrong")

    async def answer(self, page: str, make: Page, request: web.Request) -> web.Response:
        """Permit, make, count."""
        began = self._clock()
        try:
            self.permit(request)
            status, body = 200, await make(request)
        except Refused as refusal:
            status, body = refusal.status, {"error": str(refusal)}
        self._observe.debugged(page, status, self._clock() - began)
        headers = {hdrs.CACHE_CONTROL: "no-store"}
        if status == 429:
            headers[hdrs.RETRY_AFTER] = "1"
        return web.Response(
            status=status, body=msgspec.json.encode(body), headers=headers, content_type="application/json"
        )

    async def _walk(self, steps: "Iterator[Any]") -> Any:
        """The last thing that the steps give; the loop has its turn at each None.

        Raises:
            Refused: another walk is under way.

        """
        if self._walking:
            raise Refused(429, "another debug request is walking through the node: ask again")
        self._walking = True
        try:
            for found in steps:
                if found is None:
                    await asyncio.sleep(0)
                else:
                    return found
        finally:
            self._walking = False
        raise AssertionError("a walk ended without an answer")


def _short(query: Any, name: str) -> str | None:
    given = query.get(name)
    if given is not None and len(given) > _LONGEST:
        raise Refused(400, f"{name} is too long")
    return given  # type: ignore[no-any-return]


def _number(query: Any, name: str, default: int, most: int) -> int:
    given = query.get(name, "")
    if given and not (given.isascii() and given.isdigit() and len(given) < 16):
        raise Refused(400, f"{name} takes a whole number")
    return min(int(given), most) if given else default
