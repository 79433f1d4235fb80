"""The PROXY protocol, both versions, however it is cut."""

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.connections.proxy_protocol import LONGEST_LINE, SIGNATURE, BadHeader, read

LINE = b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n"


def binary(family, addresses, command=1, version=2, extra=b""):
    return (
        SIGNATURE
        + struct.pack("!BBH", version << 4 | command, family << 4 | 1, len(addresses) + len(extra))
        + addresses
        + extra
    )


V4 = binary(1, socket.inet_aton("192.0.2.1") + socket.inet_aton("198.51.100.1") + struct.pack("!HH", 4711, 443))
V6 = binary(
    2, socket.inet_pton(socket.AF_INET6, "2001:db8::1") * 2 + struct.pack("!HH", 4711, 443), extra=b"\x04\x00\x01x"
)


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (LINE, "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", ""),
        (V4, "192.0.2.1"),
        (V6, "2001:db8::1"),
        (binary(1, b"", command=0), ""),
        (binary(3, b"/" * 216), ""),
        (binary(0, b""), ""),
    ],
)
def test_a_header_and_what_stands_behind_it(header, address):
    assert read(header + b"GET / HTTP/1.1\r\n") == (len(header), address)


@pytest.mark.parametrize("header", [LINE, V4, V6])
def test_a_part_of_it_waits_for_the_rest(header):
    assert all(read(header[:size]) is None for size in range(1, len(header)))


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"PROXX TCP4 ",
        b"PROXY TCP4 192.0.2.1 198.51.100.1 4711\r\n",
        b"PROXY TCP4 nonsense 198.51.100.1 4711 443\r\n",
        b"PROXY UDP4 192.0.2.1 198.51.100.1 4711 443\r\n",
        b"PROXY " + b"x" * LONGEST_LINE,
        binary(1, b"\0" * 12, version=3),
        binary(1, b"\0" * 12, command=7),
        binary(1, b"\0" * 4),
        binary(1, b"\0" * 12, extra=b"x" * 3000),
        b"\x16\x03\x01",
    ],
)
def test_what_is_none(data):
    with pytest.raises(BadHeader):
        read(data)


@given(st.binary(min_size=1, max_size=200))
def test_anything_is_an_answer(data):
    for start in (b"", b"PROXY ", SIGNATURE):
        try:
            told = read(start + data)
        except BadHeader:
            continue
        assert told is None or 0 < told.size <= len(start + data)
