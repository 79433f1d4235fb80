"""Codec and framing together."""

import msgspec
import pytest

from service.broker.contract import Announcement
from service.connections.variants import Variant
from service.protocol import framing
from service.protocol import messages as wire
from service.protocol.json_codec import JsonCodec


def payloads(data):
    """The payloads of unmasked frames, one after another."""
    found = []
    while data:
        assert data[0] == 0x81, "a whole text frame"
        size, start = data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4]), 4
        found.append(data[start : start + size])
        data = data[start + size :]
    return found


def test_a_ping_is_an_empty_reply_in_a_frame():
    assert payloads(Variant(JsonCodec()).ping) == [b"{}"]
    assert Variant(JsonCodec()).native_ping == framing.frame(framing.PING, b"")


def test_at_most_sixteen_replies_a_frame():
    replies = [wire.Reply(id=n, publish=wire.Empty()) for n in range(1, 36)]
    frames = payloads(Variant(JsonCodec()).replies(replies))
    assert [f.count(b"\n") + 1 for f in frames] == [16, 16, 3]
    ids = [msgspec.json.decode(line)["id"] for f in frames for line in f.split(b"\n")]
    assert ids == list(range(1, 36))


def test_publications_share_a_frame():
    publications = [wire.Publication(data=msgspec.Raw(b"%d" % n), offset=n) for n in (1, 2)]
    (frame,) = payloads(Variant(JsonCodec()).publications("news", publications))
    first, second = (msgspec.json.decode(line) for line in frame.split(b"\n"))
    assert first == {"push": {"channel": "news", "pub": {"data": 1, "offset": 1}}}
    assert second["push"]["pub"]["offset"] == 2


def test_joins_and_leaves_are_pushes_sixteen_a_frame():
    infos = [wire.ClientInfo(user="u", client=str(n)) for n in range(17)]
    written = Variant(JsonCodec()).announcements("c", [Announcement(each, left=each.client == "16") for each in infos])
    first, second = payloads(written)
    pushes = [msgspec.json.decode(line)["push"] for line in first.split(b"\n")]
    assert pushes == [{"channel": "c", "join": {"info": {"user": "u", "client": str(n)}}} for n in range(16)]
    assert msgspec.json.decode(second) == {"push": {"channel": "c", "leave": {"info": {"user": "u", "client": "16"}}}}


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"abcd", b"\xff\xfe\xfd\xfc"])
def test_a_plain_pong_is_known_under_every_mask(mask):
    variant = Variant(JsonCodec())
    data = framing.client_frame(framing.TEXT, b"{}", mask)
    assert len(data) == variant.pong_size
    assert variant.is_pong(data)


@pytest.mark.parametrize(
    "data",
    [
        framing.client_frame(framing.TEXT, b"[]", b"abcd"),
        framing.client_frame(framing.BINARY, b"{}", b"abcd"),
        framing.client_frame(framing.PONG, b"{}", b"abcd"),
        b"\x01" + framing.client_frame(framing.TEXT, b"{}", b"abcd")[1:],  # a fragment
        b"\x81\x02" + b"{}abcd",  # not masked
    ],
)
def test_nothing_else_is_a_plain_pong(data):
    assert not Variant(JsonCodec()).is_pong(data)
