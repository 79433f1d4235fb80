"""Numbers, lengths and messages read from bytes (the codec's tests hold the many ways in which they can be wrong)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.protocol import messages as wire
from service.protocol.protobuf_reading import MAX_DEPTH, Malformed, read_delimited, read_varint, reader
from service.protocol.protobuf_writing import delimited, varint, writer


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_a_number_is_read_to_its_end(number, rest):
    written = varint(number)
    assert read_varint(b"x" + written + rest, 1) == (number, 1 + len(written))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 9, b"\xff" * 9 + b"\x02", b"\x80" * 10 + b"\x00"])
def test_half_a_number_or_too_much_of_one(data):
    with pytest.raises(Malformed):
        read_varint(data, 0)


@given(st.binary(max_size=300), st.binary(max_size=3))
def test_bytes_behind_their_length(body, rest):
    assert read_delimited(delimited(body) + rest, 0) == (body, len(delimited(body)))
    if body:
        with pytest.raises(Malformed):
            read_delimited(delimited(body)[:-1], 0)


@pytest.mark.parametrize(
    ("kind", "empty"),
    [
        (wire.HistoryResult, wire.HistoryResult([], "", 0)),
        (wire.PresenceResult, wire.PresenceResult({})),
        (wire.Join, wire.Join(wire.ClientInfo("", ""))),
        (wire.Error, wire.Error(0)),
        (wire.Reply, wire.Reply()),
    ],
)
def test_what_is_not_written_is_zero(kind, empty):
    assert reader(kind)(b"", 0) == empty
    assert reader(kind)(b"", 0) is not reader(kind)(b"", 0)


@pytest.mark.parametrize(("number", "meant"), [(-1, -1), (2**31, -(2**31)), (2**31 - 1, 2**31 - 1), (2**32 + 5, 5)])
def test_whole_numbers_of_32_bits(number, meant):
    assert reader(wire.HistoryRequest)(b"\x38" + varint(number), 0).limit == meant


@pytest.mark.parametrize("number", [-1, 0, 1, 2**63 - 1, -(2**63)])
def test_whole_numbers_of_64_bits(number):
    assert reader(wire.ConnectRequest)(b"\x38" + varint(number), 0).flag == number


def test_each_value_of_a_pair_has_to_be_one_and_the_last_counts():
    def headers(*values):
        return delimited(b"".join(b"\x12" + delimited(value) for value in values))

    assert reader(wire.ConnectRequest)(b"\x32" + headers(b"a", b"b"), 0).headers == {"": "b"}
    with pytest.raises(ValueError, match="utf-8"):
        reader(wire.ConnectRequest)(b"\x32" + headers(b"\xff", b"b"), 0)


def test_messages_in_messages_have_an_end():
    node = wire.FilterNode()
    for _ in range(MAX_DEPTH):
        node = wire.FilterNode(nodes=[node])
    read, written = reader(wire.FilterNode), writer(wire.FilterNode)(node)
    assert read(written, 0) == node
    with pytest.raises(Malformed, match="deep"):
        read(written, 1)
