"""Queries that find nothing every day find something under their fault; so do those of the runbooks.

Runs after ``test_stack.py``, which has brought three alerts to fire: a broker that failed, readers that were late, readers
that stopped.
"""

import asyncio
import contextlib
import socket
import ssl
import time
import urllib.request

import pytest

from faults import crowds
from faults.running import until
from tests.e2e.raw import Gone, Raw
from tests.stack.rare import FAULTS, RARE, UNSEEN, every_question, finite, nameless

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
QUESTIONS = every_question()
RUNBOOKS = [where for where in QUESTIONS if where.startswith("Heliograph")]


def test_each_rare_query_is_one_and_has_a_fault():
    assert RARE.keys() | UNSEEN.keys() <= QUESTIONS.keys()
    assert set(RARE.values()) == FAULTS.keys()


@pytest.fixture(scope="module")
def broken(running):
    """Every fault of the list, one after the other, but for those that `test_stack.py` brought."""
    running.load(on=True)
    asyncio.run(stopped(running))
    asyncio.run(conflated(running))
    asyncio.run(late(running))
    with running.ordered("broker-fails", 0.5):
        asyncio.run(asked_in_vain(running))
        for _ in range(12):
            with contextlib.suppress(urllib.error.HTTPError):
                running.publish("in-vain", 1, headers=crowds.AS_STATUS)
    with running.ordered("signal", 1):
        asyncio.run(upgraded(running))
    with running.ordered("encoding", 1), running.ordered("garbage", 200_000):
        asyncio.run(unencodable(running))
    with running.ordered("loop-blocked", 0.4):
        until(lambda: running.figure("heliograph_event_loop_stalls_total") > 1)
    with contextlib.suppress(urllib.error.HTTPError):
        urllib.request.urlopen(running.url("heliograph", "/debug/node", 9000), timeout=10).close()
    distrusted(running)
    with running.broken_certificate():
        until(lambda: running.figure("heliograph_certificate_reloads_total", result="refused"))
    running.stack.stop_service("heliograph")
    running.stack.start_service("heliograph")
    until(lambda: running.inbox()["firing"] or running.inbox()["resolved"], patience=60)
    return running


async def stopped(running):
    """A reader takes nothing of large messages until it is cut."""
    async with crowds.behind(running, "cut", readers=1, lag=10**9, size=256 * 1024, a_second=20.0):
        cut = "heliograph_connections_closed_total"
        before = running.figure(cut, cause="slow_bytes")
        await asyncio.to_thread(until, lambda: running.figure(cut, cause="slow_bytes") > before)


async def conflated(running):
    """A reader that takes nothing keeps only the newest."""
    async with crowds.behind(running, "newest:cut", readers=1, lag=10**9, size=256 * 1024, a_second=20.0):
        dropped = "heliograph_messages_dropped_total"
        before = running.figure(dropped)
        await asyncio.to_thread(until, lambda: running.figure(dropped) > before)
        await asyncio.sleep(3)  # some scrapes, so that the growth is seen


async def late(running):
    """Readers take message by message, twenty behind."""
    async with crowds.behind(running, "late", readers=1, lag=20, size=48 * 1024, a_second=8.0):
        await asyncio.sleep(6)  # the messages' own delay: the later they are, the surer


async def asked_in_vain(running):
    """Publishes fail, a backend does not answer, and a channel is not there."""
    raw = await Raw.connected(running.port, running.token("in-vain"))
    for number in range(4):
        with contextlib.suppress(AssertionError):
            await raw.ask(id=200 + number, subscribe={"channel": "asked:of-a-backend"})
        await asyncio.sleep(1.1)  # from scrape to scrape: a counter's first sample is no growth
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


async def unencodable(running):
    """What is published is lost for its subscriber."""
    raw = await Raw.connected(running.port, running.token("unencodable"), "unencodable")
    for number in range(5):
        await asyncio.to_thread(running.publish, "unencodable", number)
        await asyncio.sleep(1.1)  # from scrape to scrape: a counter's first sample is no growth
    await raw.abort()


def distrusted(running):
    """Clients that do not know who signed the certificate; from scrape to scrape again."""
    host, _, port = running.url("heliograph", "", 9000).removeprefix("http://").partition(":")
    for _ in range(4):
        with (
            contextlib.suppress(ssl.SSLCertVerificationError),
            socket.create_connection((host, int(port)), timeout=10) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname="heliograph"),
        ):
            raise AssertionError("it was trusted")
        time.sleep(1.1)


@pytest.mark.parametrize("where", [where for where in RUNBOOKS if where not in UNSEEN.keys() | RARE.keys()])
def test_a_query_of_a_runbook_finds_something(broken, where):
    ask(broken, where)


@pytest.mark.parametrize("where", RARE)
def test_a_rare_query_finds_something_under_its_fault(broken, where):
    ask(broken, where)


def ask(broken, where):
    question = QUESTIONS[where]

    def samples():
        return list(finite(question.source, answer()))

    def answer():
        return broken.get(question.source, question.url(broken.began, time.time()))

    assert min(until(samples)) >= broken.began - 1
    assert nameless(question, answer()) == []
