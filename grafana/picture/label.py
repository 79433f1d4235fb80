"""What a picture shows, written into its file (an iTXt chunk of PNG): one that is older than its board is noticed."""

import struct
import zlib
from pathlib import Path
from typing import Any, Final

_KEYWORD: Final = b"Description\0"
_PLAIN: Final = b"\0\0\0\0"  # not compressed, of no language
_HEAD: Final = 8 + 25  # signature and header, which comes first


def panels(board: dict[str, Any]) -> str:
    """The titles of a board's panels, a line each; where they stand says nothing."""
    return "\n".join(sorted(str(each["title"]) for each in board["panels"]))


def write(picture: Path, text: str) -> None:
    """Put it in."""
    content = picture.read_bytes()
    told = b"iTXt" + _KEYWORD + _PLAIN + text.encode()
    chunk = struct.pack(">I", len(told) - 4) + told + struct.pack(">I", zlib.crc32(told))
    picture.write_bytes(content[:_HEAD] + chunk + content[_HEAD:])


def read(picture: Path) -> str:
    """What it says; "" for nothing."""
    content, place = picture.read_bytes(), 8
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind, told = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        if kind == b"iTXt" and told.startswith(_KEYWORD):
            return told[len(_KEYWORD) + len(_PLAIN) :].decode()
        place += 12 + length
    return ""
