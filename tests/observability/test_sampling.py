"""The gate: shares by audience, lists and flags first, ceilings always."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability import names
from observability.sampling import Gate, SamplingSettings, TokenBucket, share

TIMES = st.lists(st.floats(0, 0.2), min_size=1, max_size=200)


def gate(draw=0.0, **settings):
    return Gate(SamplingSettings(**settings), lambda: draw)


@pytest.mark.parametrize(
    ("audience", "part"), [(0, 1), (1, 1), (4, 0.5), (100, 0.1), (1000, 0.01), (10_000, 0.001), (10**7, 0.001)]
)
def test_the_share_goes_through_its_anchors(audience, part):
    assert share(audience) == pytest.approx(part)


@given(st.integers(0, 10**6))
def test_a_larger_audience_is_never_sampled_more(audience):
    assert 0.001 <= share(audience + 1) <= share(audience) <= 1


@given(TIMES, st.floats(0, 60))
def test_no_bucket_gives_more_than_its_rate_and_burst(steps, rate):
    bucket, now, taken = TokenBucket(rate), 0.0, 0
    for step in steps:
        now += step
        taken += bucket.take(now)
    assert taken <= max(rate, 1 if rate else 0) + rate * now + 1e-6


@given(TIMES, st.lists(st.booleans(), min_size=200, max_size=200))
def test_all_that_is_sampled_stays_under_the_ceiling(steps, flags):
    """Messages, upgrades, allow-lists and flags together."""
    settings = SamplingSettings(users=frozenset({"ada"}))
    gate, now, yes = Gate(settings, random.Random(1).random), 0.0, 0
    for step, flag in zip(steps, flags, strict=False):
        now += step
        for _ in range(5):
            yes += bool(gate.message(1, now, flagged=flag))
            yes += bool(gate.message(5000, now, user="ada"))
            yes += bool(gate.upgrade(now, flagged=flag))
            yes += bool(gate.user("ada", now))
    assert yes <= 50 + 50 * now + 1e-6


@given(TIMES, st.floats(0, 60))
def test_asking_before_a_bucket_fills_again_is_in_vain(steps, rate):
    bucket, now = TokenBucket(rate), 0.0
    for step in steps:
        now += step
        empty = now < bucket.empty_until
        assert not (bucket.take(now) and empty)


def test_flags_buy_at_most_ten_a_second():
    crowd = gate(draw=0.999)
    assert sum(crowd.message(10_000, 5.0, flagged=True) == "client_flag" for _ in range(100)) == 10


def test_late_ones_have_a_ceiling_of_their_own():
    storm = gate()
    assert [storm.message(1, 0.0) for _ in range(51)].count("audience") == 50
    assert [storm.late(0.0) for _ in range(100)].count("late") == 20


def test_a_reconnect_storm_leaves_room_for_messages():
    storm = gate()
    assert sum(bool(storm.upgrade(0.0)) for _ in range(1000)) == 20
    assert sum(bool(storm.message(1, 0.0)) for _ in range(1000)) == 30


def test_who_is_on_a_list_is_always_looked_at():
    listed = gate(draw=0.999, users=frozenset({"ada"}), channels=frozenset({"news:big"}))
    assert listed.message(10_000, 0.0, channel="news:big") == "allow_list"
    assert listed.message(10_000, 0.0, user="ada") == "allow_list"
    assert listed.message(10_000, 0.0, channel="news:other", user="bob") == ""
    assert listed.user("ada", 0.0) == "allow_list"
    assert listed.user("", 0.0) == ""


def test_chance_decides_for_the_others():
    assert gate(draw=0.09).message(100, 0.0) == "audience"
    assert gate(draw=0.11).message(100, 0.0) == ""
    assert gate(draw=0.009).heartbeat(0.0) == "audience"
    assert gate(draw=0.011).heartbeat(0.0) == ""
    one = gate()
    assert [one.keeps_heartbeat(now) for now in (0.0, 0.5, 1.0)] == [True, False, True]


def test_factor_nought_leaves_the_lists_the_flags_and_the_late_ones():
    closed = gate(factor=0.0, channels=frozenset({"news:big"}))
    assert closed.message(1, 0.0) == ""
    assert closed.upgrade(0.0) == ""
    assert closed.message(1, 0.0, flagged=True) == "client_flag"
    assert closed.message(1, 0.0, channel="news:big") == "allow_list"
    assert closed.late(0.0) == "late"


def test_time_that_runs_backwards_gives_nothing():
    bucket = TokenBucket(1.0)
    assert bucket.take(10.0)
    assert not bucket.take(5.0)
    assert not bucket.take(10.5)
    assert bucket.take(11.0)


def test_every_reason_is_a_declared_label_value():
    listed = gate(users=frozenset({"ada"}))
    reasons = {listed.message(1, 0.0), listed.message(1, 0.0, user="ada"), listed.message(1, 0.0, flagged=True)}
    reasons |= {listed.late(0.0), listed.upgrade(0.0), listed.heartbeat(0.0), listed.user("ada", 0.0)}
    assert reasons == set(names.SAMPLED_BY)
