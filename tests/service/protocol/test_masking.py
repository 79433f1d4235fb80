"""Guards aiohttp's compiled mask, which is no public promise of aiohttp, and holds our own to the same bytes."""

import os

import aiohttp._websocket.helpers
import pytest

from service.protocol import masking


def by_the_book(key, payload):
    """RFC 6455 section 5.3, letter by letter."""
    return bytes(octet ^ key[place % 4] for place, octet in enumerate(payload))


@pytest.mark.parametrize("apply", [masking.apply_mask, masking.mask_in_place], ids=["fast", "pure"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 5, 7, 8, 9, 125, 126, 1001, 65536])
def test_masks_as_the_book_says(apply, size):
    key, payload = os.urandom(4), os.urandom(size)
    masked = bytearray(payload)
    apply(key, masked)
    assert masked == by_the_book(key, payload)


@pytest.mark.parametrize("key", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01"])
def test_special_keys(key):
    for apply in (masking.apply_mask, masking.mask_in_place):
        masked = bytearray(b"\x00\x7f\x80\xff\x00")
        apply(key, masked)
        assert masked == by_the_book(key, b"\x00\x7f\x80\xff\x00")


def test_aiohttps_function_is_the_one_in_use():
    assert masking.apply_mask is aiohttp._websocket.helpers.websocket_mask


def test_without_it_the_pure_one_serves(monkeypatch):
    monkeypatch.delattr(aiohttp._websocket.helpers, "websocket_mask")
    assert masking._fastest() is masking.mask_in_place
