"""SSE and HTTP streams with commands by POST, and the way down from WebSocket, with the unmodified JavaScript SDK."""

import asyncio

import pytest

from tests.e2e.served import RECOVERABLE, Served, configuration, token
from tests.e2e.wire import Wire
from tests.sdk.clients import JavaScript, Refused

pytestmark = pytest.mark.sdk
MESSAGE = {"text": "Grüße, 世界 🌍", "nested": [1, None, {"a": "b\nc\r\n"}]}
STREAMS = [("sse", False), ("http_stream", False), ("http_stream", True)]
NAMES = ["sse", "http_stream", "http_stream in Protobuf"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = configuration(
        sse__enabled=True, http_stream__enabled=True, client__ping_interval="0.6s", client__pong_timeout="0.5s"
    )
    may = dict.fromkeys(
        (
            "allow_subscribe_for_client",
            "allow_presence_for_client",
            "presence",
            "join_leave",
            "force_push_join_leave",
        ),
        True,
    )
    settings["channel"]["namespaces"].append({"name": "room", **may})
    settings["channel"]["namespaces"].append({"name": "kept", **RECOVERABLE})
    with Served(tmp_path_factory.mktemp("server"), settings) as served:
        yield served


@pytest.fixture
async def client(javascript_packages, request):
    """Speaks Protobuf where the test's parameter says so."""
    protobuf = request.node.callspec.params.get("protobuf", False) if hasattr(request.node, "callspec") else False
    made = JavaScript(javascript_packages, protobuf=protobuf)
    yield made
    await made.close()


def endpoints(port, *transports):
    scheme = {"websocket": "ws"}
    return [
        {"transport": name, "endpoint": f"{scheme.get(name, 'http')}://127.0.0.1:{port}/connection/{name}"}
        for name in transports
    ]


async def connected(client, port, *transports, user="ada", **more):
    """The transport it came through."""
    options = {"emulationEndpoint": f"http://127.0.0.1:{port}/emulation", "minReconnectDelay": 50, **more}
    await client.connect(endpoints(port, *transports), token(user), options=options)
    return (await client.expect("connected"))["transport"]


@pytest.mark.parametrize(("transport", "protobuf"), STREAMS, ids=NAMES)
async def test_everything_that_an_application_does(client, server, transport, protobuf):
    assert await connected(client, server.port, transport) == transport
    await client.subscribe("news")
    await client.expect("subscribed", channel="news")
    await asyncio.to_thread(server.publish, "news", MESSAGE)
    assert (await client.expect("publication", channel="news"))["data"] == MESSAGE
    await client.publish("news", MESSAGE)
    assert (await client.expect("publication", channel="news"))["data"] == MESSAGE
    await client.subscribe("room:1")
    await client.expect("join", channel="room:1")
    assert len(await client.presence("room:1")) == 1
    with pytest.raises(Refused) as refused:
        await client.rpc("nothing", {})
    assert refused.value.code == 108
    await client.unsubscribe("news")
    await client.expect("unsubscribed", channel="news")
    await client.subscribe("nowhere:x")
    assert (await client.expect("unsubscribed", channel="nowhere:x"))["code"] == 102


@pytest.mark.parametrize(("transport", "protobuf"), STREAMS, ids=NAMES)
async def test_pongs_by_post_keep_it_alive(client, server, transport, protobuf):
    """Two pings, each of which ends the connection when it is not answered; and one pong too many would end it, too."""
    await connected(client, server.port, transport)
    before = server.figure("heliograph_pongs_total")
    async with asyncio.timeout(15):
        while await asyncio.to_thread(server.figure, "heliograph_pongs_total") < before + 2:
            await asyncio.sleep(0.1)
    await client.subscribe("alive")
    await client.expect("subscribed", channel="alive")
    assert [each["event"] for each in client.seen if each["event"] in ("disconnected", "connecting")] == ["connecting"]


@pytest.mark.parametrize(("transport", "protobuf"), STREAMS, ids=NAMES)
async def test_what_was_missed_is_recovered_after_the_socket_was_killed(client, server, transport, protobuf):
    channel = f"kept:{transport}-{protobuf}"
    async with Wire(server.port) as wire:
        await connected(client, wire.port, transport)
        await client.subscribe(channel)
        await client.expect("subscribed", channel=channel)
        await asyncio.to_thread(server.publish, channel, "before")
        await client.expect("publication", channel=channel, data="before")
        assert wire.cut() >= 1
        for number in range(5):
            await asyncio.to_thread(server.publish, channel, number)
        again = await client.expect("subscribed", channel=channel)
        assert again["wasRecovering"]
        assert again["recovered"]
        await asyncio.to_thread(server.publish, channel, "after")
        await client.expect("publication", channel=channel, data="after")
        assert [one["data"] for one in client.publications(channel)] == ["before", 0, 1, 2, 3, 4, "after"]


@pytest.mark.parametrize(("transport", "protobuf"), STREAMS, ids=NAMES)
async def test_a_backend_closes_it_with_a_code_that_is_obeyed(client, server, transport, protobuf):
    user = f"eve-{transport}-{protobuf}"
    await connected(client, server.port, transport, user=user)
    await asyncio.to_thread(server.api, "disconnect", user=user)
    ended = await client.expect("disconnected")
    assert (ended["code"], ended["reason"]) == (3503, "force disconnect")


@pytest.mark.parametrize("transport", ["sse", "http_stream"])
async def test_a_token_that_is_none_ends_it_for_good(client, server, transport):
    options = {"emulationEndpoint": f"http://127.0.0.1:{server.port}/emulation"}
    await client.connect(endpoints(server.port, transport), "nonsense", options=options)
    assert (await client.expect("disconnected"))["code"] == 3500


async def test_where_no_websocket_passes_the_next_transport_is_taken(client, server):
    """As behind a proxy that answers upgrades with an error: the SDK goes down its list and stays with what works."""
    async with Wire(server.port) as broken, Wire(server.port) as wire:
        broken.broken = True
        listed = [*endpoints(broken.port, "websocket"), *endpoints(wire.port, "http_stream", "sse")]
        options = {"emulationEndpoint": f"http://127.0.0.1:{wire.port}/emulation", "minReconnectDelay": 50}
        await client.connect(listed, token("ada"), options=options)
        assert (await client.expect("connected"))["transport"] == "http_stream"
        await client.subscribe("kept:fallback")
        await client.expect("subscribed", channel="kept:fallback")
        wire.cut()
        await asyncio.to_thread(server.publish, "kept:fallback", "missed")
        assert (await client.expect("connected"))["transport"] == "http_stream"
        await client.expect("publication", channel="kept:fallback", data="missed")


async def test_a_transport_that_is_off_is_passed_over(client, tmp_path):
    """SSE alone is on: 404 for the others is reason enough to try the next."""
    with Served(tmp_path, configuration(sse__enabled=True, websocket__disabled=True)) as alone:
        assert await connected(client, alone.port, "websocket", "http_stream", "sse") == "sse"
