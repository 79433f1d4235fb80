"""Queries that find nothing every day find something under their fault.

Runs after ``test_stack.py``, which has brought three alerts to fire: a broker that failed, readers that were late, readers
that stopped.
"""

import asyncio
import contextlib
import time
import urllib.request

import pytest

from grafana.questions import questions
from tests.e2e.raw import Gone, Raw
from tests.stack.behind import Behind
from tests.stack.rare import FAULTS, RARE, finite
from tests.stack.running import until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
QUESTIONS = {question.where: question for question in questions()}


def test_each_rare_query_is_one_and_has_a_fault():
    assert RARE.keys() <= QUESTIONS.keys()
    assert set(RARE.values()) == FAULTS.keys()


@pytest.fixture(scope="module")
def broken(running):
    """Every fault of the list, one after the other, but for those that `test_stack.py` brought."""
    running.load(on=True)
    asyncio.run(stopped(running))
    asyncio.run(conflated(running))
    asyncio.run(late(running))
    with running.failing_broker():
        asyncio.run(asked_in_vain(running))
    with running.raising_signal():
        asyncio.run(upgraded(running))
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(running.url("heliograph", "/debug/node", 9000), timeout=10).close()
    until(lambda: running.inbox()["firing"] or running.inbox()["resolved"], patience=60)
    return running


async def stopped(running):
    """A reader takes nothing of large messages until it is cut."""
    async with Behind(running, "cut", readers=1, lag=10**9, size=256 * 1024, a_second=20.0):
        cut = "heliograph_connections_closed_total"
        before = running.figure(cut, cause="slow_bytes")
        await asyncio.to_thread(until, lambda: running.figure(cut, cause="slow_bytes") > before)


async def conflated(running):
    """A reader that takes nothing keeps only the newest."""
    async with Behind(running, "newest:cut", readers=1, lag=10**9, size=256 * 1024, a_second=20.0):
        dropped = "heliograph_messages_dropped_total"
        before = running.figure(dropped)
        await asyncio.to_thread(until, lambda: running.figure(dropped) > before)
        await asyncio.sleep(3)  # some scrapes, so that the growth is seen


async def late(running):
    """Readers take message by message, twenty behind."""
    async with Behind(running, "late", readers=1, lag=20, size=48 * 1024, a_second=8.0):
        await asyncio.sleep(6)  # the messages' own delay: the later they are, the surer


async def asked_in_vain(running):
    """Publishes fail, a backend does not answer, and a channel is not there."""
    raw = await Raw.connected(running.port, running.token("in-vain"))
    for number in range(30):
        with contextlib.suppress(AssertionError):
            await raw.ask(id=10 + 2 * number, publish={"channel": "in-vain", "data": number})
        with contextlib.suppress(AssertionError):
            await raw.ask(id=11 + 2 * number, subscribe={"channel": "asked:of-a-backend"})
    with contextlib.suppress(AssertionError):
        await raw.ask(id=100, subscribe={"channel": "nowhere:channel"})
    await raw.abort()


async def upgraded(running):
    """Connections come although a part of the chain fails."""
    for _ in range(3):
        with contextlib.suppress(Gone):
            raw = await Raw.connected(running.port, running.token("upgraded"))
            await raw.abort()
        await asyncio.sleep(1.1)  # from scrape to scrape: a counter's first sample is no growth


@pytest.mark.parametrize("where", RARE)
def test_a_rare_query_finds_something_under_its_fault(broken, where):
    question = QUESTIONS[where]

    def samples():
        answer = broken.get(question.source, question.url(broken.began, time.time()))
        return list(finite(question.source, answer))

    assert min(until(samples)) >= broken.began - 1
