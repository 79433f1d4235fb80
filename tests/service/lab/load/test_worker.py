"""One process's part: it starts when it is told, tells how things go, and gives an account at the end."""

import asyncio
import json
import time

import pytest

from service.lab.load.plan import Plan
from service.lab.load.worker import Worker
from tests.service.lab.load.liar import Liar


class Conversation:
    """A worker in this process; orders go in, what it tells comes out."""

    def __init__(self, plan, workers=1):
        self.worker = Worker(plan, 0, workers, ["tok"] * len(plan.users_of(0, workers)))
        self.orders = asyncio.StreamReader()
        self.told = []
        self.task = asyncio.get_running_loop().create_task(self.worker.run(self.orders, self.told.append))

    def order(self, **order):
        self.orders.feed_data(json.dumps(order).encode() + b"\n")

    async def tells(self, what):
        async with asyncio.timeout(20):
            while not any(what in message for message in self.told):
                await asyncio.sleep(0.01)
        return next(message[what] for message in reversed(self.told) if what in message)

    async def until(self, done):
        async with asyncio.timeout(20):
            while not done():
                await asyncio.sleep(0.01)

    async def end(self):
        self.orders.feed_eof()
        await self.task


@pytest.fixture
async def stage(aiohttp_server):
    liar, running = Liar(), []
    server = await aiohttp_server(liar.application())

    def make(**changes):
        usual = {"users": 4, "channels": 2, "rate": 100.0, "arrivals": 1000.0, "drain": 1.0}
        plan = Plan(**{"url": f"ws://127.0.0.1:{server.port}/connection/websocket", "run": "r", **usual, **changes})
        running.append(Conversation(plan))
        return liar, running[-1]

    yield make
    for each in running:
        if not each.task.done():
            await each.end()


async def test_a_run(stage):
    liar, talk = stage()
    await talk.until(lambda: talk.worker.now()["ready"] == 4)
    assert liar.count == 0, "nothing is published before everybody is there"
    talk.order(go=True)
    await talk.until(lambda: liar.count >= 20)
    talk.order(stop=True)
    finals = await talk.tells("stopped")
    assert sum(finals.values()) == liar.count
    talk.order(finals=finals)
    account = await talk.tells("end")
    assert account["delivered"] == 2 * liar.count
    assert account["holes"] == {"channels": {}, "beyond": 0}
    assert account["closes"] == {}
    await talk.end()
    assert talk.worker.closes == {"goodbye": 4}


async def test_it_tells_how_things_go(stage):
    _, talk = stage()
    now = await talk.tells("now")
    assert set(now) == {"ready", "published", "delivered", "duplicated", "reordered", "told", "reconnects"}


async def test_who_does_mischief_is_the_same_in_every_run(stage):
    _, first = stage(users=60, drop=60.0, bad=20.0, drop_every=0.4, bad_every=1e9)
    await first.until(lambda: first.worker.now()["ready"] == 60)
    first.order(go=True)
    await first.until(lambda: first.worker.counts["drops"] > 30)
    assert first.worker.counts["bad frames"] == 0
    await first.until(lambda: first.worker.closes["dropped"] > 20)  # a drop is an end in a later turn of the loop
    await first.until(lambda: first.worker.now()["reconnects"] > 20)


async def test_a_server_that_falls_silent_is_left(stage, monkeypatch):
    liar, talk = stage(users=1, channels=1)
    await talk.until(lambda: talk.worker.now()["ready"] == 1)
    (user,) = talk.worker.users
    assert user.patience == 0.0, "this server announces no pings"
    user.patience = 0.001
    await talk.until(lambda: talk.worker.closes["silence"] == 1)
    await talk.until(lambda: [method for method, _ in liar.commands].count("connect") == 2)


async def test_attempts_that_fail_are_counted_and_come_later_and_later(monkeypatch):
    monkeypatch.setattr("service.lab.load.worker.BACK_OFF", (0.001, 0.01))
    plan = Plan(url="ws://127.0.0.1:1/", run="r", users=1, channels=1)
    talk = Conversation(plan)
    await talk.until(lambda: talk.worker.refusals["socket ConnectionRefusedError"] >= 5)
    await talk.end()


async def test_a_standstill_of_ours_is_not_made_up_for(stage):
    """What was due meanwhile is done once: to do it as often as it would have been takes longer than it lasted."""
    _, talk = stage(flood=100.0, flood_rate=1000.0)
    await talk.until(lambda: talk.worker.now()["ready"] == 4)
    talk.order(go=True)
    await talk.until(lambda: talk.worker.counts["pings"] > 0)
    time.sleep(0.5)
    before = talk.worker.counts["pings"]
    async with asyncio.timeout(5):
        await asyncio.sleep(0.02)
    assert talk.worker.counts["pings"] - before < 4 * 1000 * 0.25
