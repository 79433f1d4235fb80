"""Through a real nginx, configured as our page says: every transport, both ways, and nothing is kept back."""

import asyncio
import json
import time
from urllib.parse import quote

import aiohttp
import pytest

from service.config import load
from tests.e2e import nginx
from tests.e2e.served import Served, configuration, token
from tests.sdk.clients import JavaScript
from tests.sdk.conftest import javascript_packages  # noqa: F401 - a fixture

pytestmark = pytest.mark.skipif(
    not nginx.found(), reason="no nginx (deploy/test-machine.sh unpacks one where apt-get can download it)"
)
TRUSTED = {"trusted_proxies": ["127.0.0.1/32"]}
STREAMS = {name: {"enabled": True} for name in ("sse", "http_stream", "uni_sse", "uni_http_stream", "uni_websocket")}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = {**configuration(client__address_connection_limit=3, http_server=TRUSTED), **STREAMS}
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


@pytest.fixture(scope="module", params=["recommended", "buffering"])
def proxy(request, server, tmp_path_factory):
    """As recommended; and with nginx's own defaults, where our answers' header must do."""
    block = nginx.recommended()
    if request.param == "buffering":
        block = block.replace("proxy_buffering off;", "").replace("gzip off;", "")
        assert "buffering off" not in block
    gzip = "gzip on; gzip_proxied any; gzip_types text/plain;" if request.param == "buffering" else ""
    with nginx.Nginx(tmp_path_factory.mktemp("nginx"), server.port, block, gzip) as running:
        yield running


@pytest.fixture
async def client(javascript_packages):  # noqa: F811
    made = JavaScript(javascript_packages)
    yield made
    await made.close()


@pytest.mark.sdk
@pytest.mark.parametrize("transport", ["websocket", "sse", "http_stream"])
async def test_an_application_notices_nothing(client, server, proxy, transport):
    user, channel = f"ada-{transport}-{proxy.port}", f"stream:{transport}-{proxy.port}"
    scheme = "ws" if transport == "websocket" else "http"
    listed = [{"transport": transport, "endpoint": f"{scheme}://127.0.0.1:{proxy.port}/connection/{transport}"}]
    options = {"emulationEndpoint": f"http://127.0.0.1:{proxy.port}/emulation"}
    await client.connect(listed, token(user), options=options)
    assert (await client.expect("connected"))["transport"] == transport
    await client.subscribe(channel)
    await client.expect("subscribed", channel=channel)
    for number in range(20):
        began = time.monotonic()
        await asyncio.to_thread(server.publish, channel, number)
        await client.expect("publication", channel=channel, data=number)
        assert time.monotonic() - began < 2, "kept back"
    await client.publish(channel, "mine")
    await client.expect("publication", channel=channel, data="mine")
    await asyncio.to_thread(server.api, "disconnect", user=user)
    ended = await client.expect("disconnected")
    assert (ended["code"], ended["reason"]) == (3503, "force disconnect"), "the code passes nginx"


async def lines(stream):
    """Messages as they arrive; each within two seconds or it was kept back."""
    while True:
        line = (await asyncio.wait_for(stream.readline(), 2)).strip().removeprefix(b"data: ")
        if line:
            return json.loads(line)


@pytest.mark.parametrize("transport", ["uni_sse", "uni_http_stream"])
async def test_a_listener_hears_at_once_and_its_end_is_seen(server, proxy, transport):
    said = {"token": token("eve"), "subs": {"news": {}}}
    url = f"http://127.0.0.1:{proxy.port}/connection/{transport}"
    asked = (
        {"method": "POST", "url": url, "json": said}
        if transport == "uni_http_stream"
        else {"method": "GET", "url": f"{url}?cf_connect={quote(json.dumps(said))}"}
    )
    async with aiohttp.ClientSession() as http:
        async with http.request(**asked) as answer:
            assert "news" in (await lines(answer.content))["connect"]["subs"]
            await asyncio.to_thread(server.publish, "news", "at once")
            assert (await lines(answer.content))["pub"]["data"] == "at once"
            assert await asyncio.to_thread(server.figure, "heliograph_connections", transport=transport) == 1
        async with asyncio.timeout(5):
            while await asyncio.to_thread(server.figure, "heliograph_connections", transport=transport):
                await asyncio.sleep(0.02)


async def test_a_listeners_websocket(server, proxy):
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://127.0.0.1:{proxy.port}/connection/uni_websocket") as socket,
    ):
        await socket.send_json({"token": token("eve"), "subs": {"news": {}}})
        assert "connect" in await socket.receive_json(timeout=2)
        await asyncio.to_thread(server.publish, "news", "at once")
        assert (await socket.receive_json(timeout=2))["pub"]["data"] == "at once"


async def test_limits_by_address_are_the_clients_not_nginxs(server, proxy):
    """Three a client's address may have; four clients of four addresses get in, the fourth of one does not."""

    async def status(address):
        headers = {"X-Forwarded-For": address}
        answer = await http.post(url, json={"token": token("eve")}, headers=headers)
        opened.append(answer)
        return json.loads(await answer.content.readline())

    opened, url = [], f"http://127.0.0.1:{proxy.port}/connection/uni_http_stream"
    async with aiohttp.ClientSession() as http:
        said = [await status(f"203.0.113.{number}") for number in (1, 2, 3, 4)]
        assert all("connect" in each for each in said), "each has its own address"
        same = [await status("203.0.113.9") for _ in range(4)]
        assert all("connect" in each for each in same[:3])
        assert same[3]["disconnect"]["code"] == 3013
        for answer in opened:
            answer.close()


def test_the_pages_configuration_loads(tmp_path):
    text = nginx.PAGE.read_text().partition("## Behind nginx")[2]
    file = tmp_path / "config.json"
    file.write_text(text.partition("```json\n")[2].partition("```")[0])
    assert load(file, {}).http.proxies.trusted
