import asyncio

import pytest
from aiohttp import web

from service.api.health import Doors, DoorSettings, Readiness


def render(*, openmetrics):
    yield b"# TYPE a counter\na_total 1\n"
    yield b""
    yield b"x" * 40_000 + b"\n"
    yield b"# EOF\n" if openmetrics else b"old 1\n"


@pytest.fixture
async def doors(aiohttp_client):
    async def serve(settings=DoorSettings(), readiness=Readiness({}, {})):
        made = Doors(settings, render, lambda: readiness)
        public, internal = web.Application(), web.Application()
        made.add_public(public.router)
        made.add_internal(internal.router)
        return await aiohttp_client(public), await aiohttp_client(internal)

    return serve


async def test_the_internal_port_always_says_how_it_is(doors):
    public, internal = await doors()
    answer = await internal.get("/health")
    assert (answer.status, await answer.json()) == (200, {})
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await public.get("/health")).status == 404
    assert (await public.get("/metrics")).status == 404
    assert (await public.get("/ready")).status == 404


async def test_the_public_port_where_it_is_switched_on(doors):
    public, internal = await doors(DoorSettings(health="/healthz", init="/connection/init"))
    for client in (public, internal):
        assert await (await client.get("/healthz")).json() == {}
    assert await (await public.get("/connection/init")).json() == {}
    assert (await internal.get("/health")).status == 200


async def test_pages_of_allowed_origins_may_read_the_warm_up(doors):
    public, _ = await doors(DoorSettings(init="/connection/init", allowed_origins=("https://*.example.org",)))
    good = await public.get("/connection/init", headers={"Origin": "https://a.example.org"})
    assert good.headers["Access-Control-Allow-Origin"] == "https://a.example.org"
    assert good.headers["Access-Control-Allow-Credentials"] == "true"
    bad = await public.get("/connection/init", headers={"Origin": "https://evil.example.com"})
    assert bad.status == 200
    assert "Access-Control-Allow-Origin" not in bad.headers


@pytest.mark.parametrize(
    ("readiness", "status", "told"),
    [
        (Readiness({}, {}), 200, {"ready": True}),
        (Readiness({"service": "draining"}, {}), 503, {"ready": False, "reasons": {"service": "draining"}}),
        (Readiness({}, {"broker": "down"}), 200, {"ready": True, "degraded": {"broker": "down"}}),
    ],
)
async def test_readiness_has_reasons(doors, readiness, status, told):
    _, internal = await doors(readiness=readiness)
    answer = await internal.get("/ready")
    assert (answer.status, await answer.json()) == (status, told)


async def test_metrics_in_both_languages(doors):
    _, internal = await doors()
    new = await internal.get(
        "/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    )
    assert new.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert (await new.text()).endswith("# EOF\n")
    old = await internal.get("/metrics", headers={"Accept": "*/*"})
    assert old.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert (await old.text()).endswith("old 1\n")
    assert new.headers["Transfer-Encoding"] == "chunked"


async def test_the_loop_turns_between_the_steps_of_a_scrape(doors):
    _, internal = await doors()
    turns = 0

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await (await internal.get("/metrics")).read()
    counting.cancel()
    assert turns >= 4
