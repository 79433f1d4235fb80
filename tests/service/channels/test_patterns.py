"""Globs of channel names."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.patterns import ALTERNATIVES, DEEPEST, BadPattern, matcher
from service.protocol.errors import BAD_REQUEST, INTERNAL


@pytest.mark.parametrize(
    ("pattern", "takes", "refuses"),
    [
        ("", ["", "anything"], []),
        ("*", ["", "a:b/c"], []),
        ("news:*", ["news:", "news:a:b"], ["new", "xnews:a"]),
        ("n?w", ["new", "n:w"], ["nw", "neww"]),
        ("[ab]c", ["ac", "bc"], ["cc", "c"]),
        ("[!a-c]x", ["dx"], ["ax"]),
        ("{news,chat}:*", ["news:1", "chat:"], ["newschat:1", "other:1"]),
        ("a{,b}", ["a", "ab"], ["abb"]),
        (r"a\*", ["a*"], ["ab"]),
        (r"\{a\}", ["{a}"], ["a"]),
        (r"\[a", ["[a"], ["a"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a|b", ["a|b"], ["a", "b"]),
        ("{a,{b,c}}d", ["ad", "bd", "cd"], ["d", "abd"]),
        ("{a,b{c,d*}}", ["a", "bc", "bd", "bdx"], ["b", "ac"]),
        ("{a", ["a"], ["{a"]),
        ("{a,b", ["a", "b"], ["{a,b", "ab"]),
        ("a}", ["a}"], ["a"]),
        ("a,b", ["a,b"], ["a"]),
        ("a\\", ["a"], ["a\\"]),
        ("a]", ["a]"], ["a"]),
        ("[ab-d]", ["a", "b", "-", "d"], ["c"]),
        (r"[\]a]", ["]", "a"], ["\\"]),
        ("[!ab]", ["c"], ["a", "b", ""]),
        ("[^a]", ["^", "a"], ["b"]),
        ("**", ["", "a"], []),
        ("*a*b", ["ab", "xaxb", "aab"], ["ba", "a"]),
        ("a?c", ["a\nc"], ["ac"]),
    ],
)
def test_globs(pattern, takes, refuses):
    test = matcher(pattern)
    assert all(test(name) for name in takes)
    assert not any(test(name) for name in refuses)


@pytest.mark.parametrize("pattern", ["[", "a[b", "[]", "[!]", "[a-", "[a-z", "[z-a]", "[a-z0-9]", "{a,[}", "[a\\"])
def test_what_is_no_glob_is_an_internal_error_as_in_centrifugo(pattern):
    with pytest.raises(BadPattern) as caught:
        matcher(pattern)
    assert caught.value.error is INTERNAL
    assert caught.value.why


@pytest.mark.parametrize("pattern", ["{a,b}" * 7, "{" * (DEEPEST + 1), "{" * 100_000])
def test_what_is_too_much_for_us_is_the_callers_mistake(pattern):
    with pytest.raises(BadPattern) as caught:
        matcher(pattern)
    assert caught.value.error is BAD_REQUEST


def test_alternatives_are_bounded():
    assert matcher("{" + ",".join("x" * ALTERNATIVES) + "}")("x")


def test_a_pattern_cannot_take_long():
    began = time.perf_counter()
    assert not matcher("*a" * 40 + "b")("a" * 2000)
    assert time.perf_counter() - began < 0.5


@given(st.text(max_size=12), st.text(max_size=12))
def test_any_text_is_a_glob_or_refused(pattern, name):
    try:
        test = matcher(pattern)
    except BadPattern:
        return
    test(name)
