"""Commands by POST."""

import asyncio
import json

import aiohttp
import pytest

from observability import names
from service.connections import questions as q
from service.connections.emulation import read_json, read_protobuf
from service.protocol.tolerance import Refused
from tests.service.connections.streaming import ON, connect, emulate, http_stream, sse


@pytest.fixture
async def node(make_node):
    return await make_node(**ON)


async def post(node, data, **headers):
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"http://127.0.0.1:{node.port}/emulation", data=data, headers=headers) as answer,
    ):
        return answer.status, answer.headers


async def test_what_is_wrong_with_a_request_is_a_status_and_with_its_commands_a_push(make_node, telemetry):
    node = await make_node(telemetry=telemetry.telemetry, **ON)
    body = await sse(node)
    greeting = (await body.message())["connect"]
    assert await emulate(node, greeting, node="another") == 404
    assert await emulate(node, greeting, session="nobody") == 204
    assert await emulate(node, greeting, data={"id": 2}) == 204
    assert (await post(node, b"{"))[0] == 400
    assert (await post(node, b"{}" + b" " * 70_000))[0] == 413
    assert await emulate(node, greeting, data='{"id":2,"rpc":{"method":"x"}}') == 204
    assert (await body.message())["id"] == 2
    counted = {
        result: telemetry.value(names.EMULATION_REQUESTS, result)
        for result in ("unknown_node", "unknown_session", "no_command", "bad_request", "too_large", "accepted")
    }
    assert set(counted.values()) == {1}, counted
    assert await emulate(node, greeting, data="{") == 204
    assert (await body.message())["push"]["disconnect"] == {"code": 3501, "reason": "bad request"}
    assert await emulate(node, greeting, data="{}") == 204  # as if it had never been


async def test_nobody_speaks_for_a_session_that_he_only_knows_the_client_of(node):
    body = await sse(node)
    greeting = (await body.message())["connect"]
    assert await emulate(node, greeting, session=greeting["client"], data='{"id":2,"rpc":{}}') == 204
    assert await emulate(node, greeting, {"id": 3, "rpc": {"method": "x"}}) == 204
    assert (await body.message())["id"] == 3


async def test_commands_that_cannot_wait_any_more_are_refused_and_the_others_answered(make_node):
    """The bound of waiting commands holds without a socket that could be paused."""
    node = await make_node(**{**ON, "client": {"inbox_commands": 4}})
    answered = asyncio.get_running_loop().create_future()

    class Slow:
        async def answer(self, _asker, _method, _data):
            await answered
            return q.Called()

    node.station.calls = Slow()
    body = await http_stream(node, connect())
    greeting = (await body.message())["connect"]
    statuses = [await emulate(node, greeting, {"id": n, "rpc": {"method": "x"}}) for n in range(2, 10)]
    assert statuses == [204] * 6 + [429] * 2
    answered.set_result(None)
    assert [(await body.message())["id"] for _ in range(6)] == [2, 3, 4, 5, 6, 7]
    assert await emulate(node, greeting, {"id": 10, "rpc": {"method": "x"}}) == 204
    assert (await body.message())["id"] == 10


async def test_preflights_are_answered_to_all_and_in_full_to_our_own(node):
    url = f"http://127.0.0.1:{node.port}/emulation"
    async with aiohttp.ClientSession() as http:
        for origin, allowed in (("https://app.example.com", "content-type"), ("https://evil.example", None)):
            asked = {"Origin": origin, "Access-Control-Request-Headers": "content-type"}
            async with http.options(url, headers=asked) as answer:
                assert answer.status == 204
                assert answer.headers.get("Access-Control-Allow-Headers") == allowed
        async with http.get(url) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")


def test_a_cut_emoji_within_the_commands_is_no_bad_request():
    asked = read_json(json.dumps({"session": "s", "node": "n", "data": json.dumps({"d": "\ud83d"})}).encode())
    assert asked.session == "s"
    with pytest.raises(Refused):
        read_json(b'{"node":1}')


def test_a_protobuf_request_carries_a_frame_as_it_is():
    asked = read_protobuf(b"\x0a\x01n\x12\x01s\x1a\x02\x00\xff")
    assert (asked.node, asked.session, bytes(asked.data)) == ("n", "s", b"\x00\xff")
    for garbage in (b"\xff\xff\xff", b"\x0a\x05n", b"\x0a\x01\xff"):
        with pytest.raises(Refused):
            read_protobuf(garbage)
