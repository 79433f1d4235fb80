"""All providers at once, each at a place of its own, in a thread beside whoever uses them."""

import asyncio
import ssl
import threading
from pathlib import Path
from typing import Any, Final, Self

from aiohttp import hdrs, web

from faults.providers import dingtalk, hooks, pagerduty, wecom
from faults.providers.book import Book
from faults.providers.smtp import Smtp

#: What each one's account needs, by the name of the file that holds it. Nobody outside a test has them.
SECRETS: Final = {
    "dingtalk_secret": "SEC4d2b7a61c0",
    "wecom_secret": "app-secret-0a1b2c",
    "sms_token": "sms-token-5f6e7d",
    "voice_token": "voice-token-8c9b0a",
    "mail_password": "mail-password-1f2e3d",
    "pagerduty_key": "0123456789abcdef0123456789ABCDEF",
    "webhook_key": "webhook-key-4c5b6a",
}
ROBOT_TOKEN: Final = "d1ng7a1k"  # noqa: S105 - nobody's
ROBOT_KEY: Final = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
CORP: Final = "ww0123456789abcdef"
AGENT: Final = 1000002
MAIL_NAME: Final = "pager@example.com"
_HELD: Final = 0.02  # seconds between two looks whether an answer may go


class Town:
    """``with Town(…) as town:``; what was taken and refused stands in ``town.book``."""

    def __init__(self, context: ssl.SSLContext, *, users: frozenset[str], book: Book | None = None) -> None:
        """Nothing listens yet.

        Args:
            context: with the mail server's certificate.
            users: the members of WeCom's company.
            book: where they write.

        """
        self.book = book or Book()
        self.robot = dingtalk.DingTalk(self.book, token=ROBOT_TOKEN, key=SECRETS["dingtalk_secret"])
        self.group = wecom.Robot(self.book, key=ROBOT_KEY, users=users)
        self.app = wecom.App(self.book, corp=CORP, key=SECRETS["wecom_secret"], agent=AGENT, users=users)
        self.duty = pagerduty.PagerDuty(self.book, key=SECRETS["pagerduty_key"])
        self.sms = hooks.Company(
            self.book, hooks.SMS, token=SECRETS["sms_token"], to="to", text="text", longest=hooks.LONGEST_SMS
        )
        self.phone = hooks.Company(
            self.book, hooks.PHONE, token=SECRETS["voice_token"], to="callee", text="say", longest=500
        )
        self.webhook = hooks.Webhook(self.book, key=SECRETS["webhook_key"])
        self.mail = Smtp(self.book, context, username=MAIL_NAME, password=SECRETS["mail_password"])
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="town", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self.mail.__enter__()
        self._thread.start()
        assert self._ready.wait(10), "the providers did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self.mail.__exit__()

    def _run(self) -> None:
        runner = web.AppRunner(self.application(), access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = int(runner.addresses[0][1])
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    def url(self, path: str) -> str:
        """Of one of the doors."""
        return f"http://127.0.0.1:{self.port}{path}"

    def secrets(self, folder: Path) -> Path:
        """Writes a file for each secret, and those with the robots' addresses; the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        addresses = {
            "dingtalk_url": self.url(f"/robot/send?access_token={ROBOT_TOKEN}"),
            "wecom_url": self.url(f"/cgi-bin/webhook/send?key={ROBOT_KEY}"),
        }
        for name, text in {**SECRETS, **addresses}.items():
            (folder / name).write_text(f"{text}\n", encoding="ascii")
        return folder

    # ---------------------------------------------------------------------------- the doors

    def application(self) -> web.Application:
        """All doors."""
        application = web.Application()
        application.add_routes(
            [
                web.post("/robot/send", self._robot),
                web.post("/cgi-bin/webhook/send", self._group),
                web.route("*", "/cgi-bin/gettoken", self._token),
                web.post("/cgi-bin/message/send", self._app),
                web.post("/v2/enqueue", self._duty),
                web.post("/v1/messages", self._sms),
                web.post("/v1/calls", self._phone),
                web.post("/alerts", self._webhook),
            ]
        )
        return application

    async def _robot(self, request: web.Request) -> web.Response:
        told = self.robot.answer(request.query, *await _sent(request))
        return await self._answered(dingtalk.NAME, 200, told)

    async def _group(self, request: web.Request) -> web.Response:
        told = self.group.answer(request.query, *await _sent(request))
        return await self._answered(wecom.ROBOT, 200, told)

    async def _token(self, request: web.Request) -> web.Response:
        return web.json_response(self.app.token(request.method, request.query))

    async def _app(self, request: web.Request) -> web.Response:
        told = self.app.answer(request.query, *await _sent(request))
        return await self._answered(wecom.APP, 200, told)

    async def _duty(self, request: web.Request) -> web.Response:
        return await self._answered(pagerduty.NAME, *self.duty.answer(*await _sent(request)))

    async def _sms(self, request: web.Request) -> web.Response:
        who = request.headers.get(hdrs.AUTHORIZATION, "")
        return await self._answered(hooks.SMS, *self.sms.answer(who, *await _sent(request)))

    async def _phone(self, request: web.Request) -> web.Response:
        who = request.headers.get(hdrs.AUTHORIZATION, "")
        return await self._answered(hooks.PHONE, *self.phone.answer(who, *await _sent(request)))

    async def _webhook(self, request: web.Request) -> web.Response:
        signature = request.headers.get("X-Heliograph-Signature", "")
        return await self._answered(hooks.WEBHOOK, *self.webhook.answer(signature, *await _sent(request)))

    async def _answered(self, provider: str, status: int, told: dict[str, Any]) -> web.Response:
        while self.book.holds(provider):  # noqa: ASYNC110 - who holds is in another thread
            await asyncio.sleep(_HELD)
        again = {"Retry-After": "1"} if status in (429, 503) else {}
        return web.json_response(told, status=status, headers=again)


async def _sent(request: web.Request) -> tuple[str, bytes]:
    return request.headers.get(hdrs.CONTENT_TYPE, ""), await request.read()
