"""Refusals: closed causes."""

import pytest

from service.access.refusals import CAUSES, BadInfo, InvalidToken, KeysUnavailable, TokenExpired


def test_each_says_why_in_words_and_by_a_cause_of_the_list():
    for refusal in (InvalidToken("x", "form"), TokenExpired("x", "not_yet"), BadInfo("x"), InvalidToken("x")):
        assert (str(refusal), refusal.cause in CAUSES) == ("x", True)
    assert [each.reason for each in (InvalidToken, TokenExpired, BadInfo)] == ["invalid", "expired", "bad_info"]
    assert KeysUnavailable("x").cause in CAUSES


def test_no_other_cause_exists():
    with pytest.raises(AssertionError):
        InvalidToken("x", "nonsense")
