"""The contract of codecs; its suite is tests/contracts/codec.py."""

from service.protocol.codec import BadFrame, Codec
from service.protocol.json_codec import JsonCodec


def test_a_bad_frame_has_commands_of_its_own():
    first, second = BadFrame("a"), BadFrame("b")
    first.commands.append(None)
    assert second.commands == []


def test_every_codec_fulfils_the_protocol():
    codec: Codec = JsonCodec()
    assert all(hasattr(codec, name) for name in ("name", "binary", "decode", "encode", "encode_publications"))
