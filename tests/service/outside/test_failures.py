"""Failures."""

import pytest

from service.outside.failures import OutsideFailed


@pytest.mark.parametrize(
    ("result", "status", "theirs", "passing"),
    [
        ("timeout", 0, True, True),
        ("unreachable", 0, True, True),
        ("garbage", 200, True, False),
        ("status", 500, True, False),
        ("status", 503, True, True),
        ("status", 429, True, False),
        ("status", 404, False, False),
        ("status", 302, False, False),
        ("breaker_open", 0, False, False),
        ("overloaded", 0, False, False),
    ],
)
def test_what_a_failure_says_of_the_other_server(result, status, theirs, passing):
    failure = OutsideFailed(result, "x", status)
    assert (failure.theirs, failure.passing, str(failure)) == (theirs, passing, "x")
