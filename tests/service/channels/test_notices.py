"""Bad news, at a pace."""

from service.channels.notices import Notices
from tests.service.channels.world import Loop


def made(rate=500.0):
    loop, told = Loop(), []
    return loop, told, Notices(loop, lambda who, channel: told.append((who, channel)), rate)


def test_nobody_is_told_from_within():
    loop, told, notices = made()
    notices.add(["a"], "c")
    assert told == []
    loop.turn()
    assert told == [("a", "c")]
    assert len(notices) == 0


def test_ten_thousand_are_told_in_twenty_seconds():
    loop, told, notices = made()
    notices.add(range(10_000), "c")
    loop.run(1.0)
    assert 490 <= len(told) <= 520
    loop.run(18.5)
    assert len(told) < 10_000
    loop.run(1.0)
    assert told == [(n, "c") for n in range(10_000)]
    assert loop.later == []


def test_who_leaves_is_not_told():
    loop, told, notices = made()
    notices.add(["a", "b"], "c")
    notices.add(["a"], "d")
    notices.discard("a", "c")
    notices.discard("x", "c")
    loop.run(1.0)
    assert told == [("b", "c"), ("a", "d")]


def test_one_that_is_told_may_take_others_out():
    loop, told = Loop(), []
    notices = Notices(loop, lambda who, channel: (told.append(who), notices.discard("b", channel)))
    notices.add(["a", "b", "c"], "c")
    loop.run(1.0)
    assert told == ["a", "c"]


def test_later_news_are_told_later():
    loop, told, notices = made()
    notices.add(["a"], "c")
    loop.run(1.0)
    notices.add(["b"], "c")
    loop.run(1.0)
    assert told == [("a", "c"), ("b", "c")]


def test_a_slow_pace_still_goes_on():
    loop, told, notices = made(rate=1.0)
    notices.add(range(3), "c")
    loop.run(1.0)
    assert len(told) == 3, "at least one a burst"
