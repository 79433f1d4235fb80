"""What a scrape costs a large node: its size is bounded whatever is configured, and it never holds the event loop for long."""

import asyncio
import gc
import json

import aiohttp
import pytest

from bench.steps import Steps, watched
from service.api.health import Doors
from service.app import Service
from service.config import load
from tests.e2e.crowd import crowd, needs_a_compiler
from tests.e2e.served import RECOVERABLE, configuration, token
from tests.e2e.test_happenings import api, until

NAMESPACES, CONNECTIONS = 200, 10_000
LINES, STEP = 1500, 2.0  # a step in ms
NAMES = [f"n{number:03}" for number in range(NAMESPACES)]
DOORS = {"address": "127.0.0.1", "port": 0, "internal_port": 0}


@pytest.fixture
async def node(tmp_path, monkeypatch):
    """As in production, with its own telemetry; the steps of its handler of ``/metrics`` are measured."""
    steps = Steps()
    monkeypatch.setattr(Doors, "metrics", watched(Doors.metrics, steps))
    file = tmp_path / "config.json"
    channel = {"namespaces": [{"name": name, **RECOVERABLE, "history_size": 10} for name in NAMES]}
    file.write_text(json.dumps(configuration(http_server=DOORS, channel=channel, log={"level": "error"})))
    service = Service(load(file, {}))
    public, internal = await service.start()
    yield service, steps, public.port, f"http://{internal.host}:{internal.port}/metrics"
    await service.stop("the test is over")


async def publish_everywhere(service, times):
    for _ in range(times):
        for name in NAMES:
            service.hub.publish(f"{name}:room", b"{}")
            await asyncio.sleep(0)


async def scraped(url):
    accept = {"Accept": "application/openmetrics-text"}
    async with aiohttp.ClientSession() as session, session.get(url, headers=accept) as answer:
        return await answer.text()


@pytest.mark.slow
@needs_a_compiler
async def test_two_hundred_namespaces_and_ten_thousand_connections(node):
    """The steps are measured by the thread's CPU time, for others want the machine, too."""
    service, steps, port, url = node
    with crowd(port) as crew:
        for name in NAMES:
            room = f"{name}:room"
            await asyncio.to_thread(crew.open, CONNECTIONS // NAMESPACES, "subscribe", room, token(name))
        for name in NAMES:
            assert (await api(port, "publish", channel=f"{name}:room", data={}))[0] == 200
        scrapes = []
        gc.disable()  # a pause of the collector is no step of the scrape, and has a metric of its own
        try:
            for _ in range(10):
                publishing = asyncio.create_task(publish_everywhere(service, 1))
                scrapes.append(await scraped(url))
                await publishing
        finally:
            gc.enable()
        await until(lambda: not any(book.queued for book in service.hub.ledger.books.values()), 30)
        whole = await scraped(url)
        print(f"{whole.count(chr(10))} lines; steps: {len(steps.cpu)}, longest {max(steps.cpu):.2f} ms of CPU")
    assert 'heliograph_connections{transport="websocket",protocol="json"} 10000' in whole
    assert max(each.count("\n") for each in (*scrapes, whole)) < LINES
    assert max(steps.cpu) < STEP
    delivered = [line for line in whole.splitlines() if line.startswith("heliograph_messages_delivered_total{")]
    assert sum(float(line.split()[-1]) for line in delivered) == sum(
        book.written for book in service.hub.ledger.books.values()
    )
    assert len(delivered) == 14, "twelve by name, without one, and the others"
    assert not service.hub.ledger.unaccounted
