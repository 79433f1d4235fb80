"""Protobuf to messages, as strict as Centrifugo's own reader: unknown fields are skipped, known ones have their type.

Of a doubled field the last value counts; a doubled message is the sum of both. Numbers lose the bits that their type
has no room for, as Protobuf demands.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from service.protocol import messages as wire
from service.protocol.protobuf_schema import LENGTH, VARINT, Field, Struct, fields, is_message

MAX_DEPTH: Final = 64  # levels of messages in messages; only a tags filter has more than four
_FIXED_64, _GROUP, _GROUP_END, _FIXED_32 = 1, 3, 4, 5  # ways of writing that no field of ours has
_MOST_OCTETS: Final = 10  # of a number
_MOST_OCTETS_OF_A_TAG: Final = 5
_HIGHEST_FIELD: Final = (1 << 29) - 1
_LAST_OFFSET: Final = 0x7FFFFFFFFFFFFFFF

Meaning = Callable[[Any], Any]
"""A value from its number or its bytes."""
Read = Callable[[bytes, int], Any]
"""A message from its bytes, and how deep it stands."""
Put = Callable[[dict[str, Any], bytes, int], None]
"""Add a message, an item or an entry of some depth to the values."""


class Malformed(ValueError):  # noqa: N818 - says what is wrong
    """Not the Protobuf of such a message; the text holds nothing of what a client wrote."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at ``at``, and where what follows begins.

    Raises:
        Malformed: it has more than 64 bits, or the bytes end within.

    """
    number = shift = 0
    for octet in data[at : at + _MOST_OCTETS]:
        at += 1
        number |= (octet & 0x7F) << shift
        if octet < 0x80:
            if number >> 64:
                break
            return number, at
        shift += 7
    raise Malformed("a number of more than 64 bits" if shift >= 63 else "ends within a number")


def read_delimited(data: bytes, at: int) -> tuple[bytes, int]:
    """The bytes behind their length at ``at``, and where what follows begins.

    Raises:
        Malformed: there are fewer bytes than the length says.

    """
    size, at = read_varint(data, at)
    stop = at + size
    if stop > len(data):
        raise Malformed("ends before its length")
    return data[at:stop], stop


@functools.cache
def reader(kind: Struct) -> Read:
    """What reads messages of this type.

    It raises ``Malformed``, or another ValueError for strings that are not UTF-8.
    """
    known: dict[int, _Known] = {}
    nested: dict[str, Read] = {}
    required = [(field.name, _zero(field.type)) for field in msgspec.structs.fields(kind) if field.required]

    def read(data: bytes, depth: int) -> Any:
        values = _scan(data, known, depth)
        if nested:
            for name, value in values.items():
                if name in nested:
                    values[name] = _summed(nested[name], value, depth + 1)
        for name, zero in required:
            if name not in values:
                values[name] = zero()
        return kind(**values)

    _in_the_making[kind] = read
    for field in fields(kind):
        known.update(_known(field, nested))
    return read


def _summed(read: Read, parts: list[bytes], depth: int) -> Any:
    """The message that was written once, or in parts, each of which is one by itself."""
    if len(parts) == 1:
        return read(parts[0], depth)
    for part in parts:
        read(part, depth)
    return read(b"".join(parts), depth)


_in_the_making: dict[Struct, Read] = {}  # a tags filter has filters in it


class _Known(NamedTuple):
    """A field as the scan looks it up, by its tag."""

    name: str
    meaning: Meaning
    put: Put | None  # where one value does not simply take the place of another


def _scan(data: bytes, known: Mapping[int, _Known], depth: int) -> dict[str, Any]:
    """The values of a message. One loop, since every command goes through it twice."""
    if depth > MAX_DEPTH:
        raise Malformed("nested too deep")
    values: dict[str, Any] = {}
    at, end = 0, len(data)
    while at < end:
        tag = data[at]
        at += 1
        if tag > 0x7F:
            tag, at = _read_tag(data, at - 1)
        field = known.get(tag)
        if field is None:
            if tag & ~7 | VARINT in known or tag & ~7 | LENGTH in known:
                raise Malformed("a field of another type")
            at = _past(data, at, tag)
            continue
        number = data[at] if at < end else 0x80
        at += 1
        if number > 0x7F:
            number, at = read_varint(data, at - 1)
        name, meaning, put = field
        if not tag & LENGTH:
            values[name] = meaning(number)
            continue
        stop = at + number
        if stop > end:
            raise Malformed("ends before its length")
        if put is None:
            values[name] = meaning(data[at:stop])
        else:
            put(values, data[at:stop], depth)
        at = stop
    return values


def _read_tag(data: bytes, at: int) -> tuple[int, int]:
    tag, stop = read_varint(data, at)
    if stop - at > _MOST_OCTETS_OF_A_TAG:
        raise Malformed("no such field number")
    return tag, stop


def _past(data: bytes, at: int, tag: int) -> int:
    """Behind an unknown field."""
    groups: list[int] = []
    while True:
        number, how = tag >> 3, tag & 7
        if not 0 < number <= _HIGHEST_FIELD:
            raise Malformed("no such field number")
        if how == VARINT:
            at = read_varint(data, at)[1]
        elif how == LENGTH:
            at = read_delimited(data, at)[1]
        elif how in (_FIXED_64, _FIXED_32):
            at += 8 if how == _FIXED_64 else 4
        elif how == _GROUP:
            groups.append(number)
        elif how != _GROUP_END or not groups or groups.pop() != number:
            raise Malformed("no such way of writing")
        if at > len(data):
            raise Malformed("ends within a field")
        if not groups:
            return at
        tag, at = _read_tag(data, at)


# -------------------------------------------------------------------- fields


def _known(field: Field, nested: dict[str, Read]) -> dict[int, _Known]:
    name, number, (of, container) = field
    meaning, put = _MEANINGS.get(of, bytes), None
    if container is dict:
        put = _entry(name, of)
    elif container is list:
        put = _item(name, _value(of))
    elif is_message(of):
        nested[name] = _value(of)
        put = _item(name, lambda octets, _depth: octets)
    return {number << 3 | (LENGTH if put or of in (str, Raw) else VARINT): _Known(name, meaning, put)}


def _item(name: str, read: Read) -> Put:
    def put(values: dict[str, Any], octets: bytes, depth: int) -> None:
        values.setdefault(name, []).append(read(octets, depth + 1))

    return put


def _entry(name: str, of: Any) -> Put:
    """One pair of a table: a key and a value. Either may be left out, or doubled; then each has to be one."""
    read, missing = _value(of), _zero(of)
    parts = _item("value", lambda octets, _depth: octets)
    known = {1 << 3 | LENGTH: _Known("key", bytes.decode, None), 2 << 3 | LENGTH: _Known("value", bytes, parts)}

    def put(values: dict[str, Any], octets: bytes, depth: int) -> None:
        pair = _scan(octets, known, depth + 1)
        values.setdefault(name, {})[pair.get("key", "")] = (
            [read(each, depth + 2) for each in pair["value"]][-1] if "value" in pair else missing()
        )

    return put


def _value(of: Any) -> Read:
    """What reads an item of a list or of a table."""
    if is_message(of):
        return _in_the_making.get(of) or reader(of)
    meaning = _MEANINGS[of]
    return lambda octets, _depth: meaning(octets)


def _zero(declared: Any) -> Callable[[], Any]:
    """What makes a field's value when it was not written."""
    if is_message(declared):
        return lambda: reader(declared)(b"", 0)
    return getattr(declared, "__origin__", declared)  # type: ignore[no-any-return]


def _offset(number: int) -> int:
    if number > _LAST_OFFSET:
        raise Malformed("an offset beyond all streams")
    return number


def _signed(number: int, bits: int) -> int:
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> bits - 1 else number


_MEANINGS: Final[Mapping[Any, Meaning]] = {
    str: bytes.decode,
    Raw: Raw,
    bool: bool,
    int: functools.partial(_signed, bits=64),
    wire.Int64: functools.partial(_signed, bits=64),
    wire.Int32: functools.partial(_signed, bits=32),
    wire.Uint32: lambda number: number & 0xFFFFFFFF,
    wire.Uint64: _offset,
}
