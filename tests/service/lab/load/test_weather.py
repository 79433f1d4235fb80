"""Delay, jitter, loss and a narrow line, each with its effect; bytes never overtake each other on the line."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.lab.load.plan import Weak
from service.lab.load.weather import RETRANSMISSION, Weather


def weather(**weak):
    return Weather(Weak(**weak), Random(1))


def test_fine_weather_changes_nothing():
    assert weather().arrival(5.0, 1000) == 5.0


def test_delay_and_jitter():
    arrivals = [weather_.arrival(5.0, 1) - 5.0 for weather_ in [weather(delay=0.1, jitter=0.05)] for _ in range(200)]
    assert 0.05 <= min(arrivals) < 0.06
    assert 0.14 < max(arrivals) <= 0.15


def test_a_narrow_line_takes_its_time_and_the_next_waits_for_it():
    line = weather(rate=1000)
    assert line.arrival(0.0, 500) == pytest.approx(0.5)
    assert line.arrival(0.1, 500) == pytest.approx(1.0)
    assert line.arrival(9.0, 500) == pytest.approx(9.5)


def test_a_lost_segment_costs_a_retransmission():
    lossy = weather(loss=20)
    stalls = [lossy.arrival(0.0, 1) for _ in range(2000)]
    share = sum(stall > 0 for stall in stalls) / len(stalls)
    assert 0.15 < share < 0.25
    assert min(stall for stall in stalls if stall) == RETRANSMISSION
    assert any(stall == pytest.approx(3 * RETRANSMISSION) for stall in stalls), "and so may its retransmission be"


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 99), st.floats(0, 100), st.integers(0, 10_000))
def test_nothing_arrives_before_it_was_sent(delay, jitter, loss, now, size):
    assert weather(delay=delay, jitter=jitter, loss=loss, rate=100).arrival(now, size) >= now
