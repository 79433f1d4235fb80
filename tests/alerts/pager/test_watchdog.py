"""The watchdog: its silence is told once, its return ends it, restarts included, and heartbeats are handed on."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from alerts.pager.alert import NEVER
from alerts.pager.desk import Desk
from alerts.pager.inbox import InboxFull
from alerts.pager.office import Office
from alerts.pager.reading import Wrong
from alerts.pager.settings import Settings, read
from alerts.pager.store import InboxUnusable, Store
from alerts.pager.watchdog import NAME, WatchdogSettings
from tests.alerts.pager.notices import notice, notification

HEARTBEAT = notification(notice("Watchdog", severity="none"))


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def office(store, clock, **settings):
    return Office(store, Settings(watchdog=WatchdogSettings(**{"after": 300.0} | settings)), clock=clock)


def firing(one):
    return [(entry.name, entry.severity, entry.starts_at) for entry in one.inbox.firing()]


def test_silence_is_told_after_its_time_and_once(store, clock):
    one = office(store, clock)
    clock.now += 299
    assert not one.watchdog.look()
    assert firing(one) == []
    clock.now += 1
    assert one.watchdog.look()
    assert firing(one) == [(NAME, "critical", 1300)]
    (case,) = one.cases.open()
    assert case.route == "critical"
    clock.now += 1000
    assert not one.watchdog.look()
    assert len(one.cases.open()) == 1


def test_heartbeats_keep_it_quiet(store, clock):
    one = office(store, clock)
    for _ in range(100):
        clock.now += 290
        one.hear()
        assert not one.watchdog.look()
    assert firing(one) == []


def test_the_first_heartbeat_after_a_silence_ends_it(store, clock):
    one = office(store, clock)
    clock.now += 400
    one.watchdog.look()
    clock.now += 60
    one.hear()
    assert one.watchdog.look()
    assert firing(one) == []
    (entry,) = one.inbox.resolved()
    assert (entry.starts_at, entry.ends_at) == (1400, 1460)
    assert one.cases.open() == []
    assert not one.watchdog.look()


def test_a_silence_is_known_after_a_restart_and_not_told_twice(store, clock):
    office(store, clock).watchdog.look()
    clock.now += 300
    assert (before := office(store, clock)).watchdog.look() is False
    clock.now += 300
    assert before.watchdog.look()
    clock.now += 300
    after = office(store, clock)
    clock.now += 300
    assert not after.watchdog.look()
    assert len(after.cases.open()) == 1
    after.hear()
    assert after.watchdog.look()
    assert firing(after) == []


def test_a_restart_gives_heartbeats_their_time_again(store, clock):
    clock.now += 10_000
    assert not office(store, clock).watchdog.look()


def test_without_settings_nobody_waits(store, clock):
    one = Office(store, clock=clock)
    clock.now += 10**9
    assert not one.watchdog.look()
    assert one.watchdog.silent_at == float("inf")


def test_it_goes_its_route(store, clock):
    one = office(store, clock, route="nights", after=1.0)
    clock.now += 1
    one.watchdog.look()
    assert [case.route for case in one.cases.open()] == ["nights"]


# ------------------------------------------------------------------------------- the door


@pytest.fixture
async def pager(aiohttp_client, store, clock):
    one = office(store, clock)
    client = await aiohttp_client(Desk(one).application())
    client.office = one
    return client


async def test_a_heartbeat_is_heard_and_is_no_alert(pager):
    answer = await pager.post("/watchdog", json=HEARTBEAT)
    assert (answer.status, await answer.json()) == (200, {"heard": 1000.0})
    assert await (await pager.get("/inbox.json")).json() == {"firing": [], "resolved": [], "cases": []}
    assert "pager_watchdog_heard_timestamp_seconds 1000.0" in await (await pager.get("/metrics")).text()
    assert "were heard 0 s ago" in await (await pager.get("/")).text()


async def test_what_does_not_fire_is_no_heartbeat(pager):
    for body in (notification(), notification(notice("Watchdog", ends=1001.0)), {"alerts": 1}):
        assert (await pager.post("/watchdog", json=body)).status == 400
    assert (await pager.post("/watchdog", data=b"{}", headers={"Content-Type": "text/plain"})).status == 415
    assert pager.office.watchdog.heard_at == NEVER


async def test_a_pager_that_can_keep_nothing_hears_nothing(pager, store):
    store.close()
    assert (await pager.post("/watchdog", json=HEARTBEAT)).status == 503
    assert pager.office.watchdog.heard_at == NEVER


async def test_its_runbook_is_there(pager):
    assert (await pager.get(f"/runbooks/{NAME}")).status == 200


async def test_silence_is_told_while_the_pager_runs(aiohttp_client, tmp_path):
    store = Store(tmp_path / "other.sqlite3")
    one = Office(store, Settings(watchdog=WatchdogSettings(after=0.2)))
    client = await aiohttp_client(Desk(one).application())
    async with asyncio.timeout(10):
        while not firing(one):
            await asyncio.sleep(0.02)
        await client.post("/watchdog", json=HEARTBEAT)
        while firing(one):
            await asyncio.sleep(0.02)
            await client.post("/watchdog", json=HEARTBEAT)
    await client.close()
    store.close()


@pytest.mark.parametrize("fault", [InboxFull("full"), InboxUnusable("no disk"), ZeroDivisionError()])
async def test_what_cannot_be_told_is_told_when_it_can(aiohttp_client, store, monkeypatch, fault):
    """And neither the watchdog nor the post ends by it."""
    monkeypatch.setattr("alerts.pager.watchdog._SHORTEST", 0.02)
    one = Office(store, Settings(watchdog=WatchdogSettings(after=0.05)))
    real, failed = one.watchdog._tell, []

    def tell(*given):
        if len(failed) < 2:
            failed.append(given)
            raise fault
        return real(*given)

    one.watchdog._tell = tell
    client = await aiohttp_client(Desk(one).application())
    async with asyncio.timeout(10):
        while not firing(one):
            await asyncio.sleep(0.01)
    assert (await client.get("/health")).status == 200
    told = await (await client.get("/metrics")).text()
    assert f'pager_faults_total{{part="watchdog"}} {2.0 if isinstance(fault, ArithmeticError) else 0.0}' in told


# --------------------------------------------------------------------------- handed on


@pytest.fixture
async def elsewhere(aiohttp_server):
    """A service that waits for heartbeats; ``asked`` counts them, ``status`` is what it answers."""
    state = {"asked": 0, "status": 200}

    async def ping(_):
        state["asked"] += 1
        return web.Response(status=state["status"])

    application = web.Application()
    application.router.add_get("/secret-path", ping)
    state["server"] = await aiohttp_server(application)
    return state


async def forwards(pager):
    text = await (await pager.get("/metrics")).text()
    return {
        result: float(text.split(f'pager_watchdog_forwards_total{{result="{result}"}} ')[1].split()[0])
        for result in ("sent", "failed")
    }


async def beat_until(pager, true):
    async with asyncio.timeout(10):
        while not true(await forwards(pager)):
            assert (await pager.post("/watchdog", json=HEARTBEAT)).status == 200
            await asyncio.sleep(0.02)


async def test_each_heartbeat_is_handed_on_and_failures_are_counted(aiohttp_client, elsewhere, store, clock, tmp_path):
    file = tmp_path / "url"
    file.write_text(f"{elsewhere['server'].make_url('/secret-path')}\n")
    pager = await aiohttp_client(Desk(office(store, clock, url_file=str(file))).application())
    await beat_until(pager, lambda count: count["sent"] >= 2)
    assert elsewhere["asked"] >= 2
    elsewhere["status"] = 500
    await beat_until(pager, lambda count: count["failed"] >= 1)
    failed = (await forwards(pager))["failed"]
    file.write_text("no address")
    await beat_until(pager, lambda count: count["failed"] > failed)
    failed = (await forwards(pager))["failed"]
    file.unlink()
    await beat_until(pager, lambda count: count["failed"] > failed)
    assert "secret-path" not in await (await pager.get("/metrics")).text() + await (await pager.get("/")).text()


async def test_without_a_heartbeat_nothing_is_handed_on(aiohttp_client, elsewhere, store, clock, tmp_path):
    file = tmp_path / "url"
    file.write_text(str(elsewhere["server"].make_url("/secret-path")))
    pager = await aiohttp_client(Desk(office(store, clock, url_file=str(file))).application())
    assert (await pager.post("/watchdog", json=notification())).status == 400
    assert (await pager.get("/health")).status == 200
    assert elsewhere["asked"] == 0


# ------------------------------------------------------------------------------ pager.yml


def test_the_settings_and_their_mistakes():
    assert read("watchdog: {after: 5m}").watchdog == WatchdogSettings(300.0, "critical")
    assert read("{}").watchdog == WatchdogSettings()
    with pytest.raises(Wrong) as wrong:
        read(
            """
channels: {hook: {type: webhook, url: "http://there"}}
routes: {critical: [{to: [hook]}]}
watchdog: {after: soon, route: critcal, url: x}
"""
        )
    assert wrong.value.sentences == [
        "watchdog.url: 'url' is no known option; known: after, route, url_file",
        "watchdog.after: 'soon' is no duration such as 30s, 5m or 1h",
        "watchdog.route: 'critcal' is no route; did you mean critical?",
    ]


async def test_aiohttp_is_asked_for_no_redirect(aiohttp_client, aiohttp_server, store, clock, tmp_path):
    """A login page instead of the service is no success."""

    async def moved(_):
        raise web.HTTPFound("/elsewhere")

    application = web.Application()
    application.router.add_get("/", moved)
    server = await aiohttp_server(application)
    file = tmp_path / "url"
    file.write_text(str(server.make_url("/")))
    pager = await aiohttp_client(Desk(office(store, clock, url_file=str(file))).application())
    await beat_until(pager, lambda count: count["failed"] >= 1)
    assert isinstance(pager.session, aiohttp.ClientSession)
