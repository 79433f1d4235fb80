"""Compressed messages (RFC 7692, permessage-deflate): pure bytes. Nothing is kept between two messages.

So a message is compressed once for all who take it, and a connection costs no window of its own.
"""

import re
import zlib
from dataclasses import dataclass
from typing import Final

ANSWER: Final = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
MOST: Final = 128 * 1024  # bytes that are compressed: a millisecond of the loop; longer messages go as they are
_TAIL: Final = b"\x00\x00\xff\xff"  # the end of each message, which is not sent (section 7.2.1)
_WITHOUT_VALUE: Final = frozenset(("server_no_context_takeover", "client_no_context_takeover"))
_BITS: Final = re.compile("([89]|1[0-5])")  # sizes of windows


class TooMuch(Exception):  # noqa: N818 - says what happened
    """It is longer than it may be."""


class Broken(Exception):  # noqa: N818 - says what happened
    """These bytes are no compressed message."""


@dataclass(frozen=True, slots=True)
class Squeeze:
    """How messages to clients are compressed."""

    level: int = 1  # 1 to 9; above 1 costs much and saves little
    least: int = 512  # bytes; shorter ones hardly shrink

    def frame_payload(self, payload: bytes) -> bytes | None:
        """The payload, compressed; None when it is to go as it is."""
        if not self.least <= len(payload) <= MOST:
            return None
        squeezed = compress(payload, self.level)
        return squeezed if len(squeezed) < len(payload) else None


def acceptable(offers: str) -> bool:
    """Whether one of the offers in a Sec-WebSocket-Extensions header is one that ``ANSWER`` answers."""
    return any(_acceptable(offer) for offer in offers.split(","))


def _acceptable(offer: str) -> bool:
    name, *parameters = (part.strip() for part in offer.split(";"))
    if name.lower() != "permessage-deflate":
        return False
    seen = [parameter.partition("=")[0].strip().lower() for parameter in parameters]
    return len(set(seen)) == len(seen) and all(_fine(parameter) for parameter in parameters)


def _fine(parameter: str) -> bool:
    """A parameter that we can live up to: our window is the largest one, so a smaller one is declined."""
    name, given, value = (part.strip() for part in parameter.partition("="))
    name, value = name.lower(), value.strip('"')
    if name in _WITHOUT_VALUE:
        return not given
    if name == "client_max_window_bits":
        return not given or _BITS.fullmatch(value) is not None
    return name == "server_max_window_bits" and value == "15"


def compress(payload: bytes, level: int = 1) -> bytes:
    """One message, as it is sent."""
    squeezing = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return (squeezing.compress(payload) + squeezing.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def decompress(data: bytes | bytearray, most: int) -> bytes:
    """One message, as it was before.

    Raises:
        TooMuch: it is longer than ``most`` bytes; no more than these are ever made.
        Broken: it is none.

    """
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        message = inflating.decompress(bytes(data) + _TAIL, most + 1)
    except zlib.error:
        raise Broken from None
    if len(message) > most:
        raise TooMuch
    if inflating.unconsumed_tail or len(inflating.unused_data) > len(_TAIL) + 1:
        raise Broken
    return message
