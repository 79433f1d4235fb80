"""Messages to Protobuf. A writer is put together once a message type, out of one small function a field."""

import functools
from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Raw

from service.protocol.protobuf_schema import LENGTH, VARINT, Field, Struct, fields, is_message

_ALL_BITS: Final = 0xFFFFFFFFFFFFFFFF
_SHORT: Final = [bytes((number,)) for number in range(0x80)]

Write = Callable[[Any], bytes]
_in_the_making: dict[Struct, Write] = {}  # a tags filter has filters in it


def varint(number: int) -> bytes:
    """A whole number in groups of seven bits; a negative one as 64 bits."""
    if 0 <= number < 0x80:
        return _SHORT[number]
    number &= _ALL_BITS
    octets = bytearray()
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    octets.append(number)
    return bytes(octets)


def tag(number: int, how: int) -> bytes:
    """What stands in front of a field's value: its number, and how the value is written."""
    return varint(number << 3 | how)


def delimited(body: bytes) -> bytes:
    """``body`` behind its length."""
    return varint(len(body)) + body


@functools.cache
def writer(kind: Struct) -> Write:
    """What writes messages of this type. Fields that are unset, empty, zero or false are left out."""
    parts: list[Write] = []
    values = msgspec.structs.astuple

    def write(message: msgspec.Struct) -> bytes:
        return b"".join([part(value) for part, value in zip(parts, values(message), strict=True) if value])

    _in_the_making[kind] = write
    parts.extend(map(_field, fields(kind)))
    return write


def _field(field: Field) -> Write:
    number, (of, container) = field.number, field.kind
    if container is dict:
        return _table(number, of)
    one = _value(number, of)
    if container is list:
        return lambda values: b"".join([one(value) for value in values])
    return one


def _table(number: int, of: Any) -> Write:
    head, key, value = tag(number, LENGTH), _value(1, str), _value(2, of)
    return lambda table: b"".join([head + delimited(key(name) + value(each)) for name, each in table.items()])


def _value(number: int, of: Any) -> Write:
    if of in (str, Raw) or is_message(of):
        head, octets = tag(number, LENGTH), _octets(of)
        return lambda value: head + delimited(octets(value))
    head = tag(number, VARINT)
    return lambda value: head + varint(value)


def _octets(of: Any) -> Callable[[Any], bytes]:
    if of is str:
        return str.encode
    if of is Raw:
        return bytes
    return _in_the_making.get(of) or writer(of)
