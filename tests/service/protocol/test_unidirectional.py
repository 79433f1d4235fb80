"""Bare connect requests in, bare pushes out."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.protocol import messages as wire
from service.protocol.codec import BadFrame
from service.protocol.unidirectional import UnidirectionalJson

codec = UnidirectionalJson()


def test_the_request_is_a_connect_command():
    (command,) = codec.decode(b'{"token":"t","subs":{"a":{"recover":true,"offset":3}},"unknown":1,"data":null}')
    assert (command.id, command.connect.token) == (1, "t")
    assert command.connect.subs["a"].offset == 3


@pytest.mark.parametrize("data", [b"null", b" null\r\n", b"{}"])
def test_a_request_that_says_nothing(data):
    assert codec.decode(data) == [wire.Command(id=1, connect=wire.ConnectRequest())]


@pytest.mark.parametrize(
    "data", [b"nul", b"null null", b"", b"{", b"[]", b'{"token":1}', b'{"Token":"t"}', b"\xff", b'{"token":"t"}x']
)
def test_what_is_no_request_is_refused(data):
    with pytest.raises(BadFrame):
        codec.decode(data)


@given(st.binary(max_size=200))
def test_nothing_else_is_ever_raised(data):
    try:
        codec.decode(data)
    except BadFrame:
        pass


def test_the_connect_reply_is_a_push_without_what_nobody_could_use():
    result = wire.ConnectResult(client="c", version="1", ping=25, session="s", subs={"a": wire.SubscribeResult()})
    told = json.loads(codec.encode([wire.Reply(id=1, connect=result)]))
    assert told == {"connect": {"client": "c", "version": "1", "ping": 25, "session": "s", "subs": {"a": {}}}}


def test_pushes_are_bare_and_a_ping_is_empty():
    push = wire.Push(disconnect=wire.Disconnect(3001, "shutdown"))
    assert (
        codec.encode([wire.Reply(push=push), wire.Reply()]) == b'{"disconnect":{"code":3001,"reason":"shutdown"}}\n{}'
    )
    publication = wire.Publication(data=msgspec.Raw(b'{\n"a":1}'))
    assert codec.encode_publications("c", [publication]) == b'{"channel":"c","pub":{"data":{"a":1}}}'
