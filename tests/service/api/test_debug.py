"""The debug API of a real node: closed by default, read-only, bounded; rows, one in detail, the slowest with a verdict."""

import asyncio
import contextlib
import json

import aiohttp
import pytest

from service.api.debug import MOST_ROWS
from service.app import Service
from service.config import load
from service.connections import inspection
from service.protocol import framing
from tests.e2e.raw import Raw
from tests.e2e.served import configuration, token
from tests.waiting import until

TOKEN = "a-token-for-the-debug-api"


@pytest.fixture
async def make_node(telemetry, tmp_path):
    running = []

    async def make(**changes):
        doors = {"address": "127.0.0.1", "port": 0, "internal_port": 0}
        file = tmp_path / "config.json"
        file.write_text(json.dumps(configuration(http_server=doors, **changes)))
        service = Service(load(file, {}), telemetry.telemetry)
        public, internal = await service.start()
        service.port, service.inside = public.port, internal.port
        running.append(service)
        return service

    yield make
    for service in running:
        await service.stop("the test is over")


@pytest.fixture
async def node(make_node):
    return await make_node(debug={"enabled": True, "token": TOKEN})


async def ask(node, path, given=TOKEN, method="GET"):
    headers = {"Authorization": f"Bearer {given}"} if given else {}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{node.inside}/debug/{path}", headers=headers) as answer,
    ):
        return answer.status, await answer.json() if "json" in answer.content_type else None


async def connected(node, stack, user="ann", *channels):
    raw = await Raw.connected(node.port, token(user), *channels)
    stack.push_async_callback(raw.abort)
    return raw


@pytest.fixture
async def stack():
    async with contextlib.AsyncExitStack() as stack:
        yield stack


async def test_it_is_closed_by_default(make_node):
    node = await make_node()
    for page in ("connections", "channels", "slow", "node", "ended", "connections/a"):
        assert (await ask(node, page))[0] == 404


@pytest.mark.shows("heliograph_debug_requests_total", "debug.refused")
@pytest.mark.parametrize("given", ["", "wrong", TOKEN[:-1], TOKEN + "x", "ünicode"])
async def test_only_the_bearer_of_the_token_is_let_in(node, telemetry, given):
    status, body = await ask(node, "connections", given)
    assert (status, list(body)) == (401, ["error"])
    assert (await ask(node, "connections"))[0] == 200
    from observability import names

    assert telemetry.value(names.DEBUG_REQUESTS, "connections", "401") == 1
    assert telemetry.value(names.DEBUG_REQUESTS, "connections", "200") == 1


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_nothing_can_be_changed(node, method):
    assert (await ask(node, "connections", method=method))[0] == 405


async def test_rows_are_filtered_by_user_and_by_channel(node, stack):
    await connected(node, stack, "ann", "news", "sport")
    await connected(node, stack, "ann")
    await connected(node, stack, "bob", "news")
    rows = (await ask(node, "connections"))[1]
    assert [row["user"] for row in rows["connections"]] == ["ann", "ann", "bob"]
    assert rows["next"] is None
    first = rows["connections"][0]
    assert (first["channels"], first["state"], first["protocol"]) == (2, "ready", "json")
    assert first["address"].startswith("127.0.0.1:")
    for query, users in (
        ("user=ann", ["ann", "ann"]),
        ("channel=news", ["ann", "bob"]),
        ("user=ann&channel=news", ["ann"]),
        ("user=nobody", []),
        ("channel=nothing", []),
        ("user=", []),
    ):
        found = (await ask(node, f"connections?{query}"))[1]["connections"]
        assert [row["user"] for row in found] == users, query


@pytest.mark.parametrize("query", ["", "user=ann&", "channel=news&"])
async def test_pages_follow_each_other_while_connections_come_and_go(node, stack, query):
    clients = [await connected(node, stack, "ann", "news") for _ in range(12)]
    met, after = [], 0
    while after is not None:
        page = (await ask(node, f"connections?{query}limit=5&after={after}"))[1]
        assert len(page["connections"]) <= 5
        met += [row["id"] for row in page["connections"]]
        after = page["next"]
        if clients:  # who is already shown leaves
            await clients.pop(0).abort()
    assert len(set(met)) == len(met) == 12


async def test_one_in_detail_with_its_record_and_without_payload(node, stack, monkeypatch):
    monkeypatch.setattr(
        node.telemetry.runtime.loop, "excuse", lambda: 0.0
    )  # a busy machine is a standstill: then it is us
    raw = await connected(node, stack, "ann", "news")
    await raw.ask(id=7, publish={"channel": "news", "data": {"secret": "payload"}})
    (row,) = (await ask(node, "connections?user=ann"))[1]["connections"]
    status, one = await ask(node, f"connections/{row['id']}")
    assert status == 200
    assert [event["event"] for event in one["events"]] == ["upgraded", "connected", "command"]
    assert one["subscriptions"] == ["news"]
    assert one["received_bytes"] > 50
    assert one["who"] == "nobody"
    assert one["network"]["rtt"] > 0
    assert "payload" not in json.dumps(one)
    assert (await ask(node, "connections/not-here"))[0] == 404


async def test_one_that_was_not_greeted_is_found_too(node, stack):
    raw = await Raw.open(node.port)
    stack.push_async_callback(raw.abort)
    await until(lambda: node.station.registry.sockets)
    (row,) = (await ask(node, "connections"))[1]["connections"]
    assert row["state"] == "greeting"
    assert (await ask(node, f"connections/{row['id']}"))[1]["state"] == "greeting"


async def test_the_ended_are_remembered_with_their_events(node, stack):
    raw = await connected(node, stack, "eve")
    client = node.station.registry.of_user("eve")[0].id
    raw.send(b"no JSON")
    assert (await raw.end()).code == 3501
    await raw.abort()
    await until(lambda: not node.station.registry.sockets)
    status, one = await ask(node, f"connections/{client}")
    assert (status, one["state"], one["cause"]) == (200, "ended", "bad_frame")
    assert one["events"][-1]["event"] == "close_sent"
    assert [story["connection_id"] for story in (await ask(node, "ended?user=eve"))[1]["ended"]] == [client]
    assert (await ask(node, "ended?user=ann"))[1]["ended"] == []
    assert (await ask(node, "ended?trace=00"))[1]["ended"] == []
    assert len((await ask(node, "ended?limit=1"))[1]["ended"]) == 1


async def test_channels_the_fullest_first(node, stack):
    await connected(node, stack, "ann", "news", "sport")
    await connected(node, stack, "bob", "news", "stream:a")
    shown = (await ask(node, "channels"))[1]["channels"]
    assert (shown[0]["channel"], shown[0]["subscribers"]) == ("news", 2)
    assert {row["channel"] for row in shown} == {"news", "sport", "stream:a"}
    assert [row["channel"] for row in (await ask(node, "channels?prefix=stream"))[1]["channels"]] == ["stream:a"]
    one = (await ask(node, "channels?name=stream:a"))[1]
    assert (one["namespace"], one["positioned"], one["subscribers"]) == ("stream", 1, 1)
    assert (await ask(node, "channels?name=nothing"))[0] == 404
    assert len((await ask(node, "channels?limit=1"))[1]["channels"]) == 1


async def test_a_reader_that_stops_tops_the_slow_within_seconds_and_is_named(node, stack):
    from tests.e2e.test_happenings import slow_reader

    object.__setattr__(node.station.settings, "moved_again", 0.2)
    fast = await connected(node, stack, "fast", "news")
    lazy = await slow_reader(node.port, "lazy", "news")
    stack.push_async_callback(lazy.abort)
    reading = asyncio.get_running_loop().create_task(fast.end())
    began = asyncio.get_running_loop().time()
    slow = []
    while not slow or slow[0]["who"] == "unclear":
        node.hub.publish("news", b'"' + b"x" * 10_000 + b'"')
        slow = (await ask(node, "slow"))[1]["slow"]
        assert asyncio.get_running_loop().time() - began < 5
    assert (slow[0]["user"], slow[0]["who"]) == ("lazy", "client")
    assert slow[0]["unsent"] > 4096
    assert any("window" in sentence for sentence in slow[0]["evidence"])
    reading.cancel()


async def test_the_node_tells_its_stalls(node):
    from time import sleep

    sleep(0.6)
    await asyncio.sleep(0.15)
    told = (await ask(node, "node"))[1]
    assert told["connections"] == 0
    assert told["stalls"][-1]["seconds"] > 0.3
    assert "test_debug.py" in told["stalls"][-1]["where"]


async def test_a_walk_gives_the_loop_its_turns_and_is_the_only_one(node, stack, monkeypatch):
    for _ in range(6):
        await connected(node, stack, "ann", "news")
    monkeypatch.setattr(inspection, "SLICE", 1)
    answers = await asyncio.gather(*(ask(node, "connections?user=ann") for _ in range(4)))
    assert {status for status, _ in answers} <= {200, 429}
    assert any(status == 200 for status, _ in answers)
    assert not node.station.registry.get("nobody")
    steps = inspection.Inspection(node.station)
    assert [found is None for found in steps.connections(inspection.Wanted())] == [True] * 6 + [False]
    assert [found is None for found in steps.connections(inspection.Wanted(user="ann"))] == [True] * 6 + [False]
    assert [found is None for found in steps.channels("", 5)] == [True, False]


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "after=9999999999999999999", "limit=１", "user=" + "u" * 600])
async def test_a_bad_question_is_told(node, query):
    assert (await ask(node, f"connections?{query}"))[0] == 400


async def test_a_page_is_never_longer_than_the_most(node, stack, monkeypatch):
    from service.api import debug

    monkeypatch.setattr(debug, "MOST_ROWS", 2)
    for _ in range(3):
        await connected(node, stack)
    assert MOST_ROWS == 500
    assert len((await ask(node, "connections?limit=100"))[1]["connections"]) == 2


async def test_a_closing_connection_is_shown_as_such(node, stack):
    raw = await connected(node, stack)
    connection = node.station.registry.of_user("ann")[0]
    raw.writer.transport.pause_reading()
    from service.protocol import closing

    connection.close(closing.SHUTDOWN)
    (row,) = (await ask(node, "connections"))[1]["connections"]
    assert row["state"] == "closing"
    raw.send(b"", framing.CLOSE)
