"""JSON on the wire: the contract of codecs, and what is peculiar to lines of JSON."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from service.protocol.codec import BadFrame
from service.protocol.json_codec import JsonCodec
from service.protocol.messages import Publication, Reply, RPCResult
from service.protocol.payload import is_json
from tests.contracts.codec import COMMANDS, CodecContract, abstract

CODEC = JsonCodec()
SUBSCRIBE = b'{"id":2,"subscribe":{"channel":"a"}}'
UNSUBSCRIBE = b'{"id":3,"unsubscribe":{"channel":"a"}}'


class TestJsonCodec(CodecContract):
    codec = CODEC

    def write(self, commands):
        return b"\n".join(json.dumps(command).encode() for command in commands)

    def read(self, frame):
        return [json.loads(line) for line in frame.split(b"\n")]

    def join(self, good, bad):
        return good + b"\n" + bad

    def publish(self, channel, payload):
        return b'{"id":1,"publish":{"channel":"%s","data":%s}}' % (channel.encode(), payload)

    def bad(self):
        return [line for _, line in BAD_LINES]


BAD_LINES = [
    ("spaces alone", b"   "),
    ("a carriage return alone", b"\r"),
    ("half a command", b'{"id":2,"subscribe":{'),
    ("null", b"null"),
    ("a number", b"5"),
    ("a string", b'"x"'),
    ("an array of commands", b'[{"id":2,"subscribe":{"channel":"a"}}]'),
    ("text after the object", SUBSCRIBE + b" x"),
    ("two objects in a line", SUBSCRIBE + UNSUBSCRIBE),
    ("a byte order mark", b"\xef\xbb\xbf" + SUBSCRIBE),
    ("keys of the envelope in capitals", b'{"ID":2,"SUBSCRIBE":{"CHANNEL":"a"}}'),
    ("a key of the request in capitals", b'{"id":2,"subscribe":{"Channel":"a"}}'),
    ("id is a string", b'{"id":"2"}'),
    ("id has a fraction", b'{"id":2.0}'),
    ("id is negative", b'{"id":-2}'),
    ("id is over 2^32-1", b'{"id":4294967296}'),
    ("id is true", b'{"id":true}'),
    ("channel is a number", b'{"id":2,"subscribe":{"channel":5}}'),
    ("offset is a string", b'{"id":2,"subscribe":{"channel":"a","offset":"5"}}'),
    ("offset is negative", b'{"id":2,"subscribe":{"channel":"a","offset":-5}}'),
    ("offset is beyond all streams", b'{"id":2,"subscribe":{"channel":"a","offset":18446744073709551616}}'),
    ("recover is 1", b'{"id":2,"subscribe":{"channel":"a","recover":1}}'),
    ("flag is beyond 64 bits", b'{"id":2,"subscribe":{"channel":"a","flag":9223372036854775808}}'),
    ("the method is an array", b'{"id":2,"subscribe":[]}'),
    ("the method is a string", b'{"id":2,"subscribe":"a"}'),
    ("limit is beyond 32 bits", b'{"id":2,"history":{"channel":"a","limit":2147483648}}'),
    ("a tag of headers is a number", b'{"id":2,"connect":{"headers":{"a":1}}}'),
    ("a payload that is not JSON", b'{"id":2,"publish":{"channel":"a","data":{]}}'),
    ("a payload with a raw control character", b'{"id":2,"publish":{"channel":"a","data":"\x01"}}'),
    ("a payload with a wrong escape", b'{"id":2,"publish":{"channel":"a","data":"\\q"}}'),
    ("a payload that is not UTF-8", b'{"id":2,"publish":{"channel":"a","data":"\xff"}}'),
    ("a payload with an encoded surrogate", b'{"id":2,"publish":{"channel":"a","data":"\xed\xa0\x80"}}'),
    ("a channel that is not UTF-8", b'{"id":2,"publish":{"channel":"\xc3","data":1}}'),
    ("an unknown key that is not UTF-8", b'{"id":2,"\xff":1}'),
    ("a bomb of brackets", b'{"id":2,"publish":{"data":' + b"[" * 60000),
    ("a bomb under an unknown key", b'{"id":2,"zzz":' + b'{"a":' * 10000),
    ("a bomb of filters", b'{"id":2,"subscribe":{"tf":' + b'{"nodes":[' * 6000),
    ("a bomb of filters with unknown keys", b'{"id":2,"subscribe":{"tf":' + b'{"q":1,"nodes":[' * 100 + b"]}" * 100 + b"}}"),
    ("bytes of another protocol", b"\x00\xff\x01"),
    ("a number without end", b'{"id":' + b"9" * 5000 + b"}"),
]  # fmt: skip


@pytest.mark.parametrize("line", [line for _, line in BAD_LINES], ids=[name for name, _ in BAD_LINES])
def test_a_bad_line_is_told_with_what_came_before(line):
    with pytest.raises(BadFrame) as caught:
        CODEC.decode(SUBSCRIBE + b"\n" + line + b"\n" + UNSUBSCRIBE)
    assert [command.id for command in caught.value.commands] == [2]


@pytest.mark.parametrize(
    ("frame", "ids"),
    [
        (SUBSCRIBE, [2]),
        (SUBSCRIBE + b"\n", [2]),
        (SUBSCRIBE + b"\n" + UNSUBSCRIBE, [2, 3]),
        (SUBSCRIBE + b"\r\n" + UNSUBSCRIBE, [2, 3]),
        (SUBSCRIBE + b"\r\n" + UNSUBSCRIBE + b"\r\n", [2, 3]),
        (b"  " + SUBSCRIBE + b"  \n\t" + UNSUBSCRIBE, [2, 3]),
        (b'{"id" : 2 , "subscribe" : { "channel" : "a" } }', [2]),
        (b'{"id":5,"id":2,"subscribe":{"channel":"a"}}', [2]),
        (b'{"id":-0}', [0]),
        (b"{}\n{}", [0, 0]),
    ],
)
def test_frames_that_hold_commands(frame, ids):
    assert [command.id for command in CODEC.decode(frame)] == ids


@pytest.mark.parametrize(
    ("frame", "before"),
    [
        (b"\n", 0),
        (b"\r\n", 0),
        (b"\n" + SUBSCRIBE, 0),
        (SUBSCRIBE + b"\n\n", 1),
        (SUBSCRIBE + b"\n\n" + UNSUBSCRIBE, 1),
        (SUBSCRIBE + b"\n" + UNSUBSCRIBE + b"\n\n", 2),
        (SUBSCRIBE + b"\n\r\n" + UNSUBSCRIBE, 1),
    ],
)
def test_one_newline_at_the_end_and_no_blank_line(frame, before):
    with pytest.raises(BadFrame) as caught:
        CODEC.decode(frame)
    assert len(caught.value.commands) == before


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b'{"id":2,"x":{"y":1},"subscribe":{"channel":"a","zzz":[1,{"a":2}]}}', {"id": 2, "subscribe": {"channel": "a"}}),
        (b'{"id":2,"foo":{}}', {"id": 2}),
        (b'{"id":2,"subscribe":null}', {"id": 2}),
        (b'{"id":1,"connect":{"token":null,"subs":null}}', {"id": 1, "connect": {}}),
        (rb'{"id":2,"subscribe":{"channel":"\u006fpen"}}', {"id": 2, "subscribe": {"channel": "open"}}),
        (rb'{"id":2,"publish":{"channel":"a","data":"\ud83d"}}', {"id": 2, "publish": {"channel": "a", "data": "\ufffd"}}),
        (b'{"id":2,"publish":{"channel":"a","data":null}}', {"id": 2, "publish": {"channel": "a", "data": None}}),
        (b'{"id":2,"publish":{"channel":"a"}}', {"id": 2, "publish": {"channel": "a"}}),
        (b'{"id":2,"subscribe":{"channel":"nope","channel":"a"}}', {"id": 2, "subscribe": {"channel": "a"}}),
    ],
)  # fmt: skip
def test_read_as_centrifugo_does(line, wanted):
    [command] = CODEC.decode(line)
    assert abstract(command) == wanted


def test_a_payload_too_deep_for_clients_is_left_to_the_channel():
    """Error 107 to the publisher is kinder than 3501."""
    [command] = CODEC.decode(b'{"id":2,"publish":{"data":' + b"[" * 300 + b"]" * 300 + b"}}")
    assert not is_json(bytes(command.publish.data))


def test_a_ping_is_two_bytes():
    assert CODEC.encode([Reply()]) == b"{}"


def test_newlines_of_a_payload_do_not_part_messages():
    pretty = Raw(b'{\n  "a": [\n 1\n ]\r\n}')
    lines = CODEC.encode_publications("a", [Publication(pretty), Publication(pretty)]).split(b"\n")
    assert [json.loads(line)["push"]["pub"]["data"] for line in lines] == [{"a": [1]}] * 2
    assert b"\n" not in CODEC.encode([Reply(id=1, rpc=RPCResult(pretty))])


def test_numbers_of_a_bad_frame_stay_out_of_the_message():
    """The log line of a bad frame must not carry what a client sent."""
    with pytest.raises(BadFrame) as caught:
        CODEC.decode(b'{"id":1,"connect":{"TOKEN":"secret-of-mine"}}')
    assert "secret" not in str(caught.value)


@settings(deadline=None)
@given(st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=30), st.booleans(), st.sampled_from([b"\n", b"\r\n"]))
def test_any_frame_of_commands_is_read(commands, trailing, newline):
    frame = newline.join(json.dumps(command).encode() for command in commands) + (newline if trailing else b"")
    assert [abstract(command) for command in CODEC.decode(frame)] == commands


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\n\\ 0123subcriptonhael', max_size=200).map(str.encode))
def test_any_bytes_give_commands_or_a_bad_frame(data):
    try:
        commands = CODEC.decode(data)
    except BadFrame:
        return
    assert commands


def test_the_codec_says_what_it_is():
    assert (CODEC.name, CODEC.binary) == ("json", False)
