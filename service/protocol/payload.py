"""Payloads: text of the publisher that reaches every JSON subscriber untouched, so it is checked once, at the door.

What is not JSON would end the connections of those who receive it; so would what nests deeper than their parsers go.
"""

import re

import msgspec

MAX_DEPTH = 256
"""Parsers of the SDKs stop at 512 levels (Swift) or at about 1,000 (Python); the envelope takes three of them."""

_validate = msgspec.json.Decoder(msgspec.Raw).decode
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"')
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_ESCAPES = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def is_json(data: bytes) -> bool:
    """Whether ``data`` is one JSON text in UTF-8 that every client can read."""
    try:
        _validate(data)
        if not data.isascii():
            data.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return not too_deep(data)


def too_deep(data: bytes) -> bool:
    """Whether the JSON text ``data`` is nested deeper than ``MAX_DEPTH``."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRINGS.sub(b"", data).translate(_AS_SQUARE, _NO_BRACKETS)
    for _ in range(MAX_DEPTH):  # each round takes the innermost level away
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


def one_line(data: bytes) -> bytes:
    """The same JSON text without raw newlines, which part messages. Valid JSON has them between tokens only."""
    return data.replace(b"\n", b"") if b"\n" in data else data


def mended(data: bytes) -> bytes:
    """The JSON text with each escaped half of a surrogate pair replaced by the replacement character, as Go reads it.

    Browsers write such halves when a string was cut within an emoji.
    """
    return _ESCAPES.sub(lambda match: b"\\ufffd" if match[1] else match[0], data)
