"""Protobuf on the wire: the contract of codecs, held against the protobuf library, and every way a frame can be bad."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from service.protocol.codec import BadFrame
from service.protocol.messages import Publication, Reply, RPCResult
from service.protocol.protobuf_codec import ProtobufCodec, decode_replies, encode_commands
from tests.contracts import client_proto as proto
from tests.contracts.codec import COMMANDS, REPLIES, CodecContract, abstract

CODEC = ProtobufCodec()
SUBSCRIBE = bytes.fromhex("07 0802 2a03 0a0161".replace(" ", ""))
UNSUBSCRIBE = bytes.fromhex("07 0803 3203 0a0161".replace(" ", ""))
RECORDED = bytes.fromhex("03ffffff")


def command(body):
    """A command of these bytes, behind its length."""
    return proto.delimited(bytes.fromhex(body.replace(" ", "")))


class TestProtobufCodec(CodecContract):
    codec = CODEC

    def write(self, commands):
        return b"".join(proto.delimited(proto.filled(proto.Command(), one).SerializeToString()) for one in commands)

    def read(self, frame):
        return [proto.abstract(proto.Reply.FromString(message)) for message in proto.parted(frame)]

    def join(self, good, bad):
        return good + bad

    def publish(self, channel, payload):
        return self.write([{"id": 1, "publish": {"channel": channel, "data": payload}}])

    def bad(self):
        return [frame for _, frame in BAD_COMMANDS]


BAD_COMMANDS = [
    ("rubbish, as it was recorded", RECORDED),
    ("a length and nothing", b"\x05"),
    ("half a command", SUBSCRIBE[:-1]),
    ("a length without an end", b"\xff"),
    ("a length of eleven octets", b"\x80" * 10 + b"\x00"),
    ("a length beyond 64 bits", b"\xff" * 9 + b"\x02"),
    ("a huge length", b"\xff" * 8 + b"\x7f"),
    ("a length of -1", b"\xff" * 9 + b"\x01"),
    ("text", b'{"id":2,"subscribe":{"channel":"a"}}'),
    ("a tag without a value", command("08")),
    ("half a number", command("0880")),
    ("a number of eleven octets", command("08" + "80" * 10 + "00")),
    ("a number beyond 64 bits", command("08" + "ff" * 9 + "02")),
    ("id is a string", command("0a0161")),
    ("id is of 32 bits", command("0d00000000")),
    ("id is of 64 bits", command("090000000000000000")),
    ("a group for id", command("0b0c")),
    ("connect is a number", command("2001")),
    ("channel is a number", command("0802 2a02 0801")),
    ("offset is a string", command("0802 2a05 0a0161 3a00")),
    ("offset is beyond all streams", command("0802 2a0e 0a0161 38" + "80" * 9 + "01")),
    ("recover is a string", command("0802 2a05 0a0161 1a00")),
    ("a channel longer than its request", command("0802 2a03 0a0261")),
    ("a request longer than its command", command("0802 2a04 0a0161")),
    ("a huge field", command("0802 2a0b 0affffffffffffffff7f61")),
    ("a channel that is not UTF-8", command("0802 2a03 0a01ff")),
    ("a channel with an encoded surrogate", command("0802 2a05 0a03eda080")),
    ("a header that is not UTF-8", command("0801 2207 3205 0a01ff 1200")),
    ("a header whose value is a number", command("0801 2204 3202 1001")),
    ("a key that is a number", command("0801 2204 3202 0801")),
    ("field number 0", command("0001")),
    ("field number 0 with bytes", command("0200")),
    ("a field number beyond 29 bits", command("8080808010 01")),
    ("a field number of six octets", command("808080808000 01")),
    ("way of writing 6", command("f601")),
    ("way of writing 7", command("f701")),
    ("the end of a group that did not begin", command("a401")),
    ("a group without an end", command("a301 0801")),
    ("a group with another's end", command("a301 0801 ac01")),
    ("field number 0 within a group", command("a301 0001 a401")),
    ("half a 32-bit value", command("a501 0000")),
    ("half a 64-bit value", command("a101 00000000")),
    ("an unknown field longer than the command", command("a201 05")),
]  # fmt: skip


def nested(levels):
    """A subscribe command whose tags filter has so many levels."""
    body = b""
    for _ in range(levels - 1):
        body = b"\x32" + proto.delimited(body)
    return proto.delimited(b"\x08\x02\x2a" + proto.delimited(b"\x6a" + proto.delimited(body)))


BAD_COMMANDS.append(("a bomb of filters", nested(10000)))


@pytest.mark.parametrize("bad", [bad for _, bad in BAD_COMMANDS], ids=[name for name, _ in BAD_COMMANDS])
def test_a_bad_command_is_told_with_what_came_before(bad):
    with pytest.raises(BadFrame) as caught:
        CODEC.decode(SUBSCRIBE + bad)
    assert [command.id for command in caught.value.commands] == [2]


def test_what_stands_behind_a_bad_command_is_not_read():
    with pytest.raises(BadFrame) as caught:
        CODEC.decode(SUBSCRIBE + command("0a0161") + UNSUBSCRIBE)
    assert [command.id for command in caught.value.commands] == [2]


@pytest.mark.parametrize(
    ("frame", "wanted"),
    [
        (b"\x00", {}),
        (command("0802 2a03 0a0161"), {"id": 2, "subscribe": {"channel": "a"}}),
        (command("2a03 0a0161 0802"), {"id": 2, "subscribe": {"channel": "a"}}),
        (command("0801 0802"), {"id": 2}),
        (command("0882808000"), {"id": 2}),
        (command("088280808010"), {"id": 2}),
        (command("0802 2a03 0a0161 2a03 0a0162"), {"id": 2, "subscribe": {"channel": "b"}}),
        (command("0802 2a03 0a0161 2a02 1801"), {"id": 2, "subscribe": {"channel": "a", "recover": True}}),
        (command("0802 2a05 0a0161 1802"), {"id": 2, "subscribe": {"channel": "a", "recover": True}}),
        (command("0806 5205 0a0161 3805"), {"id": 6, "history": {"channel": "a", "limit": 5}}),
        (command("0806 520e 0a0161 38" + "ff" * 9 + "01"), {"id": 6, "history": {"channel": "a", "limit": -1}}),
        (command("0806 5209 0a0161 38ffffffff0f"), {"id": 6, "history": {"channel": "a", "limit": -1}}),
        (command("0801 2205 3203 0a0168"), {"id": 1, "connect": {"headers": {"h": ""}}}),
        (command("0801 2205 3203 120176"), {"id": 1, "connect": {"headers": {"": "v"}}}),
        (command("0801 2205 1a03 0a0161"), {"id": 1, "connect": {"subs": {"a": {}}}}),
        (command("0802 1001 1a00 2a03 0a0161 a20100 a00101 a50100000000 a1010000000000000000"),
         {"id": 2, "subscribe": {"channel": "a"}}),
        (command("0802 a301 0801 ab01 ac01 a401 2a03 0a0161"), {"id": 2, "subscribe": {"channel": "a"}}),
        (command("0802 2a09 0a0161 800101 8a0100"), {"id": 2, "subscribe": {"channel": "a"}}),
    ],
)  # fmt: skip
def test_read_as_protobuf_demands(frame, wanted):
    [seen] = CODEC.decode(frame)
    assert abstract(seen) == wanted


def test_filters_as_deep_as_any_sane_one_are_read():
    [seen] = CODEC.decode(nested(50))
    depth, node = 0, seen.subscribe.tf
    while node:
        depth, node = depth + 1, node.nodes[0] if node.nodes else None
    assert depth == 50


def test_each_part_of_a_doubled_message_is_one_by_itself():
    """Found by fuzzing: two halves of a field, each in a part of its own, are no field."""
    whole = b"\x0a\x03abc"
    assert left_by(b"\x08\x02\x32\x00\x32\x05" + whole) == "abc"
    with pytest.raises(BadFrame):
        left_by(b"\x08\x02\x32\x02" + whole[:2] + b"\x32\x03" + whole[2:])


def left_by(command):
    [read] = CODEC.decode(proto.delimited(command))
    return read.unsubscribe.channel


def test_many_small_parts_of_a_message_cost_no_more_than_their_bytes():
    """Each part of a doubled message joined to those before it would take seconds for a frame of 64 KiB."""
    [seen] = CODEC.decode(proto.delimited(b"\x08\x02" + b"\x2a\x00" * 32000 + b"\x2a\x03\x0a\x01a"))
    assert seen.subscribe.channel == "a"


def test_payloads_are_bytes_of_any_kind():
    payload = bytes(range(256))
    [seen] = CODEC.decode(TestProtobufCodec().publish("a", payload))
    assert bytes(seen.publish.data) == payload
    [push] = proto.parted(CODEC.encode_publications("a", [Publication(Raw(payload))]))
    assert proto.Reply.FromString(push).push.pub.data == payload
    [reply] = proto.parted(CODEC.encode([Reply(id=1, rpc=RPCResult(Raw(payload)))]))
    assert proto.Reply.FromString(reply).rpc.data == payload


def test_a_ping_is_one_byte():
    assert CODEC.encode([Reply()]) == b"\x00"


def test_a_broadcast_without_a_channel():
    [message] = proto.parted(CODEC.encode_publications("", [Publication(Raw(b"1"))]))
    assert message == proto.Reply(push={"pub": {"data": b"1"}}).SerializeToString()


def test_what_a_client_sent_stays_out_of_the_message():
    for _, bad in BAD_COMMANDS:
        with pytest.raises(BadFrame) as caught:
            CODEC.decode(bad)
        assert not set(str(caught.value)) & set("\\{}\xff")


@pytest.mark.parametrize("wanted", COMMANDS)
def test_the_clients_half_writes_what_the_library_writes(wanted):
    [command] = CODEC.decode(TestProtobufCodec().write([wanted]))
    frame = encode_commands([command])
    [message] = proto.parted(frame)
    assert proto.abstract(proto.Command.FromString(message)) == wanted
    assert CODEC.decode(frame) == [command]


@pytest.mark.parametrize("reply", [reply for reply, _ in REPLIES])
def test_the_clients_half_reads_what_we_write(reply):
    assert decode_replies(CODEC.encode([reply, reply])) == [reply, reply]


def test_half_a_reply_is_told_to_the_client():
    with pytest.raises(ValueError, match="length"):
        decode_replies(b"\x05")


@settings(deadline=None)
@given(st.lists(st.sampled_from(COMMANDS), min_size=1, max_size=30))
def test_any_frame_of_commands_is_read(commands):
    assert [abstract(command) for command in CODEC.decode(TestProtobufCodec().write(commands))] == commands


@settings(deadline=None)
@given(st.binary(max_size=200) | st.lists(st.sampled_from(
    [SUBSCRIBE, UNSUBSCRIBE, b"\x00", b"\x08\x02", b"\x2a", b"\x0a\x01a", b"\x22", b"\x32", b"\x80", b"\x05", b"\xa3\x01"]
), max_size=30).map(b"".join))  # fmt: skip
def test_any_bytes_give_commands_or_a_bad_frame(data):
    try:
        commands = CODEC.decode(data)
    except BadFrame:
        return
    assert commands
    assert CODEC.decode(encode_commands(commands)) == commands


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_what_is_read_is_what_the_library_reads(body):
    """The library takes more than we do (a field of another type is an unknown one to it), and nothing otherwise."""
    try:
        [seen] = CODEC.decode(proto.delimited(body))
    except BadFrame:
        return
    [ours] = proto.parted(encode_commands([seen]))
    assert proto.same_command(ours, body)


def test_the_codec_says_what_it_is():
    assert (CODEC.name, CODEC.binary) == ("protobuf", True)
