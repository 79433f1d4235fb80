"""Pure: which publications of a channel a subscriber wants, by their tags. A tree of conditions, checked once.

Filters that say the same are one object to those who group by them, so that each is asked once a publication.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec

from service.broker.stream import Entry
from service.protocol.messages import FilterNode

DEEPEST: Final = 16  # levels of and, or, not

_NUMBER: Final = re.compile(
    r"[+-]?[0-9]{1,100}(\.[0-9]{1,19})?"
)  # as exact as Centrifugo's, which has no exponent either
_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_key_of = msgspec.msgpack.Encoder().encode

Tags = Mapping[str, str]
Test = Callable[[Tags], bool]


class BadFilter(Exception):  # noqa: N818 - says what is wrong
    """A tree that means nothing, or too large a one."""


class TagsFilter:
    """A filter of one or many subscribers; equal when it was written alike."""

    __slots__ = ("__weakref__", "key", "takes")

    def __init__(self, node: FilterNode, largest: int) -> None:
        """Check and compile.

        Args:
            node: the tree.
            largest: conditions, operators and values that it may have in all; 0: any number.

        Raises:
            BadFilter: in the words of our logs.

        """
        if _size(node, 1, largest or math.inf) > (largest or math.inf):
            raise BadFilter(f"a filter of more than {largest} conditions and values")
        self.takes: Test = _test(node)
        self.key = _key_of(node)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, TagsFilter) and self.key == other.key)

    def __hash__(self) -> int:
        return hash(self.key)

    def of(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those of the entries whose publications it takes."""
        takes = self.takes
        return [entry for entry in entries if takes(entry.publication.tags or {})]


class Filters:
    """The filters in use: many subscribers with the same one keep it once."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[bytes, TagsFilter] = WeakValueDictionary()

    def same(self, wanted: TagsFilter) -> TagsFilter:
        """The one that is in use already, if there is one."""
        return self._known.setdefault(wanted.key, wanted)


def _size(node: FilterNode, depth: int, largest: float) -> int:
    """How much there is to compare; counting stops when it is too much."""
    if depth > DEEPEST:
        raise BadFilter(f"a filter of more than {DEEPEST} levels")
    size = 1 + len(node.vals)
    for child in node.nodes:
        if size > largest:
            break
        size += _size(child, depth + 1, largest)
    return size


def _test(node: FilterNode) -> Test:
    if node.op == "":
        return _condition(node)
    if node.op in ("and", "or") and node.nodes:
        tests = [_test(child) for child in node.nodes]
        every = all if node.op == "and" else any
        return lambda tags: every(test(tags) for test in tests)
    if node.op == "not" and len(node.nodes) == 1:
        test = _test(node.nodes[0])
        return lambda tags: not test(tags)
    raise BadFilter("an unknown operator, or one without what it is about")


def _condition(node: FilterNode) -> Test:
    """A comparison of one tag. A publication that lacks the tag passes only what says "not"."""
    compare, key, value = node.cmp, node.key, node.val
    if compare in ("ex", "nex"):
        if value or node.vals:
            raise BadFilter("a value where none is compared")
        return (lambda tags: key in tags) if compare == "ex" else (lambda tags: key not in tags)
    if not key:
        raise BadFilter("a condition without a key")
    if compare in ("in", "nin"):
        if value or not node.vals:
            raise BadFilter("a list is compared with vals")
        values = frozenset(node.vals)  # a tag that is not there counts as an empty one here, as in Centrifugo
        return (
            (lambda tags: tags.get(key, "") in values)
            if compare == "in"
            else (lambda tags: tags.get(key, "") not in values)
        )
    if node.vals or not value:
        raise BadFilter("one value is compared with val")
    if compare in _ORDERS:
        return _number_test(key, _ORDERS[compare], value)
    try:
        return _TEXT_TESTS[compare](key, value)
    except KeyError:
        raise BadFilter("an unknown comparison") from None


_TEXT_TESTS: Final[Mapping[str, Callable[[str, str], Test]]] = {
    "eq": lambda key, value: lambda tags: tags.get(key) == value,
    "neq": lambda key, value: lambda tags: tags.get(key) != value,
    "sw": lambda key, value: lambda tags: key in tags and tags[key].startswith(value),
    "ew": lambda key, value: lambda tags: key in tags and tags[key].endswith(value),
    "ct": lambda key, value: lambda tags: key in tags and value in tags[key],
}


def _number_test(key: str, order: Callable[[Any, Any], bool], value: str) -> Test:
    """What is no number, on either side, is neither more nor less than anything."""
    limit = _number(value)

    def test(tags: Tags) -> bool:
        number = _number(tags.get(key, ""))
        return limit is not None and number is not None and order(number, limit)

    return test


def _number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None
