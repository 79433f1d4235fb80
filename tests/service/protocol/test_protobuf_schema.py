"""The tables agree with the messages, and with what is written down of the protocol elsewhere."""

import msgspec
import pytest
from msgspec import Raw

from service.protocol import messages as wire
from service.protocol.protobuf_schema import NUMBERS, Kind, fields, is_message
from tests.contracts import client_proto

ELSEWHERE = {
    wire.Since: "StreamPosition", wire.Nothing: "Empty", wire.UnsubscribeRequest: "Channel", wire.PresenceRequest: "Channel",
    wire.PresenceStatsRequest: "Channel", wire.SendRequest: "Message", wire.RPCResult: "Message", wire.Data: "Message",
}  # fmt: skip


#: Of the client's half of streams; the SDKs' schema has it not.
EMULATION = {wire.EmulationRequest: {"node": 1, "session": 2, "data": 3}}


@pytest.mark.parametrize(
    "message", sorted(NUMBERS.keys() - EMULATION.keys(), key=str), ids=lambda message: message.__name__
)
def test_every_field_has_its_number_and_type(message):
    known = client_proto.library_class(ELSEWHERE.get(message, message.__name__)).DESCRIPTOR.fields_by_name
    assert set(NUMBERS[message]) == set(message.__struct_fields__)
    for name, number, kind in fields(message):
        field = known[name]
        assert field.number == number
        assert (kind.container is not None) == field.is_repeated
        entry = field.message_type is not None and field.message_type.GetOptions().map_entry
        assert (kind.container is dict) == bool(entry)
        value = field.message_type.fields_by_name["value"] if entry else field
        assert is_message(kind.of) == (value.message_type is not None)
        if not is_message(kind.of):
            assert value.type == TYPES[kind.of], name


PROTO = client_proto._Field
TYPES = {
    str: PROTO.TYPE_STRING, bool: PROTO.TYPE_BOOL, Raw: PROTO.TYPE_BYTES, int: PROTO.TYPE_INT64,
    wire.Int64: PROTO.TYPE_INT64, wire.Int32: PROTO.TYPE_INT32, wire.Uint32: PROTO.TYPE_UINT32, wire.Uint64: PROTO.TYPE_UINT64,
}  # fmt: skip


def test_every_message_below_a_command_or_a_reply_is_there():
    reached, todo = set(), [wire.Command, wire.Reply]
    while todo:
        message = todo.pop()
        if message not in reached:
            reached.add(message)
            todo += [field.kind.of for field in fields(message) if is_message(field.kind.of)]
    assert reached == NUMBERS.keys() - EMULATION.keys()
    assert {message: NUMBERS[message] for message in EMULATION} == EMULATION


def test_fields_stand_in_the_order_of_their_declaration():
    assert [field.name for field in fields(wire.Error)] == ["code", "message", "temporary"]
    assert fields(wire.FilterNode)[4:] == [("vals", 5, Kind(str, list)), ("nodes", 6, Kind(wire.FilterNode, list))]
    assert dict((name, kind) for name, _, kind in fields(wire.ConnectRequest))["subs"] == Kind(
        wire.SubscribeRequest, dict
    )


def test_what_is_a_message():
    assert is_message(wire.Reply)
    assert not is_message(str)
    assert not is_message(wire.Uint32)
    assert issubclass(wire.Reply, msgspec.Struct)
