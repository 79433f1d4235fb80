"""Numbers, lengths and messages as bytes (the codec's tests hold them against the protobuf library)."""

import pytest
from msgspec import Raw

from service.protocol import messages as wire
from service.protocol.protobuf_writing import delimited, tag, varint, writer


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0, "00"), (1, "01"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**32 - 1, "ffffffff0f"),
        (2**63 - 1, "ffffffffffffffff7f"), (2**64 - 1, "ffffffffffffffffff01"), (-1, "ffffffffffffffffff01"),
    ],
)  # fmt: skip
def test_numbers_take_as_many_octets_as_they_need(number, written):
    assert varint(number).hex() == written


def test_tags_and_lengths():
    assert tag(1, 0) == b"\x08"
    assert tag(16, 2) == b"\x82\x01"
    assert delimited(b"") == b"\x00"
    assert delimited(b"a" * 200) == b"\xc8\x01" + b"a" * 200


@pytest.mark.parametrize(
    ("message", "written"),
    [
        (wire.Publication(), b""),
        (wire.Publication(Raw(b"\x00\xff"), offset=1, delta=True), b"\x22\x02\x00\xff\x30\x01\x40\x01"),
        (wire.Publication(tags={"k": "", "": "v"}), b"\x3a\x05\x0a\x01k\x12\x00\x3a\x05\x0a\x00\x12\x01v"),
        (wire.ClientInfo("", "é"), b"\x12\x02\xc3\xa9"),
        (wire.Reply(id=1, publish=wire.Empty()), b"\x08\x01\x42\x00"),
        (wire.FilterNode(vals=["", "a"], nodes=[wire.FilterNode("not")]), b"\x2a\x00\x2a\x01a\x32\x05\x0a\x03not"),
        (wire.ConnectResult("", time=-1), b"\x58" + b"\xff" * 9 + b"\x01"),
    ],
)
def test_what_is_set_is_written(message, written):
    assert writer(type(message))(message) == written


def test_a_pair_of_a_table_is_written_whole():
    """Readers take what is missing for empty, but Centrifugo writes both."""
    assert (
        writer(wire.PresenceResult)(wire.PresenceResult({"": wire.ClientInfo("", "")})) == b"\x0a\x04\x0a\x00\x12\x00"
    )
