"""``python -m faults.outsiders --orders FOLDER``: whom a server and a pager talk to, and who may fail them.

A backend that answers hooks, DingTalk's signed robot, a receiver of webhooks. A file in the folder orders what goes
wrong: ``hook-slow`` (seconds), ``hook-fails``, ``provider-refuses`` (a share), ``chat-limit`` (calls a minute).
"""

import argparse
import asyncio
import random
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from faults.providers.book import Book, Refusal
from faults.providers.dingtalk import LIMIT, DingTalk
from faults.providers.rate import Rate

TOKEN: Final = "lab"  # noqa: S105 - a robot that nobody has
KEY: Final = "SEC-of-the-lab"


class Outsiders:
    """The three of them, in one small application."""

    def __init__(self, orders: Path) -> None:
        self._orders = orders
        self._book = Book()
        at_once = Rate(LIMIT)  # ten minutes of silence are too long here
        self._robot = DingTalk(self._book, token=TOKEN, key=KEY, rate=at_once)
        self.told = 0  # messages that a chat or a webhook took

    @property
    def complaints(self) -> list[Refusal]:
        """What the robot refused."""
        return self._book.complaints

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

    async def chat(self, request: web.Request) -> web.Response:
        """A robot that says no with HTTP 200, as such robots do."""
        self._robot.rate.limit = self.ordered("chat-limit") or LIMIT
        kind = request.headers.get(hdrs.CONTENT_TYPE, "")
        told = self._robot.answer(request.query, kind, await request.read())
        self.told += told["errcode"] == 0
        return web.json_response(told)

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
