"""What may reach JSON subscribers, and what would end their connections."""

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.protocol.payload import MAX_DEPTH, is_json, mended, one_line, too_deep

GOOD = [
    b"0", b"-0", b"1e999", b"1E+2", b"12345678901234567890123", b'""', b"null", b"true", b"[]", b"{}", b" [1 , 2] ",
    b'{"a":{"b":[null,{"c":"\xc3\xa9"}]}}', b'"\\u00e9\\ud83d\\ude00"', b'"\x7f"', b'{\n "a":\r\n 1\n}',
]  # fmt: skip
BAD = [
    b"", b" ", b"NaN", b"Infinity", b"01", b"1.", b".5", b"-", b"+1", b"1e", b"0x1", b"1_0", b"tru", b"truex", b"'a'",
    b"[1,]", b'{"a":1,}', b'{"a"}', b"{1:2}", b"[1 2]", b'"abc', b'"a\x01b"', b'"a\nb"', b'"\\q"', b'"\\u12"',
    b"{} x", b"{}{}", b"\xef\xbb\xbf1", b'"\xff"', b'"\xed\xa0\x80"', b"[\xa01]", b"[\x0b1]", b"// x\n1", b"\x00",
]  # fmt: skip


@pytest.mark.parametrize("data", GOOD)
def test_json_is_json(data):
    assert is_json(data)
    json.loads(data)


@pytest.mark.parametrize("data", BAD)
def test_what_is_not_json_is_found(data):
    assert not is_json(data)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"]":'])
def test_nesting_has_an_end(opening):
    closing = {b"[": b"]", b'{"a":': b"}", b'[{"]":': b"}]"}[opening]
    levels = MAX_DEPTH // len(closing)
    assert is_json(opening * levels + b"1" + closing * levels)
    assert not is_json(opening * (levels + 1) + b"1" + closing * (levels + 1))
    assert not is_json(opening * 100_000)


def test_brackets_within_strings_and_side_by_side_do_not_nest():
    assert not too_deep(b'["' + b"[" * 5000 + b'\\"]"]')
    assert not too_deep(b"[" + b",".join([b'[{"a":[]}]'] * 5000) + b"]")


def test_raw_newlines_go_and_nothing_else():
    assert one_line(b'{\n "a":\r\n "x\\ny"\n}') == b'{ "a":\r "x\\ny"}'
    same = b'{"a":1}'
    assert one_line(same) is same


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (rb'"\ud83d"', rb'"\ufffd"'),
        (rb'"\ude00"', rb'"\ufffd"'),
        (rb'"\ud83d\ude00"', rb'"\ud83d\ude00"'),
        (rb'"\uD83D\uDE00"', rb'"\uD83D\uDE00"'),
        (rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
        (rb'"\ude00\ud83d"', rb'"\ufffd\ufffd"'),
        (rb'"\\ud83d"', rb'"\\ud83d"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\ud7ff\ue000"', rb'"\ud7ff\ue000"'),
        (rb'"\ud83dx"', rb'"\ufffdx"'),
    ],
)
def test_half_a_surrogate_pair_is_replaced(text, wanted):
    assert mended(text) == wanted
    assert is_json(wanted)


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=30))
def test_whatever_a_browser_writes_is_mended_into_json(text):
    """Browsers escape lone surrogates (well-formed JSON.stringify); Go reads each as U+FFFD."""
    written = json.dumps(text).encode()
    as_go_reads = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    assert is_json(mended(written))
    if "\ufffd" not in as_go_reads:
        assert msgspec.json.decode(mended(written)) == text


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(deadline=None)
@given(VALUES, st.sampled_from([None, 1]))
def test_what_python_writes_is_json_with_its_newlines_or_without(value, indent):
    text = json.dumps(value, ensure_ascii=False, indent=indent).encode("utf-8", "surrogatepass")
    if is_json(text):
        assert json.loads(one_line(text)) == value
        assert b"\n" not in one_line(text)
    else:
        with pytest.raises(UnicodeDecodeError):
            text.decode()


@settings(deadline=None)
@given(st.binary(max_size=40))
def test_agrees_with_pythons_reader_on_any_bytes(data):
    def refuse(name):
        raise ValueError(name)

    try:
        json.loads(data.decode(), parse_constant=refuse)
        readable = True
    except ValueError:
        readable = False
    assert is_json(data) is readable
