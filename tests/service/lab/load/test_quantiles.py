"""A quantile is right within two percent, and several are added up without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.lab.load.quantiles import Quantiles

SECONDS = st.lists(st.floats(1e-5, 100), min_size=1, max_size=200)


def filled(seconds):
    made = Quantiles()
    for each in seconds:
        made.add(each)
    return made


@given(SECONDS, st.sampled_from([0.01, 0.5, 0.9, 0.99, 1.0]))
def test_within_two_percent(seconds, share):
    exact = sorted(seconds)[max(0, -int(-share * len(seconds) // 1) - 1)]
    assert filled(seconds).at(share) == pytest.approx(exact, rel=0.021)


@given(SECONDS, SECONDS)
def test_what_is_told_can_be_added(some, others):
    made = filled(some)
    made.include(filled(others).told())
    whole = filled(some + others)
    assert (len(made), made.longest, made.at(0.5)) == (len(whole), whole.longest, whole.at(0.5))


def test_nothing():
    assert (Quantiles().at(0.5), len(Quantiles()), filled([0.0]).at(1.0)) == (0.0, 0, 0.0)
