"""Compressed messages: what is offered, what is made, what is read, and how much it may become."""

import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.protocol.deflate import MOST, Broken, Squeeze, TooMuch, acceptable, compress, decompress


@pytest.mark.parametrize(
    ("offers", "accepted"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),  # browsers
        ("permessage-deflate; client_max_window_bits=10; server_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=15", True),
        ('permessage-deflate; server_max_window_bits="15"', True),
        ("Permessage-Deflate;Client_No_Context_Takeover", True),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", True),  # a second choice
        ("permessage-deflate; server_max_window_bits=14", False),
        ("permessage-deflate; server_max_window_bits", False),
        ("permessage-deflate; client_max_window_bits=16", False),
        ("permessage-deflate; server_no_context_takeover=1", False),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", False),
        ("permessage-deflate; anything", False),
        ("x-webkit-deflate-frame", False),
        ("", False),
    ],
)
def test_offers(offers, accepted):
    assert acceptable(offers) is accepted


@given(st.binary(max_size=2000), st.integers(1, 9))
@settings(max_examples=100)
def test_what_is_compressed_is_read_again(payload, level):
    assert decompress(compress(payload, level), len(payload)) == payload


def test_the_examples_of_the_rfc():
    assert decompress(bytes.fromhex("f248cdc9c90700"), 5) == b"Hello"  # 7.2.3.1
    assert decompress(bytes.fromhex("000500faff48656c6c6f00"), 5) == b"Hello"  # 7.2.3.3, not compressed
    assert decompress(bytes.fromhex("f348cdc9c9070000"), 5) == b"Hello"  # 7.2.3.4, a final block
    assert decompress(bytes.fromhex("f248050000 00ffff cac9c90700".replace(" ", "")), 5) == b"Hello"  # 7.2.3.5
    assert decompress(b"\x00", 0) == b""  # 7.2.3.6


@given(st.binary(max_size=300))
@settings(max_examples=200)
def test_garbage_is_broken_or_bounded(data):
    try:
        assert len(decompress(data, 1000)) <= 1000
    except (Broken, TooMuch):
        pass


def test_a_bomb_never_becomes_more_than_its_limit():
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bomb.compress(bytes(50 * 2**20)) + bomb.flush(zlib.Z_SYNC_FLUSH)
    assert len(data) < 60_000
    tracemalloc.start()
    try:
        with pytest.raises(TooMuch):
            decompress(data, 65_536)
        assert tracemalloc.get_traced_memory()[1] < 400_000
    finally:
        tracemalloc.stop()


def test_what_would_not_shrink_or_takes_too_long_goes_as_it_is():
    squeeze = Squeeze(least=100)
    assert squeeze.frame_payload(b"x" * 99) is None
    assert len(squeeze.frame_payload(b"x" * 100)) < 20
    assert squeeze.frame_payload(bytes(range(256))) is None
    assert squeeze.frame_payload(b"x" * (MOST + 1)) is None
