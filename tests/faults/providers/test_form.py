"""A body is as its form says, or it is refused."""

import pytest

from faults.providers.form import INTERNATIONAL, Wrong, bounded, fields, json_of

KIND = "application/json; charset=utf-8"


def test_a_mapping_in_utf_8_is_read():
    assert json_of(KIND, '{"text": "é"}'.encode(), 1) == {"text": "é"}
    assert json_of("application/json", b"{}", 1) == {}


@pytest.mark.parametrize(
    ("kind", "body"),
    [("text/plain", b"{}"), ("application/json; charset=gbk", b"{}"), (KIND, b"{"), (KIND, b"[]"), (KIND, b'"\xff"')],
)
def test_anything_else_is_not(kind, body):
    with pytest.raises(Wrong) as wrong:
        json_of(kind, body, 47001)
    assert wrong.value.code == 47001


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "a is missing"),
        ({"a": 1}, "a is no str"),
        ({"a": "", "b": True}, "b is no int"),
        ({"a": "", "c": 1}, "c is not known"),
        ([], "the body is no mapping"),
    ],
)
def test_each_field_is_known_there_and_of_its_type(body, why):
    fields({"a": "x", "b": 2}, {"a": str}, {"b": int}, 1)
    with pytest.raises(Wrong, match=why):
        fields(body, {"a": str}, {"b": int}, 1)


def test_a_text_is_counted_in_bytes():
    assert bounded("é" * 5, 10, 1, "it") == "é" * 5
    for text in ("é" * 6, " \n"):
        with pytest.raises(Wrong):
            bounded(text, 10, 1, "it")


def test_a_number_has_its_country():
    assert INTERNATIONAL.fullmatch("+8613800000001")
    assert not any(INTERNATIONAL.fullmatch(text) for text in ("13800000001", "+0123456789", "+86 138", ""))
