"""One process of a load: ``python -m service.lab.load.worker``. Its plan comes on stdin, what happens goes to stdout.

Each line is a JSON object. In: the plan, then ``go`` (publish), ``stop``, ``finals`` (how many were published in each
channel). Out: ``now`` four times a second, ``stopped`` with what was published here, ``end`` with the whole account.
"""

import asyncio
import heapq
import itertools
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Any, Final

from service.lab.load import wire
from service.lab.load.dialing import CONNECTING, Dialer
from service.lab.load.ledger import Holes, Place, Tally, owed
from service.lab.load.plan import Plan, planned
from service.lab.load.publishing import Publishing
from service.lab.load.quantiles import Quantiles
from service.lab.load.user import User
from service.lab.load.weather import Weather
from service.protocol import framing

TICK: Final = 0.01  # seconds between two looks at what is due
TELL: Final = 0.25  # seconds between two lines about how things go
BACK_OFF: Final = (0.2, 1.0)  # seconds until a user comes back
LONGEST_BACK_OFF: Final = 10.0
HANDOVER: Final = 1.0  # seconds until another user goes on publishing where one was lost


class Worker:
    """Plays its users; see ``user.Stage`` for what they tell it."""

    def __init__(self, plan: Plan, number: int, workers: int, tokens: list[str]) -> None:
        self.plan = plan
        self._dialer = Dialer(plan)
        self.host, self.path = self._dialer.host, self._dialer.path
        self._random = Random(plan.seed * 1000 + number)
        self.tally = Tally()
        self.latency = Quantiles()
        self.connecting = Quantiles()
        self.counts: Counter[str] = Counter()
        self.closes: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.void_numbers: dict[str, list[int]] = {}
        self.users = [
            self._user(each, token) for each, token in zip(plan.users_of(number, workers), tokens, strict=True)
        ]
        self.publishing = Publishing(
            plan, plan.channels_owned_by(number, workers), self.users, self.counts, self._random
        )
        self._workers = workers
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._failures: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._going = False
        self._leaving = False
        self._last = 0.0  # loop time of the last tick
        self._now = 0.0  # and of this one

    def _user(self, number: int, token: str) -> User:
        plan = self.plan
        weak = Weather(plan.weak, Random(plan.seed + number)) if _chosen(plan, number, plan.weak.share, 1) else None
        places = {channel: Place(self.tally) for channel in plan.channels_of(number)}
        return User(self, number, token, places, weak)

    # ------------------------------------------------------------------ the run

    async def run(self, orders: asyncio.StreamReader, tell: Callable[[dict[str, Any]], None]) -> None:
        """Until the orders end."""
        loop = asyncio.get_running_loop()
        self._last = self._now = began = loop.time()
        for turn, user in enumerate(self.users):
            self._at(began + turn * self._workers / self.plan.arrivals, lambda user=user: self._connect(user))  # type: ignore[misc]
        ticking = loop.create_task(self._tick_on(tell))
        try:
            await self._obey(orders, tell)
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
            self._leaving = True
            for user in self.users:
                user.drop()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _obey(self, orders: asyncio.StreamReader, tell: Callable[[dict[str, Any]], None]) -> None:
        while line := await orders.readline():
            order = json.loads(line)
            if "go" in order:
                self._go()
            elif "stop" in order:
                self._going = False
                await self._until(lambda: not any(user.unanswered or user.held_for for user in self.users), 5.0)
                tell({"stopped": owed(self.publishing.published, self.void_numbers)})
            elif "finals" in order:
                await self._end(order["finals"], tell)

    async def _end(self, finals: Mapping[str, int], tell: Callable[[dict[str, Any]], None]) -> None:
        await self._until(lambda: self._caught_up(finals), self.plan.drain)
        tell({"end": self._account(finals)})
        await self._say_goodbye()

    async def _until(self, done: Callable[[], bool], patience: float) -> None:
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while not done() and loop.time() < until:  # noqa: ASYNC110 - thousands of places have no Event
            await asyncio.sleep(0.05)

    def _caught_up(self, finals: Mapping[str, int]) -> bool:
        """Whether every user is here and has what is owed."""
        for user in self.users:
            if not user.ready and user.ever:
                return False
            for channel, place in user.places.items():
                if place.last < finals.get(channel, 0) and not place.unknown:
                    return False
        return True

    async def _say_goodbye(self) -> None:
        self._leaving = True
        for user in self.users:
            if user.transport is not None:
                user.goodbye()
        await self._until(lambda: all(user.transport is None for user in self.users), 5.0)

    def _go(self) -> None:
        """Publishing begins: who is not here yet is owed nothing of what comes before."""
        self._going = True
        for user in self.users:
            if not user.ready:
                for place in user.places.values():
                    place.late()
        for user in self.users:
            self._plan_mischief(user)
        if self.plan.churn:
            self._again(self._workers / self.plan.churn, self._churn)

    async def _tick_on(self, tell: Callable[[dict[str, Any]], None]) -> None:
        loop = asyncio.get_running_loop()
        told = loop.time()
        while True:
            await asyncio.sleep(TICK)
            now = self._now = loop.time()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            if self._going:
                self.publishing.catch_up(now, now - self._last)
            self._last = now
            if now - told >= TELL:
                told = now
                self._look_for_silence(now)
                tell({"now": self.now()})

    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._due, (when, next(self._order), what))

    def _again(self, mean: float, what: Callable[[], None]) -> None:
        """Do it now and then, for as long as publishing goes on; what a standstill of ours left out is not made up."""

        def once() -> None:
            if self._going:
                what()
                self._again(mean, what)

        self._at(self._now + self._random.expovariate(1 / mean), once)

    # ------------------------------------------------------------------ connecting

    def _connect(self, user: User) -> None:
        if self._leaving:
            return
        task = asyncio.get_running_loop().create_task(self._attempt(user))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attempt(self, user: User) -> None:
        loop = asyncio.get_running_loop()
        user.since = loop.time()
        try:
            await self._dialer.dial(user)
        except (OSError, TimeoutError) as failure:
            self.refusals[f"socket {type(failure).__name__}"] += 1
            self._come_back(user)

    def _come_back(self, user: User) -> None:
        if not self._leaving:
            self._failures[user.number] += 1
            longest = min(LONGEST_BACK_OFF, BACK_OFF[1] * 2 ** min(8, self._failures[user.number] - 1))
            delay = self._random.uniform(BACK_OFF[0], max(longest, BACK_OFF[1]))
            self._at(asyncio.get_running_loop().time() + delay, lambda: self._connect(user))

    def _look_for_silence(self, now: float) -> None:
        for user in self.users:
            if user.transport is None:
                continue
            if not user.ready and now > user.since + CONNECTING:
                user.end("no answer")
            elif user.ready and user.patience and now > user.heard_at + user.patience:
                user.end("silence")

    # ------------------------------------------------------------------ what users tell

    def arrived(self, user: User) -> None:
        """See ``Stage.arrived``."""
        self._failures.pop(user.number, None)
        self.counts["connects"] += 1
        self.connecting.add(asyncio.get_running_loop().time() - user.since)

    def heard(self, seconds: float) -> None:
        """See ``Stage.heard``."""
        self.latency.add(max(0.0, time.time() - seconds))

    def settled(self, channel: str, number: int, error: int) -> None:
        """See ``Stage.settled``."""
        if error:
            self.refusals[f"publish {error}"] += 1
            self.void(channel, number)
        else:
            self.counts["accepted"] += 1

    def void(self, channel: str, number: int) -> None:
        """See ``Stage.void``."""
        self.void_numbers.setdefault(channel, []).append(number)

    def refused(self, what: str, code: int) -> None:
        """See ``Stage.refused``."""
        self.refusals[f"{what} {code}"] += 1

    def gone(self, user: User, how: str) -> None:
        """See ``Stage.gone``."""
        self.closes[how] += 1
        self._come_back(user)

    # ------------------------------------------------------------------ mischief

    def _plan_mischief(self, user: User) -> None:
        plan = self.plan
        if _chosen(plan, user.number, plan.drop, 2):
            self._again(plan.drop_every, lambda: self._drop(user))
        if _chosen(plan, user.number, plan.bad, 3):
            self._again(plan.bad_every, lambda: self._send_nonsense(user))
        if _chosen(plan, user.number, plan.flood, 4):
            self._again(1 / plan.flood_rate, lambda: self._ping(user))

    def _drop(self, user: User) -> None:
        if user.ready:
            self.counts["drops"] += 1
            user.drop()

    def _send_nonsense(self, user: User) -> None:
        if user.ready:
            self.counts["bad frames"] += 1
            user.send(self._random.choice(wire.BAD_FRAMES)[1])

    def _ping(self, user: User) -> None:
        if user.ready:
            self.counts["pings"] += 1
            user.send(framing.client_frame(framing.PING, b"load", b"load"))

    def _churn(self) -> None:
        ready = [user for user in self.users if user.ready]
        if ready:
            self.counts["goodbyes"] += 1
            self._random.choice(ready).goodbye()

    # ------------------------------------------------------------------ telling

    def now(self) -> dict[str, Any]:
        """Where things stand."""
        return {
            "ready": sum(user.ready for user in self.users),
            "published": sum(self.publishing.published.values()),
            "delivered": self.tally.delivered,
            "duplicated": self.tally.duplicated,
            "reordered": self.tally.reordered,
            "told": self.tally.told,
            "reconnects": max(0, self.counts["connects"] - len(self.users)),
        }

    def _account(self, finals: Mapping[str, int]) -> dict[str, Any]:
        holes = Holes()
        for user in self.users:
            for channel, place in user.places.items():
                holes.add(channel, place, finals.get(channel, 0))
        self.counts["pongs"] = sum(user.pongs for user in self.users)
        return {
            **self.now(),
            "latency": self.latency.told(),
            "connecting": self.connecting.told(),
            "holes": holes.told(),
            "void": self.void_numbers,
            "counts": dict(self.counts),
            "closes": dict(self.closes),
            "refusals": dict(self.refusals),
        }


def _chosen(plan: Plan, number: int, share: float, kind: int) -> bool:
    """Whether a user belongs to a share; the same users in every run of a seed."""
    return bool(share) and Random(plan.seed * 7919 + number * 11 + kind).random() * 100 < share


async def _orders() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _main() -> None:
    orders = await _orders()
    start = json.loads(await orders.readline())
    worker = Worker(planned(start["plan"]), start["number"], start["workers"], start["tokens"])
    await worker.run(orders, _tell)


def main(arguments: Iterable[str] = ()) -> None:
    """Until stdin ends."""
    del arguments
    import uvloop

    uvloop.run(_main())


if __name__ == "__main__":
    main()
