"""The pager's doors: Alertmanager's webhook, the pages, the inbox as JSON, health and metrics."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from aiohttp import hdrs, web
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from alerts.pager import pages, runbooks
from alerts.pager.alert import BadNotification, read
from alerts.pager.inbox import Entry, Inbox, InboxFull, InboxUnusable

LONGEST_BODY: Final = 4 * 1024 * 1024  # some thousand alerts in one notification
_STATIC: Final = Path(__file__).parent / "static"
_SAFE: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    hdrs.CACHE_CONTROL: "no-store",
}


class Desk:
    """One inbox and the doors to it."""

    def __init__(self, inbox: Inbox, *, clock: Callable[[], float] = time.time, books: Path = runbooks.FOLDER) -> None:
        """``clock``: seconds since the epoch; ``books``: where the runbooks are."""
        self._inbox = inbox
        self._clock = clock
        self._books = books
        self._registry = CollectorRegistry()
        self._calls = Counter("pager_webhook_calls", "Calls of the webhook.", ["result"], registry=self._registry)
        self._notices = Counter(
            "pager_notices", "Alerts in accepted notifications.", ["state"], registry=self._registry
        )
        self._truncated = Counter("pager_truncated", "Alerts that Alertmanager left out.", registry=self._registry)
        self._firing = Gauge("pager_firing_alerts", "Entries of the inbox that fire.", registry=self._registry)
        for result in ("accepted", "refused", "failed"):
            self._calls.labels(result)

    def application(self) -> web.Application:
        """The routes, for aiohttp."""
        application = web.Application(client_max_size=LONGEST_BODY)
        application.add_routes(
            [
                web.post("/alerts", self.take),
                web.get("/", self.page),
                web.get("/inbox.json", self.told),
                web.get("/runbooks", self.runbooks),
                web.get("/runbooks/{name}", self.runbook),
                web.get("/health", self.health),
                web.get("/metrics", self.metrics),
                web.static("/static", _STATIC),
            ]
        )
        return application

    async def take(self, request: web.Request) -> web.Response:
        """``POST /alerts``: 200 when it is on disk; else what is wrong, and Alertmanager tries again."""
        if request.content_type != "application/json":  # else any web page could post here from a browser
            return self._refused(415, "the webhook takes Content-Type application/json")
        try:
            notification = read(await request.read())
        except BadNotification as bad:
            return self._refused(400, str(bad))
        try:
            await asyncio.to_thread(self._inbox.take, notification.alerts, notification.alertmanager, self._clock())
        except (InboxFull, InboxUnusable) as trouble:
            self._calls.labels("failed").inc()
            return web.Response(status=503, text=f"{trouble}\n")
        self._calls.labels("accepted").inc()
        self._truncated.inc(notification.truncated)
        for alert in notification.alerts:
            self._notices.labels("firing" if alert.firing else "resolved").inc()
        return web.json_response({"accepted": len(notification.alerts)})

    def _refused(self, status: int, sentence: str) -> web.Response:
        self._calls.labels("refused").inc()
        return web.Response(status=status, text=f"{sentence}\n")

    async def page(self, _: web.Request) -> web.Response:
        """The inbox."""
        firing, resolved = await self._both()
        return _html(pages.inbox(firing, resolved, self._clock()))

    async def told(self, _: web.Request) -> web.Response:
        """The inbox for programs."""
        firing, resolved = await self._both()
        return web.json_response({"firing": _plain(firing), "resolved": _plain(resolved)}, headers=_SAFE)

    async def _both(self) -> tuple[Sequence[Entry], Sequence[Entry]]:
        try:
            return await asyncio.to_thread(self._inbox.firing), await asyncio.to_thread(self._inbox.resolved)
        except InboxUnusable as trouble:
            raise web.HTTPServiceUnavailable(text=f"{trouble}\n") from None

    async def runbooks(self, _: web.Request) -> web.Response:
        """The list of runbooks."""
        return _html(pages.runbooks(runbooks.listed(self._books)))

    async def runbook(self, request: web.Request) -> web.Response:
        """One runbook."""
        name = request.match_info["name"]
        text = runbooks.html(name, self._books)
        if text is None:
            return _html(pages.missing(f"runbook called {name[:64]}"), 404)
        return _html(pages.runbook(name, text))

    async def health(self, _: web.Request) -> web.Response:
        """200 while the inbox can be read."""
        await self._both()
        return web.json_response({}, headers=_SAFE)

    async def metrics(self, _: web.Request) -> web.Response:
        """For Prometheus."""
        firing, _resolved = await self._both()
        self._firing.set(len(firing))
        return web.Response(body=generate_latest(self._registry), headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})


def _html(text: str, status: int = 200) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=_SAFE)


def _plain(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [{**asdict(entry), "firing": entry.firing, "links": dict(pages.links(entry))} for entry in entries]
