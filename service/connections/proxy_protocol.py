"""Pure: the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt), read from its first byte.

A proxy that works below HTTP says so whose connection it hands on. Only who is trusted may say it.
"""

import ipaddress
from struct import Struct
from typing import Final, NamedTuple

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
LONGEST_LINE: Final = 107  # bytes of version 1, its line's end included
MOST: Final = 16 + 2048  # bytes of version 2 that are taken: addresses, and more extensions than anybody sends
_HEAD: Final = Struct("!12sBBH")


class BadHeader(Exception):  # noqa: N818 - says what is bad
    """It is no PROXY header; the text says why."""


class Told(NamedTuple):
    """``size`` bytes of header, and the client's address; "" for the proxy's own connection (a health check)."""

    size: int
    address: str


def read(data: bytes) -> Told | None:
    """The header at the beginning of ``data``; None while more of it must come.

    Raises:
        BadHeader: it is none.

    """
    if data[:1] == b"P":
        return _line(data)
    if data[:12] == SIGNATURE[: len(data)]:
        return _binary(data) if len(data) >= _HEAD.size else None
    raise BadHeader("the connection does not begin with a PROXY header")


def _line(data: bytes) -> Told | None:
    end = data.find(b"\r\n", 0, LONGEST_LINE)
    if end < 0:
        if len(data) >= LONGEST_LINE or not b"PROXY ".startswith(data[:6]):
            raise BadHeader("no PROXY line of at most 107 bytes")
        return None
    words = data[:end].split(b" ")
    if words[:2] == [b"PROXY", b"UNKNOWN"]:
        return Told(end + 2, "")
    if len(words) != 6 or words[0] != b"PROXY" or words[1] not in (b"TCP4", b"TCP6"):
        raise BadHeader("a PROXY line has six words")
    try:
        return Told(end + 2, str(ipaddress.ip_address(words[2].decode("ascii"))))
    except ValueError:
        raise BadHeader("the PROXY line's source is no address") from None


def _binary(data: bytes) -> Told | None:
    _, version, family, length = _HEAD.unpack_from(data)
    if version >> 4 != 2 or version & 0xF > 1:
        raise BadHeader("a version or command of the PROXY protocol that nobody knows")
    size = _HEAD.size + length
    if size > MOST:
        raise BadHeader(f"a PROXY header of {size} bytes")
    if len(data) < size:
        return None
    if version & 0xF == 0:  # LOCAL
        return Told(size, "")
    width = {1: 4, 2: 16}.get(family >> 4)
    if width is None:
        return Told(size, "")  # a Unix socket, or unspecified
    if length < 2 * width + 4:
        raise BadHeader("a PROXY header without room for its addresses")
    return Told(size, str(ipaddress.ip_address(data[_HEAD.size : _HEAD.size + width])))
