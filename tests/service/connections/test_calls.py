"""Who answers a client's call."""

import pytest
from msgspec import Raw

from service.connections import questions as q
from service.connections.calls import Calls
from service.protocol import errors
from service.protocol.errors import ClientMistake


def refused(calls, method):
    with pytest.raises(ClientMistake) as mistake:
        calls.answer("me", method, Raw(b"1"))
    return mistake.value.error.code


def test_without_anybody_calls_are_not_available():
    assert refused(Calls(), "any") == 108
    assert refused(Calls(errors.METHOD_NOT_FOUND), "any") == 104


def test_the_hook_answers_all_that_is_not_ours():
    calls, asked = Calls(), []
    calls.hook = lambda *call: asked.append(call) or q.Called(Raw(b"2"))
    assert calls.answer("me", "any", Raw(b"1")) == q.Called(Raw(b"2"))
    assert asked == [("me", "any", Raw(b"1"))]
    assert refused(calls, "heliograph.nothing") == 104
    assert len(asked) == 1


async def test_our_own_methods_answer_at_once_or_later():
    async def later(caller, data):
        return Raw(b'"%b"' % data)

    calls = Calls()
    calls.register("heliograph.echo", lambda caller, data: data)
    calls.register("heliograph.later", later)
    assert calls.answer("me", "heliograph.echo", Raw(b"7")) == q.Called(Raw(b"7"))
    assert await calls.answer("me", "heliograph.later", Raw(b"7")) == q.Called(Raw(b'"7"'))


def test_names_are_ours_and_given_once():
    calls = Calls()
    calls.register("heliograph.a", lambda caller, data: data)
    with pytest.raises(AssertionError, match="twice"):
        calls.register("heliograph.a", lambda caller, data: data)
    with pytest.raises(AssertionError, match="does not begin"):
        calls.register("a", lambda caller, data: data)


async def test_a_client_is_told(make_node):
    node = await make_node(rpc={"ping": {"enabled": True, "method": "there"}})
    node.station.calls.register("heliograph.who", lambda caller, _: Raw(f'"{caller.user}"'.encode()))
    peer = await node.greeted()
    for number, method in enumerate(("there", "heliograph.who", "heliograph.what", "ping"), 2):
        peer.text({"id": number, "rpc": {"method": method}})
        (reply,) = await peer.replies()
        reply.pop("id")
        assert (
            reply
            == [
                {"rpc": {}},
                {"rpc": {"data": "ann"}},
                {"error": {"code": 104, "message": "method not found"}},
                {"error": {"code": 104, "message": "method not found"}},
            ][number - 2]
        )
