"""Tries."""

from hypothesis import given
from hypothesis import strategies as st

from service.outside.retry import RetrySettings, limit_of_a_try, pause_before

SETTINGS = RetrySettings()


def test_three_tries_with_growing_pauses():
    assert [pause_before(SETTINGS, n, 1.0, lambda: 0.5) for n in (1, 2, 3)] == [0.05, 0.1, None]


def test_those_who_failed_together_do_not_come_together():
    assert pause_before(SETTINGS, 1, 1.0, lambda: 0.0) == 0.025
    assert 0.074 < pause_before(SETTINGS, 1, 1.0, lambda: 0.999) < 0.075


def test_a_stalled_try_leaves_time_for_another():
    assert limit_of_a_try(SETTINGS, 1.0, 1.0) == 0.8
    assert limit_of_a_try(SETTINGS, 1.0, 0.2) == 0.2


def test_a_single_try_may_take_all_the_time():
    assert limit_of_a_try(RetrySettings(tries=1), 1.0, 1.0) == 1.0
    assert pause_before(RetrySettings(tries=1), 1, 1.0, lambda: 0.5) is None


@given(st.integers(1, 3), st.floats(0, 2), st.floats(0, 0.999))
def test_no_pause_outlasts_the_budget(tries, left, chance):
    pause = pause_before(SETTINGS, tries, left, lambda: chance)
    assert pause is None or 0 < pause < left
