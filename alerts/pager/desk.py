"""The pager's doors: Alertmanager's webhook, the pages, the inbox as JSON, health and metrics."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from alerts.pager import pages, runbooks
from alerts.pager.alert import NEVER, BadNotification, read
from alerts.pager.case import Case
from alerts.pager.inbox import Entry, InboxFull
from alerts.pager.office import Office
from alerts.pager.post import LAST_PATIENCE
from alerts.pager.store import InboxUnusable

LONGEST_BODY: Final = 4 * 1024 * 1024  # some thousand alerts in one notification
_STATIC: Final = Path(__file__).parent / "static"
_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "no-store",
}


class Desk:
    """The doors of one office."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._carried: asyncio.Future[Any] | None = (
            None  # the post's and the watchdog's rounds; they end only by a fault
        )

    def application(self) -> web.Application:
        """The routes, for aiohttp; while it runs, letters are carried."""
        application = web.Application(client_max_size=LONGEST_BODY)
        application.add_routes(
            [
                web.post("/alerts", self.take),
                web.post("/alerts/{route}", self.take),
                web.post("/watchdog", self.heartbeat),
                web.get("/", self.page),
                web.get("/inbox.json", self.told),
                web.get("/cases/{number:[0-9]{1,9}}", self.case),
                web.post("/cases/{number:[0-9]{1,9}}/acknowledge", self.acknowledge),
                web.get("/runbooks", self.runbooks),
                web.get("/runbooks/{name}", self.runbook),
                web.get("/health", self.health),
                web.get("/metrics", self.metrics),
                web.static("/static", _STATIC),
            ]
        )
        application.cleanup_ctx.append(self._carrying)
        application.on_response_prepare.append(_without_versions)
        return application

    async def _carrying(self, _: web.Application) -> AsyncIterator[None]:
        self._carried = asyncio.ensure_future(self._rounds())  # noqa: TID251 - one for the application's life
        yield
        self._office.post.stop()
        await asyncio.wait((self._carried,), timeout=LAST_PATIENCE)  # an answer that nobody hears is told twice
        self._carried.cancel()
        await asyncio.wait((self._carried,))

    async def _rounds(self) -> None:
        post = self._office.post
        async with asyncio.TaskGroup() as rounds:
            watching = rounds.create_task(self._office.watchdog.run(post.wake), name="pager watchdog")
            await post.run()
            watching.cancel()

    async def take(self, request: web.Request) -> web.Response:
        """``POST /alerts/<route>``: 200 when it is on disk; else what is wrong, and Alertmanager tries again."""
        if request.content_type != "application/json":  # else any web page could post here from a browser
            return self._refused(415, "the webhook takes Content-Type application/json")
        try:
            notification = read(await request.read())
        except BadNotification as bad:
            return self._refused(400, str(bad))
        route = request.match_info.get("route", "default")
        try:
            told = await asyncio.to_thread(self._office.take, route, notification)
        except (InboxFull, InboxUnusable) as trouble:
            self._office.figures.webhook("failed")
            return web.Response(status=503, text=f"{trouble}\n")
        firing = sum(alert.firing for alert in notification.alerts)
        resolved = len(notification.alerts) - firing
        self._office.figures.accepted(route, firing, resolved, notification.truncated)
        if told is not None:
            self._office.post.wake()
        return web.json_response({"accepted": len(notification.alerts), "told": told})

    async def heartbeat(self, request: web.Request) -> web.Response:
        """``POST /watchdog``: the alert that always fires; what is told is its silence."""
        if request.content_type != "application/json":
            return self._refused(415, "the webhook takes Content-Type application/json")
        try:
            notification = read(await request.read())
        except BadNotification as bad:
            return self._refused(400, str(bad))
        if not any(alert.firing for alert in notification.alerts):
            return self._refused(400, "no alert of it fires: this door is for the one that always does")
        try:
            await asyncio.to_thread(self._office.inbox.firing)  # who can tell nobody anything must not look alive
        except InboxUnusable as trouble:
            self._office.figures.webhook("failed")
            return web.Response(status=503, text=f"{trouble}\n")
        self._office.hear()
        self._office.figures.webhook("accepted")
        return web.json_response({"heard": self._office.watchdog.heard_at})

    def _refused(self, status: int, sentence: str) -> web.Response:
        self._office.figures.webhook("refused")
        return web.Response(status=status, text=f"{sentence}\n")

    async def acknowledge(self, request: web.Request) -> web.Response:
        """``POST /cases/<number>/acknowledge``: somebody looks after it. From our own page only, or from a program."""
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is not None and origin.partition("://")[2] != request.host:
            return web.Response(status=403, text="a case is acknowledged on the pager's own page\n")
        given = await request.post()
        by = " ".join(str(given.get("by", "")).split())[:64]
        if not by:
            return web.Response(status=400, text="say who you are, in the field by\n")
        number = int(request.match_info["number"])
        try:
            case = await asyncio.to_thread(self._office.cases.acknowledge, number, by, self._office.clock())
        except InboxUnusable as trouble:
            return web.Response(status=503, text=f"{trouble}\n")
        if case is None:
            return _html(pages.missing(f"case {number}"), 404)
        self._office.post.wake()
        raise web.HTTPSeeOther(f"/cases/{number}")

    async def case(self, request: web.Request) -> web.Response:
        """One case: what fires, who was told and when, who has acknowledged it."""
        number = int(request.match_info["number"])
        office = self._office
        try:
            case = await asyncio.to_thread(office.cases.one, number)
            if case is None:
                return _html(pages.missing(f"case {number}"), 404)
            letters = await asyncio.to_thread(office.letters.of_case, number)
            return _html(pages.case(case, office.cases.message(case), letters, office.clock()))
        except InboxUnusable as trouble:
            raise web.HTTPServiceUnavailable(text=f"{trouble}\n") from None

    async def page(self, _: web.Request) -> web.Response:
        """The inbox."""
        firing, resolved = await self._both()
        cases = await asyncio.to_thread(self._open_cases)
        office = self._office
        duty = office.roster.on_duty()
        wrong, heard = office.roster.wrong, office.watchdog.heard_at
        return _html(pages.inbox(firing, resolved, cases, office.clock(), duty=duty, wrong=wrong, heard=heard))

    async def told(self, _: web.Request) -> web.Response:
        """The inbox for programs."""
        firing, resolved = await self._both()
        cases = [asdict(case) for case in await asyncio.to_thread(self._open_cases)]
        told = {"firing": _plain(firing), "resolved": _plain(resolved), "cases": cases}
        return web.json_response(told, headers=_SAFE)

    def _open_cases(self) -> Sequence[Case]:
        return self._office.cases.open()

    async def _both(self) -> tuple[Sequence[Entry], Sequence[Entry]]:
        inbox = self._office.inbox
        try:
            return await asyncio.to_thread(inbox.firing), await asyncio.to_thread(inbox.resolved)
        except InboxUnusable as trouble:
            raise web.HTTPServiceUnavailable(text=f"{trouble}\n") from None

    async def runbooks(self, _: web.Request) -> web.Response:
        """The list of runbooks."""
        return _html(pages.runbooks(runbooks.listed()))

    async def runbook(self, request: web.Request) -> web.Response:
        """One runbook."""
        name = request.match_info["name"]
        text = runbooks.html(name)
        if text is None:
            return _html(pages.missing(f"runbook called {name[:64]}"), 404)
        return _html(pages.runbook(name, text))

    async def health(self, _: web.Request) -> web.Response:
        """200 while the inbox can be read and letters are carried."""
        await self._both()
        if self._carried is not None and self._carried.done():
            return web.Response(status=503, text=f"letters are not carried: {_end(self._carried)}\n")
        return web.json_response({}, headers=_SAFE)

    async def metrics(self, _: web.Request) -> web.Response:
        """For Prometheus."""
        firing, _resolved = await self._both()
        cases = await asyncio.to_thread(self._open_cases)
        acknowledged = sum(case.acknowledged_at != NEVER for case in cases)
        text = self._office.figures.render(
            firing=len(firing),
            acknowledged=acknowledged,
            unacknowledged=len(cases) - acknowledged,
            waiting=self._office.letters.overdue(self._office.clock()),
            rota_wrong=bool(self._office.roster.wrong),
        )
        return web.Response(body=text, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})


def _end(carried: asyncio.Future[None]) -> str:
    return "cancelled" if carried.cancelled() else repr(carried.exception())


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=_SAFE)


def _plain(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [{**asdict(entry), "firing": entry.firing, "links": dict(pages.links(entry))} for entry in entries]


async def _without_versions(_: web.Request, answer: web.StreamResponse) -> None:
    """Aiohttp would tell its own and Python's."""
    answer.headers[hdrs.SERVER] = "Heliograph"
