"""The pager's doors, by HTTP; and the pager as a process that is killed."""

import asyncio
import io
import signal
import socket
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from alerts.pager.desk import Desk
from alerts.pager.office import Office
from alerts.pager.settings import read as settings_of
from alerts.pager.store import Store
from tests.alerts.pager.notices import notice, notification
from tests.alerts.pager.providers import Provider

ROOT = Path(__file__).parents[3]


@pytest.fixture
async def pager(aiohttp_client, tmp_path):
    store = Store(tmp_path / "inbox.sqlite3")
    desk = Desk(Office(store, keep=3, clock=lambda: 1100.0))
    client = await aiohttp_client(desk.application())
    client.store, client.desk = store, desk
    yield client
    store.close()


async def test_what_comes_in_is_shown(pager):
    answer = await pager.post("/alerts", json=notification(notice(starts=1000)))
    assert (answer.status, await answer.json()) == (200, {"accepted": 1, "told": "firing"})
    told = await (await pager.get("/inbox.json")).json()
    (entry,) = told["firing"]
    assert (entry["name"], entry["severity"], entry["starts_at"]) == ("HeliographBacklog", "critical", 1000)
    assert entry["links"]["Runbook"].endswith("/HeliographBacklog")
    assert told["resolved"] == []
    page = await pager.get("/")
    assert page.content_type == "text/html"
    assert "HeliographBacklog" in await page.text()
    assert "script" not in page.headers["Content-Security-Policy"]


async def test_no_answer_tells_a_version(pager):
    for path in ("/", "/health", "/nothing", "/static/nothing"):
        assert (await pager.get(path)).headers["Server"] == "Heliograph"


async def test_firing_becomes_resolved(pager):
    await pager.post("/alerts", json=notification(notice(starts=1000)))
    await pager.post("/alerts", json=notification(notice(starts=1000, ends=1060)))
    told = await (await pager.get("/inbox.json")).json()
    assert told["firing"] == []
    assert [entry["ends_at"] for entry in told["resolved"]] == [1060]


async def test_what_is_no_notification_is_refused_with_a_sentence(pager):
    answer = await pager.post("/alerts", json={"alerts": [{"status": "odd"}]})
    assert answer.status == 400
    assert "alerts[0] has no status firing or resolved" in await answer.text()
    assert 'pager_webhook_calls_total{result="refused"} 1.0' in await (await pager.get("/metrics")).text()


async def test_a_web_page_cannot_post_from_a_browser(pager):
    """A form or a fetch without preflight can only send these types."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = await pager.post("/alerts", data=b'{"alerts": []}', headers={"Content-Type": kind})
        assert answer.status == 415


async def test_a_body_that_is_too_long_is_refused(pager):
    answer = await pager.post(
        "/alerts", data=io.BytesIO(b" " * (5 * 2**20)), headers={"Content-Type": "application/json"}
    )
    assert answer.status == 413


async def test_a_full_inbox_makes_the_sender_try_again(pager):
    many = [notice(instance=str(number)) for number in range(4)]
    answer = await pager.post("/alerts", json=notification(*many))
    assert answer.status == 503
    assert "all of them are firing" in await answer.text()


async def test_health_needs_a_readable_inbox(pager):
    assert (await pager.get("/health")).status == 200
    pager.store.close()
    assert (await pager.get("/health")).status == 503
    assert (await pager.post("/alerts", json=notification(notice()))).status == 503


async def test_metrics_tell_what_fires(pager):
    await pager.post("/alerts", json=notification(notice(instance="a"), notice(instance="b", ends=1060)))
    text = await (await pager.get("/metrics")).text()
    assert "pager_firing_alerts 1.0" in text
    assert 'pager_notices_total{state="resolved"} 1.0' in text


async def test_runbooks_are_pages(pager):
    listed = await (await pager.get("/runbooks")).text()
    assert "/runbooks/HeliographBacklog" in listed
    assert "<h2>Mitigation</h2>" in await (await pager.get("/runbooks/HeliographBacklog")).text()
    missing = await pager.get("/runbooks/<b>Nothing")
    assert missing.status == 404
    assert "<b>" not in await missing.text()
    assert (await pager.get("/runbooks/..%2FREADME")).status == 404
    assert (await pager.get("/static/pager.css")).status == 200
    assert (await pager.get("/static/../desk.py")).status == 404


async def test_a_case_is_acknowledged_on_its_page(pager):
    await pager.post("/alerts/critical", json=notification(notice(name="<b>Bold")))
    page = await (await pager.get("/cases/1")).text()
    assert "Acknowledge: I look after it" in page
    assert "Nobody: no channel is configured for this route." in page
    assert "<b>Bold" not in page
    nobody = await pager.post("/cases/1/acknowledge", data={"by": "  "})
    assert (nobody.status, await nobody.text()) == (400, "say who you are, in the field by\n")
    foreign = await pager.post("/cases/1/acknowledge", data={"by": "Eve"}, headers={"Origin": "http://evil.example"})
    assert foreign.status == 403
    own = {"Origin": f"http://{pager.host}:{pager.port}"}
    answer = await pager.post("/cases/1/acknowledge", data={"by": "<i>Ada"}, headers=own)
    assert answer.status == 200, "it leads back to the case"
    page = await answer.text()
    assert "Acknowledged by <b>&lt;i&gt;Ada</b>" in page
    assert "<form" not in page
    assert "acknowledged by &lt;i&gt;Ada" in await (await pager.get("/")).text()
    told = await (await pager.get("/inbox.json")).json()
    assert [case["acknowledged_by"] for case in told["cases"]] == ["<i>Ada"]
    assert 'pager_open_cases{acknowledged="yes"} 1.0' in await (await pager.get("/metrics")).text()
    assert (await pager.get("/cases/7")).status == 404
    assert (await pager.post("/cases/7/acknowledge", data={"by": "Ada"})).status == 404


async def test_pagerduty_hears_at_once_that_somebody_has_acknowledged(aiohttp_client, tmp_path):
    (tmp_path / "routing").write_text("K")
    async with Provider(lambda *_: web.json_response({}, status=202)) as pagerduty:
        text = f"""
channels: {{duty: {{type: pagerduty, routing_key_file: {tmp_path / "routing"}, url: "{pagerduty.url()}"}}}}
routes: {{critical: [{{to: [duty]}}]}}"""
        store = Store(tmp_path / "inbox.sqlite3")
        client = await aiohttp_client(Desk(Office(store, settings_of(text))).application())
        await client.post("/alerts/critical", json=notification(notice()))
        await pagerduty.called(1)
        await client.post("/cases/1/acknowledge", data={"by": "Ada"})
        await pagerduty.called(2)
        assert [call["event_action"] for call in pagerduty.calls] == ["trigger", "acknowledge"]
        await client.close()
        store.close()


async def test_health_needs_somebody_who_carries_letters(pager):
    desk = pager.desk
    desk._carried.cancel()
    await asyncio.wait((desk._carried,))
    answer = await pager.get("/health")
    assert (answer.status, "letters are not carried" in await answer.text()) == (503, True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def start(port, inbox):
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "alerts.pager", "--port", str(port), "--inbox", str(inbox)),
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )


async def answered(session, url):
    for _ in range(200):
        try:
            async with session.get(url) as answer:
                return await answer.json()
        except aiohttp.ClientConnectionError:
            await asyncio.sleep(0.05)
    raise AssertionError(f"{url} never answered")


async def test_the_process_keeps_what_it_accepted_when_it_is_killed(tmp_path):
    port, inbox = free_port(), tmp_path / "inbox.sqlite3"
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        first = await start(port, inbox)
        try:
            await answered(session, f"{url}/inbox.json")
            async with session.post(f"{url}/alerts", json=notification(notice())) as answer:
                assert answer.status == 200
        finally:
            first.send_signal(signal.SIGKILL)
            await first.communicate()
        second = await start(port, inbox)
        try:
            told = await answered(session, f"{url}/inbox.json")
            assert [entry["name"] for entry in told["firing"]] == ["HeliographBacklog"]
        finally:
            second.terminate()
            _, said = await second.communicate()
    assert second.returncode == 0
    assert f"http://127.0.0.1:{port}".encode() in said


@pytest.mark.slow
async def test_it_says_why_it_does_not_start(tmp_path):
    (tmp_path / "file").touch()
    process = await start(free_port(), tmp_path / "file" / "inbox.sqlite3")
    _, said = await process.communicate()
    assert process.returncode == 1
    assert said.startswith(b"pager: ")
    assert b"cannot be used as inbox" in said
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = await start(taken.getsockname()[1], tmp_path / "inbox.sqlite3")
        _, said = await process.communicate()
    assert process.returncode == 1
    assert b"cannot listen on 127.0.0.1" in said
