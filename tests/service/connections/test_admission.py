"""Places and rates: who comes in, who waits, who is turned away, by which cause."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.connections.admission import CALM, COME_IN, Admission, AdmissionSettings, Bucket, Ramp


def admission(now=100.0, **settings):
    return Admission(AdmissionSettings(**settings), now)


def test_without_limits_everybody_comes_in():
    door = admission()
    assert all(door.knock(100.0, "a") == COME_IN for _ in range(10_000))
    assert door.inside == 10_000
    assert door.rate(100.0) == 0.0


def test_no_place_waits_for_one_then_is_turned_away():
    door = admission(connections=2)
    assert door.knock(100.0) == door.knock(100.0) == COME_IN
    verdict = door.knock(100.0)
    assert (verdict.wait, verdict.cause) == (0.25, "connection_limit")
    assert door.inside == 2
    door.left(100.1)
    assert door.free()
    door.handed_on()
    assert (door.inside, door.free()) == (2, False)


def test_a_full_waiting_room_lets_nobody_wait():
    door = admission(connections=1, waiting=3)
    door.knock(100.0)
    door.waiting = 3
    assert door.knock(100.0) == (0.0, "waiting_room_full")


def test_a_rate_promises_its_tokens_ahead():
    door = admission(rate=10)
    assert [door.knock(100.0).wait for _ in range(10)] == [0.0] * 10
    assert [round(door.knock(100.0).wait, 3) for _ in range(2)] == [0.1, 0.2]
    assert door.knock(100.0).cause == "connection_rate"
    assert door.inside == 12


def test_who_is_turned_away_does_not_count():
    door = admission(rate=1, address_connections=5)
    for _ in range(20):
        door.knock(100.0, "a")
    assert door.inside == 1


def test_after_a_storm_the_rate_climbs_back():
    ramp = Ramp(100, 30)
    assert ramp.rate(0.0) == 100
    ramp.stormed(50.0)
    assert [ramp.rate(50.0 + t) for t in (0, 3, 15, 29, 30, 31)] == pytest.approx(
        [10, 10, 50, 96.67, 100, 100], abs=0.01
    )


def test_a_storm_that_goes_on_does_not_begin_again():
    """Else nobody would ever come in under constant pressure."""
    ramp = Ramp(100, 30)
    for tenth in range(600):
        ramp.stormed(50.0 + tenth / 10)
    assert ramp.rate(50.0 + 40) == 100
    ramp.stormed(110.0 + CALM + 0.1)
    assert ramp.rate(110.0 + CALM + 0.2) == 10


@given(st.integers(2, 200), st.integers(0, 1 << 30))
def test_never_more_than_the_rate(rate, seed):
    """However they come: in any second at most a full bucket and a second's worth, and whoever waits is not forgotten."""
    dice, now, entered = random.Random(seed), 0.0, []
    door = admission(now=0.0, rate=rate, ramp=0.0)
    for _ in range(500):
        now += dice.expovariate(rate * 3)
        verdict = door.knock(now)
        if verdict.cause is None:
            entered.append(now + verdict.wait)
    entered.sort()
    for first in entered:
        assert sum(first <= each < first + 1.0 for each in entered) <= 2 * rate + 1


def test_a_storm_of_five_thousand_is_let_in_at_the_planned_rate():
    door = admission(now=0.0, rate=500, ramp=10.0)
    storm = [door.knock(0.0) for _ in range(5_000)]
    assert sum(v.cause is None for v in storm) == 500 + 125
    back = sum(door.knock(second + tick / 5_000).cause is None for second in range(1, 11) for tick in range(5_000))
    assert 0.2 * 500 * 10 < back < 1.2 * 500 * 10


def test_a_full_bucket_owes_nothing():
    bucket = Bucket(10, 0.0)
    assert bucket.full(0.0, 10)
    bucket.reserve(0.0, 10, 0.0)
    assert not bucket.full(0.05, 10)
    assert bucket.full(0.1, 10)


# ----------------------------------------------------------------------------- addresses


def test_an_address_has_so_many_places():
    door = admission(address_connections=2)
    assert [door.knock(100.0, "a").cause for _ in range(3)] == [None, None, "address_limit"]
    assert door.knock(100.0, "b") == COME_IN
    door.left(100.0, "a")
    assert door.knock(100.0, "a") == COME_IN


def test_an_address_has_its_rate():
    door = admission(address_rate=2)
    assert [door.knock(100.0, "a").cause for _ in range(3)] == [None, None, "address_rate"]
    assert door.knock(100.0, "b") == COME_IN
    assert door.knock(100.6, "a") == COME_IN


def test_whoever_gave_up_waiting_gives_its_address_back():
    door = admission(connections=1, address_connections=2)
    assert door.knock(100.0, "a") == COME_IN
    assert door.knock(100.0, "a").wait
    door.gave_up(100.2, "a")
    door.left(100.3, "a")
    assert not len(door._addresses)


def test_an_address_without_connections_is_forgotten():
    door = admission(address_connections=2)
    door.knock(100.0, "a")
    door.left(100.0, "a")
    assert not len(door._addresses)


@pytest.mark.parametrize("limit", [{"address_rate": 5}, {"address_connections": 5}])
def test_the_table_is_bounded(limit):
    """One that draws its addresses from a whole network does not fill our memory."""
    door = admission(addresses=100, **limit)
    for n in range(10_000):
        door.knock(100.0 + n / 1e6, f"a{n}")
        if n % 3:
            door.left(100.0 + n / 1e6, f"a{n}")
    assert len(door._addresses) <= 100


def test_the_table_keeps_those_with_connections_first():
    door = admission(addresses=3, address_rate=5)
    door.knock(100.0, "stays")
    for n in range(10):
        door.knock(100.0, f"a{n}")
        door.left(100.0, f"a{n}")
    assert "stays" in door._addresses._known


def test_an_address_that_was_never_seen_may_leave():
    admission(address_connections=1).left(100.0, "nobody")


def test_telling_is_bounded_too():
    door = admission(turned_away=2)
    door.turned_away = 1
    assert door.may_be_told()
    door.turned_away = 2
    assert not door.may_be_told()
