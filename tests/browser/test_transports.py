"""SSE and HTTP streams in a real Chromium with the unmodified SDK, on a page of another origin: CORS, preflight, buffering."""

import asyncio

import pytest
from aiohttp import web

from tests.browser.chromium import browsing, found
from tests.e2e.served import RECOVERABLE, Served, configuration, free_port, token
from tests.e2e.wire import Wire
from tests.sdk.conftest import javascript_packages  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.browser,
    pytest.mark.sdk,
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not found(), reason="no Chromium is installed (Debian: apt-get install chromium)"),
]
PAGE = """<!doctype html><title>page</title><script src="centrifuge.js"></script><script>
const seen = [];
function start(transports, options, channel) {
  const client = new Centrifuge(transports, options);
  client.on('connected', ctx => seen.push('connected by ' + ctx.transport));
  client.on('disconnected', ctx => seen.push('disconnected ' + ctx.code));
  client.on('error', ctx => seen.push('error ' + ctx.error.code));
  const sub = client.newSubscription(channel);
  sub.on('subscribed', ctx => seen.push('subscribed' + (ctx.recovered ? ' and recovered' : '')));
  sub.on('publication', ctx => seen.push(ctx.data));
  sub.subscribe();
  client.connect();
  window.publish = data => sub.publish(data);
}
</script>"""


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture
async def pages(javascript_packages, port):  # noqa: F811
    """The origin of an application that is served by somebody else."""
    script = (javascript_packages / "centrifuge" / "dist" / "centrifuge.js").read_bytes()

    async def page(_):
        return web.Response(text=PAGE, content_type="text/html")

    async def sdk(_):
        return web.Response(body=script, content_type="text/javascript")

    application = web.Application()
    application.router.add_get("/", page)
    application.router.add_get("/centrifuge.js", sdk)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


@pytest.fixture(scope="module")
def serve(tmp_path_factory, port):
    origins = [f"http://127.0.0.1:{port}"]
    settings = configuration(sse__enabled=True, http_stream__enabled=True, client__allowed_origins=origins)
    settings["channel"]["without_namespace"] = RECOVERABLE
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


async def started(tab, page, port, transport, channel):
    await tab.open(page)
    await tab.until("typeof start === 'function' && typeof Centrifuge === 'function'")
    listed = [{"transport": transport, "endpoint": f"http://127.0.0.1:{port}/connection/{transport}"}]
    options = {
        "token": token("ada"),
        "emulationEndpoint": f"http://127.0.0.1:{port}/emulation",
        "minReconnectDelay": 50,
    }
    await tab.run(f"start({listed!r}, {options!r}, {channel!r})")


@pytest.mark.parametrize("transport", ["sse", "http_stream"])
async def test_a_page_of_an_allowed_origin_talks_and_recovers(serve, pages, transport):
    async with Wire(serve.port) as wire, browsing() as tab:
        await started(tab, pages, wire.port, transport, transport)
        await tab.until("seen.includes('subscribed')")
        await asyncio.to_thread(serve.publish, transport, "hello")
        await tab.until("seen.includes('hello')")
        await tab.run("publish('mine')")
        await tab.until("seen.includes('mine')")
        wire.broken = True
        wire.cut()
        await asyncio.to_thread(serve.publish, transport, "missed")
        wire.broken = False
        await tab.until("seen.includes('missed')")
        seen = await tab.run("seen")
        assert seen[0] == f"connected by {transport}"
        assert "subscribed and recovered" in seen
        assert [each for each in seen if each in ("hello", "mine", "missed")] == ["hello", "mine", "missed"]
        await asyncio.to_thread(serve.api, "disconnect", user="ada")
        await tab.until("seen.includes('disconnected 3503')")


async def test_a_page_goes_down_its_list(serve, pages):
    async with Wire(serve.port) as wire, browsing() as tab:
        wire.broken = True
        await tab.open(pages)
        await tab.until("typeof start === 'function' && typeof Centrifuge === 'function'")
        listed = [
            {"transport": "websocket", "endpoint": f"ws://127.0.0.1:{wire.port}/connection/websocket"},
            {"transport": "sse", "endpoint": f"http://127.0.0.1:{serve.port}/connection/sse"},
        ]
        options = {"token": token("ada"), "emulationEndpoint": f"http://127.0.0.1:{serve.port}/emulation"}
        await tab.run(f"start({listed!r}, {options!r}, 'news')")
        await tab.until("seen.includes('connected by sse')")


@pytest.mark.parametrize("transport", ["sse", "http_stream"])
async def test_a_page_of_a_foreign_origin_reads_nothing(serve, pages, transport):
    foreign = pages.replace("127.0.0.1", "localhost")
    async with browsing() as tab:
        await started(tab, foreign, serve.port, transport, "news")
        await tab.until("seen.includes('error 2')")
        assert not [each for each in await tab.run("seen") if each.startswith(("connected", "subscribed"))]
