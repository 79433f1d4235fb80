"""Queries that find nothing every day find something under their fault; so do those of the runbooks.

Runs after ``test_stack.py``, which has brought three alerts to fire: a broker that failed, readers that were late, readers
that stopped.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest

from faults import crowds
from faults.running import until
from service.lab.load.server_figures import LEDGERS
from tests.e2e.raw import Gone, Raw
from tests.stack.rare import FAULTS, LAST, RARE, SELDOM, every_question, found
from tests.stack.running import AT_THE_DOOR, exemplars, spans

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
QUESTIONS = every_question()
RUNBOOKS = [where for where in QUESTIONS if where.startswith("Heliograph")]
DIAMONDS = [where for where in sorted(RARE.keys() | SELDOM) if QUESTIONS[where].query.get("exemplar")]


def test_each_rare_query_is_one_and_has_a_fault():
    assert RARE.keys() <= QUESTIONS.keys()
    assert set(RARE.values()) == FAULTS.keys()


@pytest.fixture(scope="module")
def broken(running):
    """Every fault of the list, one after the other, but for those that `test_stack.py` brought."""
    running.load(on=True)
    with running.ordered("heartbeats", 1):
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
    unheard(running)
    knocking(running)
    old_line(running)
    distrusted(running)
    with running.broken_certificate():
        until(lambda: running.figure("heliograph_certificate_reloads_total", result="refused"))
    with running.ordered("ledger", 1):
        asyncio.run(left(running))
        until(lambda: all(running.value(f"sum({name})") > 0 for name in LEDGERS))
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


async def left(running):
    """A client comes and goes."""
    raw = await Raw.connected(running.port, running.token("left"))
    await raw.abort()


def old_line(running):
    """Somebody has put back a log file of three weeks ago: the Collector reads it, Loki does not take it."""
    then = datetime.now(UTC) - timedelta(weeks=3)
    line = {"timestamp": then.isoformat(), "level": "info", "event": "service.note", "service": "heliograph"}
    (running.stack.volume("logs") / "put-back.log").write_text(json.dumps(line) + "\n")
    until(lambda: running.value('loki_discarded_samples_total{job="loki"}') > 0)


def unheard(running):
    """The Collector is away while the server has spans; what was said about them is read when it is back."""
    lost = running.figure("heliograph_spans_dropped_total", reason="export_failed")
    running.stack.stop_service("collector")
    until(lambda: running.figure("heliograph_spans_dropped_total", reason="export_failed") > lost)
    running.stack.start_service("collector")


def knocking(running):
    """More are at the door than may stand there and say nothing."""
    with contextlib.ExitStack() as guests:
        for _ in range(AT_THE_DOOR + 20):
            guests.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=10))
        until(lambda: running.figure("heliograph_refusals_total", answer="503"))


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


@pytest.mark.parametrize("where", [where for where in RUNBOOKS if where not in RARE])
def test_a_query_of_a_runbook_finds_something(broken, where):
    assert found(broken, QUESTIONS[where]) >= broken.began - 1


@pytest.mark.parametrize("where", [where for where, fault in RARE.items() if fault not in LAST])
def test_a_rare_query_finds_something_under_its_fault(broken, where):
    assert found(broken, QUESTIONS[where]) >= broken.began - 1


@pytest.mark.parametrize("where", DIAMONDS)
def test_a_rare_diamond_leads_to_a_trace_that_is_there(broken, where):
    labels = until(lambda: exemplars(broken, QUESTIONS[where]))[-1]
    assert until(lambda: spans(broken, labels["trace_id"]))
