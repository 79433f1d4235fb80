"""Who goes first when what waits for all becomes too much."""

from hypothesis import given
from hypothesis import strategies as st

from service.connections.pressure import AT_ONCE, PressureSettings, first_to_go, surplus


def test_all_is_well_below_the_alarm():
    assert surplus(800, PressureSettings(1000)) == 0
    assert surplus(801, PressureSettings(1000)) == 101
    assert surplus(5000, PressureSettings(1000)) == 4300


def test_without_a_cap_nothing_is_too_much():
    assert surplus(1 << 60, PressureSettings(0)) == 0


def test_the_largest_go_first_and_no_more_than_need_be():
    assert first_to_go([(10, "a"), (500, "b"), (300, "c"), (20, "d")], 600) == ["b", "c"]
    assert first_to_go([(10, "a"), (0, "b")], 600) == ["a"]
    assert first_to_go([], 600) == []


@given(st.lists(st.integers(0, 1000), max_size=200), st.integers(0, 20_000))
def test_nobody_who_stays_holds_more_than_one_who_goes(sizes, wanted):
    gone = first_to_go([(size, index) for index, size in enumerate(sizes)], wanted)
    stays = [size for index, size in enumerate(sizes) if index not in gone]
    assert len(gone) <= AT_ONCE
    assert not gone or not stays or max(stays) <= min(sizes[index] for index in gone)
    together = sum(sizes[index] for index in gone)
    assert together >= wanted or len(gone) == AT_ONCE or not any(stays)
