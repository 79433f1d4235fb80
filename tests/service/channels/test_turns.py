"""Whose turn it is: few members before many, nobody starved; and slices that fit the time."""

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.channels.turns import FEW, Slices, Turns

TICK = 0.002


@dataclass(eq=False)
class Channel:
    name: str
    members: range = field(default_factory=lambda: range(2))


def turns(*channels):
    made = Turns()
    for channel in channels:
        made.append(channel)
    return made


def big(name):
    return Channel(name, range(10_000))


def test_few_go_before_many_each_in_their_order():
    made = turns(big("A"), Channel("a"), big("B"), Channel("b"), Channel("c", range(FEW)))
    assert len(made) == 5
    assert [channel.name for channel in made] == ["a", "b", "c", "A", "B"]
    assert [made.next(0.0, TICK).name for _ in range(5)] == ["a", "b", "c", "A", "B"]
    assert not made


def test_many_have_half_of_the_time():
    made = turns(big("A"), Channel("a"), Channel("b"))
    assert made.next(0.0, TICK).name == "a"
    assert made.next(TICK / 2, TICK).name == "A"
    assert made.next(TICK / 2, TICK).name == "b", "nobody else is there"


def test_neither_starves_the_other():
    """Both lines are always full; a few take 20 µs, a slice of many 1 ms."""
    made, served, now = (
        turns(*(big(f"A{n}") for n in range(3)), *(Channel(f"a{n}") for n in range(200))),
        Counter(),
        0.0,
    )
    for _ in range(500):
        began = now
        while now - began < TICK:
            channel = made.next(now - began, TICK)
            now += 0.001 if channel.name[0] == "A" else 0.00002
            served[channel.name] += 1
            made.append(channel)
    assert len(served) == 203
    assert min(served[f"A{n}"] for n in range(3)) >= 500 // 3 - 1
    assert sum(count for name, count in served.items() if name[0] == "a") >= 500 * 49


def test_a_slice_fits_its_time():
    slices = Slices(256, 0.001)
    assert slices.size == 256, "nothing is known"
    slices.took(256, 0.001)
    assert 250 <= slices.size <= 256
    for _ in range(30):
        slices.took(100, 0.001)
    assert 99 <= slices.size <= 105
    for _ in range(30):
        slices.took(32, 0.01)
    assert slices.size == 32, "never less: each costs a look at the clock"
    for _ in range(60):
        slices.took(100, 0.0001)
    assert slices.size == 256


def test_one_slow_slice_is_soon_forgotten():
    slices = Slices(256, 0.001)
    for _ in range(10):
        slices.took(256, 0.001)
    slices.took(256, 0.004)
    assert slices.size >= 128
    for _ in range(8):
        slices.took(slices.size, slices.size * 0.001 / 256)
    assert slices.size >= 230


@pytest.mark.parametrize("most", [1, 2, 256])
@settings(max_examples=50)
@given(taken=st.lists(st.tuples(st.integers(1, 300), st.floats(-1.0, 10.0)), max_size=20))
def test_whatever_the_clock_says_a_slice_has_members(most, taken):
    slices = Slices(most, 0.001)
    for members, seconds in taken:
        slices.took(members, seconds)
        assert 1 <= slices.size <= most
