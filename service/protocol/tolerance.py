"""What a command may be beside its declared form: unknown keys, and ``null`` for anything, both as if they were absent.

Not so keys that differ from a declared one in case alone: their sender would be misunderstood in silence. The fast
decoder refuses all three; only then is the line looked at here, and brought into the declared form.
"""

import functools
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Raw

from service.protocol.payload import mended

_MAX_DEPTH = 32  # levels of a tags filter, the only request that nests

_read_object = msgspec.json.Decoder(dict[str, Raw]).decode
_read_list = msgspec.json.Decoder(list[Raw]).decode
_write = msgspec.json.Encoder().encode

Kind = type[msgspec.Struct] | None
Shape = tuple[type | None, Kind]


class Refused(Exception):  # noqa: N818 - says what happened
    """A line that decodes and is not accepted all the same."""


S = TypeVar("S", bound=msgspec.Struct)


def read(data: bytes, kind: type[S]) -> S:
    """The one message that ``data`` is in JSON.

    Raises:
        Refused: it is none; nothing else is ever raised, whatever the bytes.

    """
    try:
        if not data.isascii():
            data.decode()
        decode = _decoder(kind).decode
        try:
            return cast("S", decode(data))
        except msgspec.DecodeError:
            return cast("S", decode(declared_form(data, kind)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(str(error) or "nested too deep") from None


@functools.cache
def _decoder(kind: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def declared_form(line: bytes, kind: type[msgspec.Struct]) -> bytes:
    """``line`` with only the keys that ``kind`` declares, and without nulls.

    Raises:
        Refused: a key differs from a declared one in case alone, or the message nests too deep.
        msgspec.DecodeError: it is not the JSON of an object.

    """
    if b"\\u" in line:
        line = mended(line)
    return bytes(_struct(Raw(line), kind, _MAX_DEPTH))


def _struct(raw: Raw, kind: type[msgspec.Struct], depth: int) -> Raw:
    if not depth:
        raise Refused("nested too deep")
    shapes, payloads = _shapes(kind), _payloads(kind)
    kept: dict[str, Raw] = {}
    for key, value in _read_object(raw).items():
        if key in shapes:
            if key in payloads or bytes(value) != b"null":
                kept[key] = _value(value, *shapes[key], depth - 1)
        elif key.casefold() in shapes:
            raise Refused(f"{key.casefold()} stands there in another case")
    return Raw(_write(kept))


def _value(raw: Raw, container: type | None, kind: Kind, depth: int) -> Raw:
    """A value of a declared key; what is not of its type goes on as it is, and fails in the strict decoder."""
    if kind is None:
        return raw
    first = bytes(memoryview(raw)[:1])
    if container is None:
        return _struct(raw, kind, depth) if first == b"{" else raw
    if container is dict and first == b"{":
        return Raw(_write({key: _value(value, None, kind, depth) for key, value in _read_object(raw).items()}))
    if container is list and first == b"[":
        return Raw(_write([_value(value, None, kind, depth) for value in _read_list(raw)]))
    return raw


@functools.cache
def _payloads(kind: type[msgspec.Struct]) -> frozenset[str]:
    """The declared keys whose value is anything: null is a payload like any other."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(kind) if field.type is Raw)


@functools.cache
def _shapes(kind: type[msgspec.Struct]) -> Mapping[str, Shape]:
    """The declared keys, each with the messages that stand under it."""
    return {field.encode_name: _shape(field.type) for field in msgspec.structs.fields(kind)}


def _shape(declared: Any) -> Shape:
    if isinstance(declared, type) and issubclass(declared, msgspec.Struct):
        return None, declared
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin in (dict, list):
        return origin, _shape(arguments[-1])[1]
    found = [shape for shape in map(_shape, arguments) if shape[1] is not None]
    return found[0] if found else (None, None)
