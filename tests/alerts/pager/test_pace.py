"""Waits: short in peace, longer in a storm, bounded always."""

import pytest

from alerts.pager.pace import again, gather


def test_a_storm_of_a_minute_is_five_messages():
    moment, calls = 0.0, []
    while moment <= 60:  # a letter each moment: the next call takes all that came since the last one
        moment += gather(1.0, len(calls))
        calls.append(moment)
    assert calls == [1, 5, 15, 35, 65]


@pytest.mark.parametrize("calls", [0, 1, 5, 10**6])
def test_no_letter_waits_longer_than_half_a_minute_for_others(calls):
    assert 1 <= gather(1.0, calls) <= 30
    assert gather(0.0, calls) == 0


def test_a_provider_that_is_away_is_asked_once_a_minute():
    assert [again(failures, 0) for failures in range(6)] == [5, 10, 20, 40, 60, 60]
    assert again(10**9, 0) == 60


def test_what_a_provider_wants_counts():
    assert again(0, 15) == 15
    assert again(9, 600) == 600
