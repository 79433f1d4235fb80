"""The watchdog: an alert that always fires comes by a door of its own, and its silence is told.

Prometheus and Alertmanager cannot tell that they are dead; the pager can. Who tells that the pager is? With `url_file`
each heartbeat is handed on to a service elsewhere that waits for it, so that a dead machine is noticed, too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from alerts.pager.alert import NEVER, Alert, Notification
from alerts.pager.channels.outcome import Unreachable, secret
from alerts.pager.faults import Faults
from alerts.pager.inbox import InboxFull
from alerts.pager.store import InboxUnusable

NAME: Final = "HeliographAlertingSilent"
PATIENCE: Final = 10.0  # seconds for the answer of whoever waits for heartbeats
_IDLE: Final = 30.0  # seconds until the loop looks again by itself
_SHORTEST: Final = 0.5  # seconds between two looks of which the first could not tell what it saw


@dataclass(frozen=True, slots=True)
class WatchdogSettings:
    """What pager.yml says of it."""

    after: float = 0.0  # seconds of silence that are told; 0: nobody waits for heartbeats
    route: str = "critical"
    url_file: str = ""  # whose content is called at each heartbeat


class Watchdog:
    """Hears heartbeats, tells of their silence and its end, and hands them on."""

    def __init__(
        self,
        settings: WatchdogSettings,
        tell: Callable[[str, Notification], Any],
        told: Callable[[], float],
        counted: Callable[[str], None],
        faults: Faults,
        *,
        address: str,
        clock: Callable[[], float],
    ) -> None:
        """Waiting begins now.

        Args:
            settings: of pager.yml.
            tell: what takes a notification by a route.
            told: since when it is told that heartbeats are missing, NEVER while it is not.
            counted: hears what became of each heartbeat that was handed on: sent or failed.
            faults: hears what nobody foresaw; it stops nothing.
            address: where people reach the pager's page.
            clock: seconds since the epoch.

        """
        self.heard_at = NEVER
        self._settings = settings
        self._tell = tell
        self._told = told
        self._counted = counted
        self._faults = faults
        self._address = address.rstrip("/")
        self._clock = clock
        self._began = clock()
        self._news = asyncio.Event()

    def heard(self) -> None:
        """A heartbeat came."""
        self.heard_at = self._clock()
        self._news.set()

    @property
    def silent_at(self) -> float:
        """When it is told that no heartbeat has come, unless one comes; infinity for never."""
        return max(self._began, self.heard_at) + self._settings.after if self._settings.after else float("inf")

    def look(self) -> bool:
        """Tell of a silence that has lasted too long, or of its end; whether something was told.

        Raises:
            InboxUnusable: the disk; the next look tells it.

        """
        now, told = self._clock(), self._told()
        if told == NEVER and now >= self.silent_at:
            self._tell(self._settings.route, self._notification(now, NEVER))
            return True
        if told != NEVER and self.heard_at > told:
            self._tell(self._settings.route, self._notification(told, self.heard_at))
            return True
        return False

    async def run(self, wake: Callable[[], None]) -> None:
        """Until cancelled; ``wake`` is called when there are letters to carry."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session:
            while True:
                if await self._looked():
                    wake()
                if await self._pause():
                    await self._hand_on(session)

    async def _looked(self) -> bool:
        try:
            return await asyncio.to_thread(self.look)
        except (InboxUnusable, InboxFull):
            return False  # said by /health and the metrics; there may be room again
        except Exception as fault:  # noqa: BLE001 - whoever waits for heartbeats must go on
            self._faults.happened("watchdog", fault)
            return False

    async def _pause(self) -> bool:
        """Until a heartbeat comes (True), or it is time to look."""
        try:
            async with asyncio.timeout(max(_SHORTEST, min(_IDLE, self.silent_at - self._clock()))):
                await self._news.wait()
        except TimeoutError:
            return False
        self._news.clear()
        return True

    async def _hand_on(self, session: aiohttp.ClientSession) -> None:
        if not self._settings.url_file:
            return
        try:
            url = await asyncio.to_thread(secret, self._settings.url_file, "the address of the watchdog")
            async with session.get(url, allow_redirects=False) as answer:
                self._counted("sent" if answer.status < 300 else "failed")
        except (Unreachable, ValueError, aiohttp.ClientError, TimeoutError):
            self._counted("failed")
        except Exception as fault:  # noqa: BLE001 - whoever waits for heartbeats must go on
            self._counted("failed")
            self._faults.happened("watchdog", fault)

    def _notification(self, starts: float, ends: float) -> Notification:
        return Notification((self._alert(starts, ends),), "", 0, NAME)

    def _alert(self, starts: float, ends: float) -> Alert:
        minutes = f"{self._settings.after / 60:.0f} minutes" if self._settings.after >= 60 else "some seconds"
        return Alert(
            fingerprint=NAME,
            firing=ends == NEVER,
            starts_at=starts,
            ends_at=ends,
            labels={"alertname": NAME, "severity": "critical", "service": "heliograph", "slo": "telemetry",
                    "signal": "meta"},
            annotations={
                "summary": "No alert can reach you: Prometheus or Alertmanager is silent.",
                "description": f"The watchdog, an alert that always fires, has not come to the pager for {minutes}. "
                "Nothing else can be told until it comes again.",
                "runbook_url": f"{self._address}/runbooks/{NAME}",
            },
            source="",
        )  # fmt: skip
