"""The post: takes the steps of cases when they are due, and carries letters to their providers.

One loop a channel, so that a provider that is slow or away, or an answer that nobody foresaw, holds up nobody else.
What a channel's calls and pauses allow is kept on disk: what waits goes out together as soon as there is room.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, Protocol

import aiohttp

from alerts.pager.calls import Calls
from alerts.pager.cases import Cases
from alerts.pager.channels.mail import Mail
from alerts.pager.channels.outcome import Answer, Call, Channel, Later, Outcome, Refused, Sent, Unreachable
from alerts.pager.faults import Faults
from alerts.pager.letters import REFUSED_AGAIN, Letter, Letters
from alerts.pager.pace import again
from alerts.pager.rota import Person
from alerts.pager.store import InboxUnusable, Store

PATIENCE: Final = 10.0  # seconds for a provider's answer
LAST_PATIENCE: Final = 5.0  # seconds for the answers of calls under way when the pager stops
_LONGEST_ANSWER: Final = 64 * 1024
_IDLE: Final = 30.0  # seconds until an idle loop looks again by itself
_SHORTEST: Final = 0.05  # seconds between two looks that found nothing to do
_DISK_AGAIN: Final = 1.0  # seconds until a disk that fails is tried again
_FAULT_AGAIN: Final = 5.0  # seconds until a loop goes on that had a fault
_PREPARATIONS: Final = 3  # calls in a row that only prepare: a token that is asked for, has ended, is asked for
_OWN_FAULT: Final = 60.0  # seconds until a call is tried again that was our fault


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
        *,
        store: Store,
        letters: Letters,
        calls: Calls,
        cases: Cases,
        channels: Mapping[str, Channel | Mail],
        person: Callable[[str], Person | None],
        counts: Counts,
        faults: Faults,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``person``: by key, None for nobody; ``clock``: seconds since the epoch."""
        self._store = store
        self._letters = letters
        self._calls = calls
        self._cases = cases
        self._channels = channels
        self._person = person
        self._counts = counts
        self._faults = faults
        self._clock = clock
        self._news = {name: asyncio.Event() for name in ("", *channels)}
        self._prepared = dict.fromkeys(channels, 0)
        self._stopping = False

    def wake(self) -> None:
        """Letters were written, or a case was opened or acknowledged."""
        for event in self._news.values():
            event.set()

    def stop(self) -> None:
        """No further call; ``run`` ends when those under way have their answers."""
        self._stopping = True
        self.wake()

    async def run(self) -> None:
        """Until stopped, or cancelled."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        mails = sum(isinstance(channel, Mail) for channel in self._channels.values())
        threads = ThreadPoolExecutor(max(1, mails), "pager mail")  # a mail server that hangs must not hold up the disk
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
                asyncio.TaskGroup() as loops,
            ):
                loops.create_task(self._escalate(), name="pager escalation")
                for name, channel in self._channels.items():
                    loops.create_task(self._carry(name, channel, session, threads), name=f"pager {name}")
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    async def _escalate(self) -> None:
        while not self._stopping:
            try:
                if await asyncio.to_thread(self._cases.tick, self._clock()):
                    self.wake()
                    self._news[""].clear()
                until = await asyncio.to_thread(self._cases.next_step)
            except InboxUnusable:
                until = self._clock() + _DISK_AGAIN  # said by /health and the metrics; the disk may come back
            except Exception as fault:  # noqa: BLE001 - one case's fault is not that of the others
                self.wake()
                self._faults.happened("escalation", fault)
                until = self._clock() + _FAULT_AGAIN
            await self._pause("", until)

    async def _carry(
        self, name: str, channel: Channel | Mail, session: aiohttp.ClientSession, threads: ThreadPoolExecutor
    ) -> None:
        while not self._stopping:
            try:
                until = await self._once(name, channel, session, threads)
            except InboxUnusable:
                until = self._clock() + _DISK_AGAIN
            except Exception as fault:  # noqa: BLE001 - one channel's fault is not that of the others
                self._faults.happened(f"channel {name}", fault)
                until = self._clock() + _FAULT_AGAIN
            await self._pause(name, until)

    async def _pause(self, name: str, until: float) -> None:
        event = self._news[name]
        if self._stopping:
            return
        try:
            async with asyncio.timeout(max(0.0, min(_IDLE, until - self._clock()))):  # wait_for may swallow a cancel
                await event.wait()
        except TimeoutError:
            return
        event.clear()

    async def _once(
        self, name: str, channel: Channel | Mail, session: aiohttp.ClientSession, threads: ThreadPoolExecutor
    ) -> float:
        """One call at most; when to look again."""
        letters, number, until = await asyncio.to_thread(self._next, name, channel, self._clock())
        if not letters:
            return max(until, self._clock() + _SHORTEST)
        began = time.monotonic()
        outcome = await self._delivered(name, channel, letters, session, threads)
        took = time.monotonic() - began
        while True:  # what the provider said must be known before it is called again
            try:
                await asyncio.to_thread(self._note, name, letters, number, outcome, took)
            except InboxUnusable:
                await asyncio.sleep(_DISK_AGAIN)
            else:
                return self._clock()

    def _next(self, name: str, channel: Channel | Mail, now: float) -> tuple[Sequence[Letter], int, float]:
        """What goes out now and the number of its call; when to look again if there is nothing."""
        free = self._calls.free_at(name, channel.limit, now)
        if free > now:
            return (), 0, free
        letters = self._letters.next(name, now)
        if not letters:
            return (), 0, self._letters.next_due(name)
        return letters, self._calls.begin(name, letters[0].person, now), now

    def _note(self, name: str, letters: Sequence[Letter], number: int, outcome: Outcome, took: float) -> None:
        with self._store.writing():
            lost = self._written(name, letters, number, outcome)
        self._count(name, letters, outcome, took, lost)

    def _written(self, name: str, letters: Sequence[Letter], number: int, outcome: Outcome) -> int:
        """Write down what became of a call; how many letters are given up."""
        now = self._clock()
        match outcome:
            case Sent(note):
                self._letters.sent(letters, now, note)
                self._calls.answered(name)
                return 0
            case Refused(why, called=True):
                return self._letters.refused(letters, why, now)
            case Refused(why):
                self._calls.forget(number)
                return self._letters.failed(letters, why, now + REFUSED_AGAIN, now)
            case Later(why, 0.0) if self._prepared[name] < _PREPARATIONS:
                self._calls.forget(number)
                self._letters.at_once(letters, why)
                return 0
            case Later(why, seconds, personal):
                wait = again(max(letter.tries for letter in letters), seconds)
                until = now + wait if personal else self._calls.failed(name, seconds, now)
                return self._letters.failed(letters, why, until, now)

    def _count(self, name: str, letters: Sequence[Letter], outcome: Outcome, took: float, lost: int) -> None:
        prepared = isinstance(outcome, Later) and not outcome.seconds and self._prepared[name] < _PREPARATIONS
        self._prepared[name] = self._prepared[name] + 1 if prepared else 0
        if not prepared:  # a WeCom token that has ended is no failure
            result = {Sent: "sent", Later: "later", Refused: "refused"}[type(outcome)]
            self._counts.called(name, result, len(letters), took)
        if lost:
            self._counts.given_up(name, lost)

    async def _delivered(
        self,
        name: str,
        channel: Channel | Mail,
        letters: Sequence[Letter],
        session: aiohttp.ClientSession,
        threads: ThreadPoolExecutor,
    ) -> Outcome:
        """Whatever happens, it becomes an outcome."""
        try:
            return await self._deliver(channel, letters, session, threads)
        except Unreachable as missing:
            return Refused(str(missing), called=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return Later(f"no answer: {type(error).__name__}", 5.0)  # its text may name the URL, which is a secret
        except Exception as fault:  # noqa: BLE001 - whatever a provider or a secret holds, it ends here
            return Later(f"a fault of the pager: {self._faults.happened(f'channel {name}', fault)}", _OWN_FAULT)

    async def _deliver(
        self,
        channel: Channel | Mail,
        letters: Sequence[Letter],
        session: aiohttp.ClientSession,
        threads: ThreadPoolExecutor,
    ) -> Outcome:
        messages = [letter.message for letter in letters]
        person = self._person(letters[0].person)
        if isinstance(channel, Mail):
            return await asyncio.get_running_loop().run_in_executor(threads, channel.send, messages, person)
        call = channel.call(messages, person, self._clock())
        return channel.verdict(await _posted(session, call))


async def _posted(session: aiohttp.ClientSession, call: Call) -> Answer:
    async with session.request(
        call.method, call.url, data=call.body or None, headers=dict(call.headers), allow_redirects=False
    ) as answer:
        body = bytearray()
        with suppress(aiohttp.ClientError, TimeoutError):  # what it has said so far counts
            async for part in answer.content.iter_any():
                body += part
                if len(body) >= _LONGEST_ANSWER:
                    break
        return Answer(answer.status, answer.headers, bytes(body[:_LONGEST_ANSWER]))
