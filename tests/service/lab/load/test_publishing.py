"""Publications: so many a second, numbered, each channel by one user at a time."""

from collections import Counter
from random import Random

import pytest

from service.lab.load.plan import Plan
from service.lab.load.publishing import HANDOVER, Publishing


class User:
    def __init__(self, *channels):
        self.places = dict.fromkeys(channels)
        self.ready = True
        self.unanswered = 0
        self.held_for = 0.0
        self.sent = []

    def publish(self, _command, channel, number, _frame):
        self.sent.append((channel, number))

    def publish_late(self, command, channel, number, frame, *, delay, halved):
        assert delay >= 0
        self.publish(command, channel, number, frame)
        self.late = halved


def made(*users, channels=("a",), **plan):
    plan = Plan(url="ws://h/", run="r", users=4, channels=len(channels), **plan)
    counts = Counter()
    return Publishing(plan, channels, users, counts, Random(1), wall=lambda: 5.0), counts


def test_the_planned_rate_in_all_channels_in_turn():
    user = User("a", "b")
    publishing, _ = made(user, channels=("a", "b"), rate=100.0)
    for tick in range(100):
        publishing.catch_up(tick * 0.01, 0.01)
    assert 99 <= len(user.sent) <= 100
    assert publishing.published["a"] - publishing.published["b"] in {0, 1}
    assert [number for channel, number in user.sent if channel == "a"] == list(range(1, publishing.published["a"] + 1))


def test_a_process_publishes_its_share():
    user = User("a")
    publishing, _ = made(user, rate=100.0)
    publishing._in_use = 4  # three channels are others'
    publishing.catch_up(0.0, 1.0)
    assert len(user.sent) == 25


def test_one_user_publishes_until_it_is_lost_and_the_next_waits_for_a_while():
    first, second = User("a"), User("a")
    publishing, counts = made(first, second, rate=10.0)
    publishing.catch_up(0.0, 1.0)
    publisher, other = (first, second) if first.sent else (second, first)
    assert (len(publisher.sent), other.sent) == (10, [])
    publisher.ready = False
    publishing.catch_up(10.0, 0.5)
    publishing.catch_up(10.0 + HANDOVER / 2, 0.5)
    assert (other.sent, counts["skipped"]) == ([], 10)
    publishing.catch_up(10.0 + HANDOVER, 0.5)
    assert [number for _, number in other.sent] == [11, 12, 13, 14, 15]


def test_who_waits_for_answers_does_not_take_over():
    user = User("a")
    user.unanswered = 1
    publishing, counts = made(user, rate=10.0)
    publishing.catch_up(0.0, 1.0)
    assert (user.sent, counts["skipped"]) == ([], 10)


@pytest.mark.parametrize(("delayed", "share"), [(0.0, (0, 0)), (30.0, (200, 400)), (100.0, (1000, 1000))])
def test_a_share_is_sent_late(delayed, share):
    user = User("a")
    publishing, counts = made(user, rate=1000.0, delayed=delayed)
    publishing.catch_up(0.0, 1.0)
    assert share[0] <= counts["delayed"] <= share[1]


def test_what_waits_behind_something_late_is_dated_accordingly(monkeypatch):
    user = User("a")
    user.held_for = 2.0
    publishing, counts = made(user, rate=1.0, delayed=100.0)
    dated = []
    monkeypatch.setattr(
        "service.lab.load.publishing.wire.publication", lambda _command, _channel, _number, at, _size: dated.append(at)
    )
    publishing.catch_up(0.0, 1.0)
    assert (dated, counts["delayed"]) == ([7.0], 0)
