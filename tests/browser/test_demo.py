"""The demo page in a real Chromium, against the real server."""

import asyncio
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.browser.chromium import browsing, found
from tests.e2e.served import KEY, RECOVERABLE, ROOT, Served, configuration

JAEGER = "http://jaeger.example:16686"
SHOTS = Path(__file__).resolve().parent.parent.parent / "build" / "screenshots"
ROWS = "[...document.querySelectorAll('#messages tr')].map(row => row.innerText)"
LOG = "document.querySelector('#log').innerText"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not found(), reason="no Chromium is installed (Debian: apt-get install chromium)"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = configuration(
        demo__enabled=True,
        demo__traces_url=JAEGER,
        telemetry__otlp_endpoint="http://127.0.0.1:9",  # nobody takes them, but traces are made
        channel__without_namespace=RECOVERABLE,
        http_server__address="127.0.0.1",
    )
    with Served(tmp_path_factory.mktemp("demo"), settings) as served:
        yield served


async def opened(tab, server):
    await tab.open(f"http://127.0.0.1:{server.port}/demo")
    await tab.until("document.documentElement?.dataset.loaded === 'true'")
    await tab.click("#connect")
    await tab.until("document.querySelector('#state').textContent === 'connected'")
    await tab.until(f"{LOG}.includes('subscribed to news')")


def text(value):
    return f"document.querySelector('#text').value = {value!r}"


async def test_a_message_is_seen_with_its_latency(server):
    async with browsing() as tab:
        await tab.theme("dark")
        await opened(tab, server)
        await tab.run(text("first light"))
        await tab.click("#publish")
        row = await tab.until(f"{ROWS}.find(row => row.includes('first light'))")
        assert "news #" in row
        assert " ms" in row
        link = await tab.run("document.querySelector('#messages a').href")
        assert re.fullmatch(JAEGER + "/trace/[0-9a-f]{32}", link)
        server.publish("news", {"text": "from the backend"})
        await tab.until(f"{ROWS}.some(row => row.includes('from the backend'))")
        await tab.click("#burst")
        await tab.until("Number(document.querySelector('#received').textContent) === 22")
        assert await tab.run("document.querySelectorAll('#latencies rect').length") == 21
        await tab.screenshot(SHOTS / "demo.png")
        await tab.theme("light")
        await tab.resize(390, 1400, phone=True)
        await tab.run("document.querySelector('#theme').click()")
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth"), "it is wider than a phone"
        await tab.screenshot(SHOTS / "demo-phone.png")
        assert tab.complaints == []


@pytest.mark.slow
@pytest.mark.parametrize("channel", ["news", "ann's news"])
async def test_the_command_that_it_prints_can_be_pasted(server, channel):
    """In Heliograph's folder, whose own command is made as `make run` makes it."""
    await asyncio.to_thread(subprocess.run, ["deploy/environment.sh", "run"], cwd=ROOT, check=True, timeout=100)
    async with browsing() as tab:
        await opened(tab, server)
        await tab.run(f"document.querySelector('#channel').value = {json.dumps(channel)}")
        await tab.click("#connect")
        await tab.until(f"{LOG}.includes({json.dumps(f'subscribed to {channel}')})")
        line = await tab.run("document.querySelector('#command').textContent")
        said = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=30,
            env={**os.environ, "HELIOGRAPH_HTTP_API_KEY": KEY},
        )  # fmt: skip
        assert said.returncode == 0, said.stderr
        await tab.until(f"{ROWS}.some(row => row.includes('hello') && row.includes({json.dumps(channel)}))")


@pytest.mark.slow
async def test_it_reports_what_it_measures(server):
    async with browsing() as tab:
        await opened(tab, server)
        for _ in range(200):  # the first report compares the clocks, the ones two seconds after it measure
            server.publish("news", {"text": "measured"})
            if server.figure("heliograph_message_receive_seconds_count"):
                break
            await asyncio.sleep(0.1)
        assert server.figure("heliograph_message_receive_seconds_count") > 0
        # On one machine a message takes less than the clocks can be told apart: such a lag is reported as 0.
        assert 0 <= server.figure("heliograph_message_receive_seconds_sum") < 60
        assert server.figure("heliograph_client_reports_unmeasured_total", reason="implausible") == 0
        ends = server.figure("heliograph_client_disconnects_total")
        await tab.click("#kill")
        await tab.until("document.querySelector('#reconnects').textContent === '1'")
        for _ in range(100):
            if server.figure("heliograph_client_disconnects_total") > ends:
                break
            await asyncio.sleep(0.1)
        assert server.figure("heliograph_client_disconnects_total") == ends + 1
        assert tab.complaints == []


@pytest.mark.slow
async def test_a_killed_socket_catches_up(server):
    async with browsing() as tab:
        await opened(tab, server)
        server.publish("news", {"text": "before"})
        await tab.until(f"{ROWS}.some(row => row.includes('before'))")
        await tab.click("#kill")
        server.publish("news", {"text": "meanwhile"})
        await tab.until(f"{LOG}.includes('recovered: true, 1 missed message caught up')")
        row = await tab.until(f"{ROWS}.find(row => row.includes('meanwhile'))")
        assert "caught up" in row
        assert await tab.run("document.querySelector('#reconnects').textContent") == "1"
        assert await tab.run(f"{ROWS}.filter(row => row.includes('before')).length") == 1
        assert tab.complaints == []


@pytest.mark.slow
async def test_a_client_that_stops_reading_gets_everything_late(server):
    async with browsing() as tab:
        await opened(tab, server)
        await tab.click("#freeze")
        await tab.until("document.querySelector('#state').textContent.startsWith('not reading')")
        for number in range(5):
            server.publish("news", {"text": f"late {number}"})
        assert not await tab.run(f"{ROWS}.some(row => row.includes('late'))")
        await tab.until(f"{LOG}.includes('reads again')")
        await tab.until(f"{ROWS}.filter(row => row.includes('late')).length === 5")
        assert await tab.run("document.querySelector('#reconnects').textContent") == "0"


@pytest.mark.slow
async def test_throttling_is_switched_on_and_off(server):
    async with browsing() as tab:
        await opened(tab, server)
        await tab.click("#throttle")
        await tab.until("document.querySelector('#throttle').getAttribute('aria-pressed') === 'true'")
        await tab.click("#burst")
        await tab.until("Number(document.querySelector('#received').textContent) === 20")
        slowest = await tab.run(
            "Math.max(...[...document.querySelectorAll('td.number')].map(cell => parseFloat(cell.innerText) * (cell.innerText.endsWith(' s') ? 1000 : 1)))"
        )
        assert slowest > 1000
        await tab.click("#throttle")
        await tab.until("document.querySelector('#throttle').getAttribute('aria-pressed') === 'false'")


async def test_leaving_and_a_token_that_does_not_count(server):
    async with browsing() as tab:
        await opened(tab, server)
        await tab.click("#disconnect")
        await tab.until("document.querySelector('#state').textContent === 'disconnected'")
        assert await tab.run("document.querySelector('#publish').disabled")
        await tab.run("document.querySelector('#token').value = 'no.to.ken'")
        await tab.click("#connect")
        await tab.until(f"{LOG}.includes('3500 invalid token, for good')")


@pytest.mark.slow
async def test_another_server_in_between_is_noticed(tmp_path):
    """The server goes away and comes back without what it knew: the page says that something is lost."""
    settings = configuration(demo__enabled=True, channel__without_namespace=RECOVERABLE)
    with Served(tmp_path, settings) as server:
        async with browsing() as tab:
            await opened(tab, server)
            server.publish("news", {"text": "before"})
            await tab.until(f"{ROWS}.some(row => row.includes('before'))")
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await tab.until(f"{LOG}.includes('recovered: false, something is lost')", 45)
