"""Two clocks by named profiles."""

import pytest

from service.connections.deadlines import PROFILES, Clocks, clocks, overdue


def test_the_usual_profile_is_the_public_one():
    assert clocks() == clocks("public") == Clocks(door=5.0, greeting=10.0)


@pytest.mark.parametrize(("profile", "least", "most"), [("lan", 0.3, 0.5), ("public", 2.0, 5.0), ("bulk", 5.0, 10.0)])
def test_a_profile_is_within_what_was_asked_for(profile, least, most):
    assert least <= PROFILES[profile].door <= most
    assert PROFILES[profile].greeting > PROFILES[profile].door


def test_a_figure_that_is_given_wins():
    assert clocks("lan", door=1.5) == Clocks(1.5, PROFILES["lan"].greeting)
    assert clocks("lan", greeting=7.0) == Clocks(PROFILES["lan"].door, 7.0)


def test_who_owes_nothing_is_never_late():
    assert not overdue(0.0, 1e9, 5.0)


def test_late_is_later_than_allowed():
    assert not overdue(100.0, 105.0, 5.0)
    assert overdue(100.0, 105.1, 5.0)


def test_our_own_standstill_is_not_the_peer_s_fault():
    assert not overdue(100.0, 106.0, 5.0, stall=1.5)
    assert overdue(100.0, 107.0, 5.0, stall=1.5)
