"""So many calls a minute."""

from faults.providers.rate import Rate


def test_the_minute_slides():
    rate = Rate(3)
    assert [rate.allows(now) for now in (0, 10, 20, 59, 60, 61, 70, 79)] == [1, 1, 1, 0, 1, 0, 1, 0]


def test_one_too_many_mutes_for_long():
    rate = Rate(2, mute=600)
    assert [rate.allows(now) for now in (0, 1, 2, 100, 601, 602)] == [1, 1, 0, 0, 0, 1]


def test_none_is_no_limit():
    rate = Rate(0)
    assert all(rate.allows(0) for _ in range(1000))
