"""The pager as a process that is killed while letters are on their way: they arrive, and once if the answer was heard."""

import asyncio
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from alerts.pager.store import Store
from tests.alerts.pager.notices import notice, notification
from tests.alerts.pager.providers import Provider

ROOT = Path(__file__).parents[3]
FINE = web.json_response


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def running(tmp_path):
    """``running(text)`` serves until the end of its block, which kills it with -9 or ends it with ``how``."""

    @asynccontextmanager
    async def run(text, how=signal.SIGKILL):
        (tmp_path / "pager.yml").write_text(text)
        port = free_port()
        files = ("--inbox", tmp_path / "inbox.sqlite3", "--config", tmp_path / "pager.yml")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "alerts.pager", "--port", str(port), *map(str, files)),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                await serves(session)
                yield session
        finally:
            process.send_signal(how)
            await process.communicate()

    return run


async def serves(session):
    async with asyncio.timeout(20):
        while True:
            try:
                async with session.get("/health") as answer:
                    assert answer.status == 200
                    return
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.02)


async def tell(session, group="g"):
    async with session.post("/alerts/critical", json=notification(notice()) | {"groupKey": group}) as answer:
        assert answer.status == 200


async def all_taken(session):
    """Until the pager has written down that its provider has all."""
    async with asyncio.timeout(10):
        while True:
            async with session.get("/metrics") as answer:
                told = await answer.text()
            if 'pager_letters_total{channel="hook"} 0.0' not in told and "pager_letters_waiting 0.0" in told:
                return
            await asyncio.sleep(0.02)


def one_hook(provider, gather="0s"):
    return f"""
gather: {gather}
channels: {{hook: {{type: webhook, url: "{provider.url()}"}}}}
routes: {{critical: [{{to: [hook]}}]}}"""


class Hanging(Provider):
    """Answers only when it is allowed to."""

    def __init__(self):
        super().__init__(lambda *_: FINE({}))
        self.gate = asyncio.Event()

    async def _take(self, request):
        answer = await super()._take(request)
        await self.gate.wait()
        return answer


@pytest.mark.slow
async def test_letters_survive_a_kill_wherever_they_are(running, tmp_path):
    async with Hanging() as provider:
        # In the call: its answer is never heard.
        async with running(one_hook(provider)) as session:
            await tell(session, "in the call")
            await provider.called(1)
            await tell(session, "behind it")
        # Still gathering.
        async with running(one_hook(provider, "10s")) as session:
            await provider.called(2)
            provider.gate.set()
            await tell(session, "gathering")
        keys = [[case["key"] for case in call["cases"]] for call in provider.calls]
        assert keys == [["in the call"], ["in the call", "behind it"]], "the answer of the first call is not known"
        store = Store(tmp_path / "inbox.sqlite3")
        letters = store.read("SELECT message, state FROM letters ORDER BY number")
        with store.writing() as database:
            database.execute("UPDATE letters SET due_at = 0")
        store.close()
        assert len(letters) == 3
        # Delivered, and heard so.
        async with running(one_hook(provider)) as session:
            await all_taken(session)
        assert "gathering" in str(provider.calls[2:])
        heard = len(provider.calls)
        async with running(one_hook(provider), signal.SIGTERM) as session:
            await tell(session, "last")
            await provider.called(heard + 1)
    told = [case["key"] for call in provider.calls[heard:] for case in call["cases"]]
    assert told == ["last"], "what a provider has taken is not told again"


@pytest.mark.slow
async def test_a_provider_that_failed_before_the_kill_is_asked_again_after_it(running, tmp_path):
    async with Provider(lambda number, _: FINE({}, status=503 if number == 1 else 200)) as provider:
        async with running(one_hook(provider)) as session:
            await tell(session)
            await provider.called(1)
        store = Store(tmp_path / "inbox.sqlite3")
        with store.writing() as database:  # fifteen seconds pass
            database.execute("UPDATE letters SET due_at = 0")
            database.execute("UPDATE pauses SET until = 0")
        store.close()
        async with running(one_hook(provider)) as session:
            await all_taken(session)
        async with running(one_hook(provider), signal.SIGTERM) as session:
            await tell(session, "another")
            await provider.called(3)
    assert [[case["key"] for case in call["cases"]] for call in provider.calls] == [["g"], ["g"], ["another"]]
