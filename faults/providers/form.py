"""Reading a body as strictly as it can be read: every field is known, there when it must be, and of its type. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

INTERNATIONAL: Final = re.compile(r"\+[1-9]\d{6,14}")  # E.164


class Wrong(Exception):  # noqa: N818 - says what it is
    """A call that its provider refuses."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code} {why}")
        self.code = code
        self.why = why


def json_of(content_type: str, body: bytes, code: int) -> dict[str, Any]:
    """The body's mapping; else it is refused with this code."""
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() != "application/json":
        raise Wrong(code, f"Content-Type is {content_type!r}")
    if parameters and "utf-8" not in parameters.lower():
        raise Wrong(code, "not in UTF-8")
    try:
        found = json.loads(body.decode("utf-8"))
    except ValueError:
        raise Wrong(code, "no JSON in UTF-8") from None
    if not isinstance(found, dict):
        raise Wrong(code, "no mapping")
    return found


def fields(found: Any, needed: Mapping[str, type], may: Mapping[str, type], code: int, where: str = "") -> None:
    """Refuses a mapping that lacks a field, has one that nobody knows, or one of another type."""
    if not isinstance(found, dict):
        raise Wrong(code, f"{where or 'the body'} is no mapping")
    for name in needed.keys() - found.keys():
        raise Wrong(code, f"{where}{name} is missing")
    for name, value in found.items():
        kind = needed.get(name, may.get(name))
        if kind is None:
            raise Wrong(code, f"{where}{name} is not known")
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Wrong(code, f"{where}{name} is no {kind.__name__}")


def bounded(text: str, most: int, code: int, what: str) -> str:
    """A text that is there and has at most so many bytes of UTF-8."""
    if not text.strip():
        raise Wrong(code, f"{what} is empty")
    if len(text.encode()) > most:
        raise Wrong(code, f"{what} exceeds {most} bytes")
    return text
