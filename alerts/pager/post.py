"""The post: takes the steps of cases when they are due, and carries letters to their providers.

One loop a channel, so that a provider that is slow or away holds up nobody else. A channel's limit is kept by its own
letters on disk: what waits goes out together as soon as there is room.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

import aiohttp

from alerts.pager.cases import Cases
from alerts.pager.channels.mail import Mail
from alerts.pager.channels.outcome import Answer, Call, Channel, Later, Outcome, Refused, Sent, Unreachable
from alerts.pager.letters import TOGETHER, Letter, Letters
from alerts.pager.rota import Person
from alerts.pager.store import InboxUnusable

PATIENCE: Final = 10.0  # seconds for a provider's answer
MINUTE: Final = 60.0
_LONGEST_ANSWER: Final = 64 * 1024
_IDLE: Final = 30.0  # seconds until an idle loop looks again by itself
_REFUSED_AGAIN: Final = 300.0  # seconds; somebody may have put the configuration right


class Counts(Protocol):
    """Who is told what became of calls."""

    def called(self, channel: str, result: str, letters: int, seconds: float) -> None:
        """``result``: sent, later or refused."""

    def given_up(self, channel: str, letters: int) -> None:
        """Letters that no provider took within a day."""


class Post:
    """Carries letters until it is stopped."""

    def __init__(
        self,
        letters: Letters,
        cases: Cases,
        channels: Mapping[str, Channel | Mail],
        person: Callable[[str], Person | None],
        counts: Counts,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``person``: by key, None for nobody; ``clock``: seconds since the epoch."""
        self._letters = letters
        self._cases = cases
        self._channels = channels
        self._person = person
        self._counts = counts
        self._clock = clock
        self._news = {name: asyncio.Event() for name in ("", *channels)}

    def wake(self) -> None:
        """Letters were written, or a case was opened or acknowledged."""
        for event in self._news.values():
            event.set()

    async def run(self) -> None:
        """Until cancelled."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            asyncio.TaskGroup() as loops,
        ):
            loops.create_task(self._escalate(), name="pager escalation")
            for name, channel in self._channels.items():
                loops.create_task(self._carry(name, channel, session), name=f"pager {name}")

    async def _escalate(self) -> None:
        while True:
            try:
                if await asyncio.to_thread(self._cases.tick, self._clock()):
                    self.wake()
                    self._news[""].clear()
                until = await asyncio.to_thread(self._cases.next_step)
            except InboxUnusable:
                until = self._clock() + 1.0  # said by /health and the metrics; the disk may come back
            await self._pause("", until)

    async def _carry(self, name: str, channel: Channel | Mail, session: aiohttp.ClientSession) -> None:
        while True:
            try:
                until = await self._once(name, channel, session)
            except InboxUnusable:
                until = self._clock() + 1.0
            await self._pause(name, until)

    async def _pause(self, name: str, until: float) -> None:
        event = self._news[name]
        try:
            async with asyncio.timeout(max(0.0, min(_IDLE, until - self._clock()))):  # wait_for may swallow a cancel
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    async def _once(self, name: str, channel: Channel | Mail, session: aiohttp.ClientSession) -> float:
        """One call at most; when to look again."""
        now = self._clock()
        if channel.limit and self._letters.calls_since(name, now - MINUTE) >= channel.limit:
            return now + 1.0
        letters = await asyncio.to_thread(self._letters.next, name, now, TOGETHER if channel.together else 1)
        if not letters:
            return self._letters.next_due(name)
        began = time.monotonic()
        outcome = await self._deliver(channel, letters, session)
        took = time.monotonic() - began
        await asyncio.to_thread(self._note, name, letters, outcome, took)
        return self._clock()

    def _note(self, name: str, letters: Sequence[Letter], outcome: Outcome, took: float) -> None:
        now = self._clock()
        if isinstance(outcome, Sent):
            self._letters.sent(letters, now)
            self._counts.called(name, "sent", len(letters), took)
            return
        refused = isinstance(outcome, Refused)
        wait = outcome.seconds if isinstance(outcome, Later) else _REFUSED_AGAIN
        if wait:  # a WeCom token that has ended is no failure
            self._counts.called(name, "refused" if refused else "later", len(letters), took)
        if lost := self._letters.failed(letters, outcome.why, wait, now):
            self._counts.given_up(name, lost)

    async def _deliver(
        self, channel: Channel | Mail, letters: Sequence[Letter], session: aiohttp.ClientSession
    ) -> Outcome:
        messages = [letter.message for letter in letters]
        person = self._person(letters[0].person)
        if isinstance(channel, Mail):
            return await asyncio.to_thread(channel.send, messages, person)
        try:
            call = channel.call(messages, person, self._clock())
        except Unreachable as missing:
            return Refused(str(missing))
        try:
            return channel.verdict(await _posted(session, call))
        except (aiohttp.ClientError, TimeoutError) as error:
            return Later(f"no answer: {type(error).__name__}", 5.0)  # its text may name the URL, which is a secret


async def _posted(session: aiohttp.ClientSession, call: Call) -> Answer:
    async with session.post(call.url, data=call.body, headers=dict(call.headers), allow_redirects=False) as answer:
        body = await answer.content.read(_LONGEST_ANSWER)
        return Answer(answer.status, answer.headers, body)
