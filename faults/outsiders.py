"""``python -m faults.outsiders --orders FOLDER``: whom a server and a pager talk to, and who may fail them.

A backend that answers hooks, a robot of a chat, a receiver of webhooks. A file in the folder orders what goes wrong:
``hook-slow`` (seconds), ``hook-fails``, ``provider-refuses`` (a share of calls), ``chat-limit`` (calls a minute).
"""

import argparse
import asyncio
import random
import time
from collections import deque
from pathlib import Path

from aiohttp import web


class Outsiders:
    """The three of them, in one small application."""

    def __init__(self, orders: Path) -> None:
        self._orders = orders
        self._called: deque[float] = deque()
        self.told = 0  # messages that a chat or a webhook took

    def application(self) -> web.Application:
        """Its routes."""
        application = web.Application()
        application.add_routes(
            [
                web.post("/hook", self.hook),
                web.post("/chat", self.chat),
                web.post("/webhook", self.webhook),
                web.get("/health", self.health),
            ]
        )
        return application

    def ordered(self, name: str) -> float:
        """The size of a fault that is ordered; 0 for one that is not."""
        try:
            return float((self._orders / name).read_text(encoding="ascii") or 0)
        except (OSError, ValueError):
            return 0.0

    async def hook(self, _: web.Request) -> web.Response:
        """An RPC's answer."""
        await asyncio.sleep(self.ordered("hook-slow"))
        if self.ordered("hook-fails"):
            return web.Response(status=500, text="out of order")
        return web.json_response({"result": {"data": {}}})

    async def chat(self, _: web.Request) -> web.Response:
        """A robot that says no with HTTP 200, as such robots do."""
        limit, now = self.ordered("chat-limit"), time.monotonic()
        while self._called and self._called[0] < now - 60:
            self._called.popleft()
        if limit and len(self._called) >= limit:
            return web.json_response({"errcode": 130101, "errmsg": "send too fast"})
        self._called.append(now)
        self.told += 1
        return web.json_response({"errcode": 0, "errmsg": "ok"})

    async def webhook(self, _: web.Request) -> web.Response:
        """Takes it, or is out of order."""
        if random.random() < self.ordered("provider-refuses"):
            return web.Response(status=503, text="out of order")
        self.told += 1
        return web.Response(status=204)

    async def health(self, _: web.Request) -> web.Response:
        """It is there; and how much it was told."""
        return web.json_response({"told": self.told})


def main(arguments: list[str] | None = None) -> None:
    """Until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m faults.outsiders", description=__doc__)
    parser.add_argument("--orders", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8088)
    asked = parser.parse_args(arguments)
    web.run_app(Outsiders(asked.orders).application(), host="0.0.0.0", port=asked.port, print=None, shutdown_timeout=1)  # noqa: S104


if __name__ == "__main__":
    main()
