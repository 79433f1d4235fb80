"""What a tags filter takes, what is no filter, and how large one may be."""

import gc

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.channels.tags_filter import DEEPEST, BadFilter, Filters, TagsFilter
from service.protocol.messages import FilterNode


def made(largest=64, **node):
    return TagsFilter(msgspec.convert(node, FilterNode), largest)


def leaf(compare, *value, key="a"):
    return {
        "key": key,
        "cmp": compare,
        **({"vals": list(value)} if compare in ("in", "nin") else {"val": value[0]} if value else {}),
    }


@pytest.mark.parametrize(
    ("node", "taken", "left"),
    [
        (leaf("eq", "1"), [{"a": "1"}, {"a": "1", "b": "2"}], [{}, {"a": "2"}, {"b": "1"}, {"a": "1 "}]),
        (leaf("neq", "1"), [{}, {"a": "2"}, {"b": "1"}], [{"a": "1"}]),
        (leaf("in", "1", "2"), [{"a": "1"}, {"a": "2"}], [{}, {"a": "3"}]),
        (leaf("in", ""), [{}, {"a": ""}], [{"a": "1"}]),
        (leaf("nin", "1", "2"), [{}, {"a": "3"}], [{"a": "1"}, {"a": "2"}]),
        (leaf("nin", ""), [{"a": "1"}], [{}, {"a": ""}]),
        (leaf("ex"), [{"a": ""}, {"a": "1"}], [{}, {"b": "1"}]),
        (leaf("nex"), [{}, {"b": "1"}], [{"a": ""}]),
        (leaf("ex", key=""), [{"": "1"}], [{}]),
        (leaf("sw", "xy"), [{"a": "xyz"}, {"a": "xy"}], [{}, {"a": "x"}, {"a": "zxy"}]),
        (leaf("ew", "yz"), [{"a": "xyz"}], [{}, {"a": "yzx"}]),
        (leaf("ct", "y"), [{"a": "xyz"}], [{}, {"a": "xz"}]),
        (leaf("gt", "9"), [{"a": "10"}, {"a": "9.0000000001"}, {"a": "+10"}], [{}, {"a": "9"}, {"a": "9.0"}, {"a": "-10"}]),
        (leaf("gte", "9"), [{"a": "9"}, {"a": "9.0"}, {"a": "009"}], [{"a": "8.999"}, {"a": "abc"}, {"a": ""}]),
        (leaf("lt", "-1.5"), [{"a": "-2"}], [{}, {"a": "-1.5"}, {"a": "0"}, {"a": "-"}, {"a": "1e-5"}]),
        (leaf("lte", "100.5"), [{"a": "100.5"}], [{"a": "100.51"}, {"a": "Infinity"}, {"a": "nan"}, {"a": "\u0661"}]),
        (leaf("gt", "abc"), [], [{}, {"a": "1"}, {"a": "abd"}]),
        (leaf("lt", "1" * 101), [], [{"a": "1"}]),
        ({"op": "and", "nodes": [leaf("ex"), leaf("eq", "1", key="b")]}, [{"a": "", "b": "1"}], [{"a": ""}, {"b": "1"}, {}]),
        ({"op": "or", "nodes": [leaf("ex"), leaf("eq", "1", key="b")]}, [{"a": ""}, {"b": "1"}], [{}, {"b": "2"}]),
        ({"op": "not", "nodes": [leaf("eq", "1")]}, [{}, {"a": "2"}], [{"a": "1"}]),
    ],
)  # fmt: skip
def test_what_is_taken(node, taken, left):
    takes = made(**node).takes
    assert all(takes(tags) for tags in taken)
    assert not any(takes(tags) for tags in left)


@pytest.mark.parametrize(
    "node",
    [
        {}, {"key": "a"}, {"cmp": "eq", "val": "1"}, leaf("eq"), leaf("gt"), leaf("in"), {"key": "a", "cmp": "is", "val": "1"},
        {"key": "a", "cmp": "is"}, {**leaf("eq", "1"), "vals": ["1"]}, {**leaf("in", "1"), "val": "1"}, leaf("ex", "1"),
        {**leaf("nex"), "vals": ["1"]}, {"op": "and"}, {"op": "or"}, {"op": "not"}, {"op": "xor", "nodes": [leaf("ex")]},
        {"op": "not", "nodes": [leaf("ex"), leaf("ex")]}, {"op": "and", "nodes": [leaf("ex"), {}]}, {"op": "AND", "nodes": [leaf("ex")]},
    ],
)  # fmt: skip
def test_what_is_no_filter(node):
    with pytest.raises(BadFilter):
        made(**node)


def test_it_has_a_size_and_a_depth():
    many = {"op": "or", "nodes": [leaf("in", *map(str, range(30))), leaf("in", *map(str, range(30)))]}
    made(63, **many)
    for largest in (62, 5, 1):
        with pytest.raises(BadFilter, match=f"more than {largest} "):
            made(largest, **many)
    made(0, op="or", nodes=[leaf("in", *map(str, range(1000)))] * 10)
    node = leaf("ex")
    for _ in range(DEEPEST - 1):
        node = {"op": "not", "nodes": [node]}
    made(0, **node)
    with pytest.raises(BadFilter, match="levels"):
        made(0, op="not", nodes=[node])


def test_filters_written_alike_are_one():
    filters = Filters()
    one, other, third = made(**leaf("eq", "1")), made(**leaf("eq", "1")), made(**leaf("eq", "2"))
    assert one == other != third
    assert hash(one) == hash(other)
    assert filters.same(one) is one
    assert filters.same(other) is one
    assert filters.same(third) is third


def test_a_filter_that_nobody_has_any_more_is_forgotten():
    filters = Filters()
    filters.same(made(**leaf("eq", "1")))
    gc.collect()
    assert len(filters._known) == 0


LEAVES = st.one_of(
    st.builds(lambda cmp, val: leaf(cmp, val), st.sampled_from(["eq", "neq", "sw", "ew", "ct", "gt", "lte"]), st.text(min_size=1)),
    st.builds(lambda cmp, vals: leaf(cmp, *vals), st.sampled_from(["in", "nin"]), st.lists(st.text(), min_size=1, max_size=3)),
    st.sampled_from([leaf("ex"), leaf("nex")]),
)  # fmt: skip


@settings(deadline=None)
@given(LEAVES, LEAVES, st.dictionaries(st.sampled_from(["a", "b"]), st.text()))
def test_the_laws_of_and_or_not(one, other, tags):
    first, second = made(**one).takes(tags), made(**other).takes(tags)
    assert made(op="and", nodes=[one, other]).takes(tags) == (first and second)
    assert made(op="or", nodes=[one, other]).takes(tags) == (first or second)
    assert made(op="not", nodes=[one]).takes(tags) != first
