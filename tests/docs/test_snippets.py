"""The programs and examples of the pages do what the pages say: run as they stand there, against a real server."""

import asyncio
import json
import shutil
import textwrap
import time

import aiohttp
import jwt
import pytest
import yaml
from cryptography import x509

from deploy.npm_packages import Unavailable
from service.config import examine
from tests.docs import running
from tests.docs.running import ROOT, adapted, blocks, python, quick_start
from tests.e2e.served import KEY, Served, free_port, token
from tests.e2e.wire import Wire
from tests.service.connections.authority import Authority

pytestmark = pytest.mark.sdk
SECRET_OF_THE_PAGES = "the secret of client.token, 32 bytes or more"
_BUILT = [pytest.mark.slow, pytest.mark.timeout(900)]
HELPER = ROOT / "service" / "static" / "demo" / "heliograph.js"
# What the reader has already, in front of a fragment.
JAVASCRIPT = """
const { Centrifuge } = await import("centrifuge");
const url = "%s", token = "%s";
const client = new Centrifuge(url, { token });
const show = (user) => console.log("here:", user), hide = (user) => console.log("gone:", user);
"""
LISTENING = """
subscription.on("publication", ({ data }) => console.log("got", JSON.stringify(data)));
subscription.on("subscribed", () => console.log("in"));
subscription.on("error", ({ error }) => console.log("error", error.code));
subscription.on("unsubscribed", ({ code }) => console.log("out", code));
subscription.subscribe();
client.connect();
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The quick start, with the namespaces of the pages."""
    pages = [f"docs/{name}.md" for name in ("recovery", "presence", "deltas", "tags-filter", "receipts")]
    with Served(tmp_path_factory.mktemp("server"), quick_start(*pages)) as served:
        yield served


def program(language, text, folder):
    try:
        return getattr(running, language)(text, folder)
    except Unavailable as why:
        pytest.skip(f"{language}: {why}")


async def somebody_is_in(server, channel):
    end = time.monotonic() + 30
    while not (await asyncio.to_thread(server.api, "presence_stats", channel=channel))["num_clients"]:
        assert time.monotonic() < end, "nobody subscribed"
        await asyncio.sleep(0.05)


PROGRAMS = [
    ("README.md", "js", "javascript"),
    ("README.md", "python", "python"),
    ("docs/clients.md", "js", "javascript"),
    ("docs/clients.md", "python", "python"),
    pytest.param("docs/clients.md", "go", "go", marks=_BUILT),
    pytest.param("docs/clients.md", "java", "java", marks=_BUILT),
]


@pytest.mark.parametrize(("page", "block", "language"), PROGRAMS)
async def test_a_program_prints_what_is_published(server, tmp_path, page, block, language):
    (text,) = blocks(page, block)
    async with Wire(server.port) as wire, program(language, adapted(text, wire.url), tmp_path) as started:
        await somebody_is_in(server, "news")
        await asyncio.to_thread(server.publish, "news", {"text": "hello"})
        assert "hello" in await started.line("hello")
        wire.cut()
        await asyncio.to_thread(server.publish, "news", {"text": "while it was away"})
        await started.line("while it was away")


@pytest.mark.parametrize(("block", "language"), [("js", "javascript"), ("python", "python")])
async def test_a_program_tells_when_it_is_sent_away(server, tmp_path, block, language):
    (text,) = blocks("docs/clients.md", block)
    async with program(language, text.replace(running.URL, server.url), tmp_path) as started:
        assert await started.line("out for good") == "out for good: 3500 invalid token"


async def test_recovery_as_its_page_shows_it(server, tmp_path):
    (text,) = blocks("docs/recovery.md", "js")
    for word in ("one", "two"):
        server.publish("chat:room-1", {"text": word})
    async with Wire(server.port) as wire, program("javascript", adapted(text, wire.url), tmp_path) as started:
        assert await started.line("all:") == "all: one two"
        server.publish("chat:room-1", {"text": "three"})
        await started.line("3: three")
        wire.cut()
        server.publish("chat:room-1", {"text": "four"})
        await started.line("4: four")
        assert not [line for line in started.seen[1:] if "all:" in line], "it was recovered, so it needs no history"
        wire.broken = True
        wire.cut()
        many = [{"publish": {"channel": "chat:room-1", "data": {"text": "x"}}}] * 101  # more than its history keeps
        server.api_whole("batch", commands=many)
        wire.broken = False
        assert await started.line("all:") == f"all: {' '.join('x' * 100)}"


async def test_presence_as_its_page_shows_it(server, tmp_path):
    (text,) = blocks("docs/presence.md", "js")
    whole = JAVASCRIPT % (server.url, token("ann")) + text + "client.connect();"
    async with program("javascript", whole, tmp_path) as started:
        await started.line("here: ann")
        server.api("disconnect", user="ann")
        assert server.api("presence_stats", channel="room:42")["num_clients"] <= 1


async def test_deltas_as_their_page_shows_them(server, tmp_path):
    (text,) = blocks("docs/deltas.md", "js")
    async with program("javascript", JAVASCRIPT % (server.url, token("ann")) + text + LISTENING, tmp_path) as started:
        await started.line("in")
        for number in range(3):
            server.publish("board:prices", {"n": number, "padding": "x" * 200})
            await started.line(f'got {{"n":{number},')


async def test_a_tags_filter_as_its_page_shows_it(server, tmp_path):
    (text,) = blocks("docs/tags-filter.md", "js")
    async with program("javascript", JAVASCRIPT % (server.url, token("ann")) + text + LISTENING, tmp_path) as started:
        await started.line("in")
        for ticker, bid in (("AAPL", "99"), ("MSFT", "200"), ("GOOG", "101.5")):
            server.publish("tickers:all", {"of": ticker}, tags={"ticker": ticker, "bid": bid})
        assert await started.line("got") == 'got {"of":"GOOG"}'


async def test_receipts_as_their_page_shows_them(server, tmp_path):
    (text,) = blocks("docs/receipts.md", "js")
    shutil.copy(HELPER, tmp_path / "heliograph.js")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    head = f'const url = "{server.url}", token = "{token("ann")}";'
    head += "const save = async (data) => console.log('saved', data.order), showOffline = () => {};"
    async with program("javascript", head + text, tmp_path) as started:
        end = time.monotonic() + 30
        while not server.api("channels").get("channels", {}).get("orders:42"):
            assert time.monotonic() < end, "nobody subscribed"
            await asyncio.sleep(0.05)
        server.publish("orders:42", {"order": 7})
        await started.line("saved 7")
        while server.api("receipts", channel="orders:42")["received"] != 1:
            assert time.monotonic() < end, "it was not confirmed"
            await asyncio.sleep(0.05)


async def test_receipts_in_python_as_their_page_shows_them(server, tmp_path):
    (text,) = blocks("docs/receipts.md", "python")
    shutil.copy(HELPER.with_name("heliograph_client.py"), tmp_path / "heliograph_client.py")
    head = f"""
import asyncio
url, token = "{server.url}", "{token("bob")}"
show_offline = print
async def save(publication):
    print("saved", publication.data["order"])
async def main():
"""
    whole = head + textwrap.indent(text, "    ") + "    await asyncio.sleep(60)\n\nasyncio.run(main())\n"
    async with python(whole, tmp_path) as started:
        end = time.monotonic() + 30
        while not server.api("channels").get("channels", {}).get("orders:42"):
            assert time.monotonic() < end, "nobody subscribed"
            await asyncio.sleep(0.05)
        offset = server.publish("orders:42", {"order": 8})["offset"]
        await started.line("saved 8")
        while server.api("receipts", channel="orders:42", offset=offset)["received"] != 1:
            assert time.monotonic() < end, "it was not confirmed"
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("transport", ["websocket", "http_stream"])
async def test_transports_as_their_page_lists_them(tmp_path, transport):
    """The first of the list that connects: the second where no WebSocket gets through."""
    (text,) = blocks("docs/transports.md", "js")
    settings = quick_start()
    for switched_on in blocks("docs/transports.md", "json")[:1]:
        settings |= json.loads(switched_on)
    with Served(tmp_path, settings) as server:
        reached = server.port if transport == "websocket" else free_port()
        told = text.replace("wss://push.example.com", f"ws://127.0.0.1:{reached}")
        told = told.replace("https://push.example.com", f"http://127.0.0.1:{server.port}")
        assert "example.com" not in told
        whole = f'import {{ Centrifuge }} from "centrifuge"; const token = "{token("ann")}";' + told
        whole += "client.on('connected', ({ transport }) => console.log('connected by', transport));"
        whole += 'const subscription = client.newSubscription("news");' + LISTENING
        async with program("javascript", whole, tmp_path) as started:
            assert await started.line("connected by") == f"connected by {transport}"
            await started.line("in")
            server.publish("news", {"text": "hello"})
            await started.line("hello")


async def test_protobuf_as_its_page_shows_it(server, tmp_path):
    (text,) = blocks("docs/protobuf.md", "js")
    async with program("javascript", adapted(text, server.url) + "console.log('published');", tmp_path) as started:
        await started.line("published")
    (text,) = blocks("docs/protobuf.md", "python")
    whole = "import asyncio\n\nasync def main():\n"
    whole += textwrap.indent(adapted(text, server.url), "    ") + '    print("published")\n\nasyncio.run(main())\n'
    async with python(whole, tmp_path) as started:
        await started.line("published")
    newest = server.api("history", channel="news", limit=2, reverse=True)["publications"]
    assert [each["data"] for each in newest] == [{"text": "hello"}] * 2


async def test_a_subscription_token_as_its_page_makes_it(tmp_path):
    """With the page's own secret."""
    (text,) = blocks("docs/subscriptions.md", "python")
    made = {}
    exec(text, made)
    settings = quick_start()
    settings["client"]["token"]["hmac_secret_key"] = SECRET_OF_THE_PAGES
    settings["channel"]["namespaces"] = [{"name": "closed"}]
    with Served(tmp_path, settings) as server:
        own = jwt.encode({"sub": "ann"}, SECRET_OF_THE_PAGES, algorithm="HS256")
        script = JAVASCRIPT % (server.url, own)
        script += f'const subscription = client.newSubscription("closed:board", {{ token: "{made["token"]}" }});'
        async with program("javascript", script + LISTENING, tmp_path) as started:
            await started.line("in")


CONFIGURATIONS = [
    pytest.param(page, number, id=f"{page.name}-{number}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for number, _ in enumerate(blocks(f"docs/{page.name}", "json"))
]
YAML = [
    pytest.param(page, number, id=f"{page.name}-{number}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for number, _ in enumerate(blocks(f"docs/{page.name}", "yaml"))
]


@pytest.mark.parametrize(("page", "number"), CONFIGURATIONS)
def test_a_configuration_is_one(page, number, tmp_path):
    """Files of certificates that it names are somebody else's."""
    file = tmp_path / "config.json"
    file.write_text(blocks(f"docs/{page.name}", "json")[number])
    mistakes = examine(file, {}).mistakes
    assert not [each for each in mistakes if "the file cannot be read" not in each.says], mistakes


def with_files(text, authority):
    """A page's configuration with certificates for the reader's own."""
    certificate, key = authority.issue()
    text = text.replace("/etc/heliograph/tls.crt", certificate).replace("/etc/heliograph/tls.key", key)
    text = text.replace("cert_pem: …", f"cert_pem: {certificate}").replace("key_pem: …", f"key_pem: {key}")
    return text.replace("/etc/heliograph/clients.ca", str(authority.file))


@pytest.mark.parametrize(("page", "number"), YAML)
def test_a_configuration_in_yaml_is_one(page, number, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(with_files(blocks(f"docs/{page.name}", "yaml")[number], Authority(tmp_path)))
    assert not examine(file, {}).mistakes


async def test_tls_as_its_page_configures_it(tmp_path):
    """The public port by token; the services' by certificate alone, whose URI is the user; the internal one plain."""
    authority = Authority(tmp_path)
    (text,) = blocks("docs/tls.md", "yaml")
    ports = {"8443": free_port(), "8444": free_port()}
    told = with_files(text, authority)
    for written, free in ports.items():
        told = told.replace(f"port: {written}", f"port: {free}")
    settings = quick_start()
    settings["http_server"] |= yaml.safe_load(told)["http_server"]
    settings["http_server"]["listeners"][0]["address"] = "127.0.0.1"
    mine = authority.issue("billing", san=[x509.UniformResourceIdentifier("spiffe://here/billing")])
    told = ({"token": token("ann")}, None, "ann"), ({}, mine, "spiffe://here/billing")
    with Served(tmp_path, settings) as server:
        async with aiohttp.ClientSession() as session:
            for port, (connect, shown, user) in zip((server.port, ports["8444"]), told, strict=True):
                address = f"wss://localhost:{port}/connection/websocket"
                async with session.ws_connect(address, ssl=authority.trusting(shown)) as socket:
                    await socket.send_json({"id": 1, "connect": connect})
                    assert "client" in (await socket.receive_json(timeout=10))["connect"]
                    api = f"https://localhost:{server.port}/api/disconnect"
                    key = {"X-API-Key": KEY}
                    async with session.post(api, json={"user": user}, headers=key, ssl=authority.trusting()) as answer:
                        assert await answer.json() == {"result": {}}
                    assert (await socket.receive(10)).data == 3503, "it was that user"


def test_keys_of_the_pages_are_the_reader_s():
    assert KEY not in (ROOT / "docs" / "clients.md").read_text()
