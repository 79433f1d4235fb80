"""The watch sees each step of an alert once, and takes no silence of a ruler for an end."""

import pytest

from alerts.pager import watchdog
from faults.watch import Watch
from tests.faults.answering import Answering


@pytest.fixture
def clock():
    class Clock:
        now = 100.0

        def __call__(self):
            return self.now

    return Clock()


def test_an_alert_s_way_is_told_step_by_step(clock):
    stack = Answering(A="inactive", B="inactive")
    watch = Watch(stack, clock)
    assert list(watch.look()) == []
    watch.begin()
    for after, state, inbox, news in (
        (2.0, "pending", "", [("A", "pending", 2.0)]),
        (3.0, "pending", "", []),
        (5.0, "firing", "", [("A", "firing", 5.0)]),
        (6.0, "firing", "firing", [("A", "in the inbox", 6.0)]),
        (9.0, "inactive", "firing", []),  # the pager has not heard yet
        (10.0, "inactive", "resolved", [("A", "over", 10.0)]),
    ):
        clock.now = 100.0 + after
        stack.states["A"], stack.inbox_has["A"] = state, inbox
        assert list(watch.look()) == news
    seen = watch.alerts["A"]
    assert (seen.hold, seen.pending, seen.firing, seen.inbox, seen.over) == (10.0, 2.0, 5.0, 6.0, 10.0)
    assert watch.alerts["B"].firing is None
    assert watch.firing() == set()


def test_what_comes_back_is_told(clock):
    stack = Answering(A="firing")
    watch = Watch(stack, clock)
    assert [what for _, what, _ in watch.look()] == ["pending", "firing"]
    stack.states["A"] = "inactive"
    assert [what for _, what, _ in watch.look()] == ["over"]
    stack.states["A"] = "firing"
    assert [what for _, what, _ in watch.look()] == ["firing again"]
    assert watch.firing() == {"A"}


@pytest.mark.parametrize("away", ["prometheus", "loki"])
def test_a_ruler_that_does_not_answer_ends_nothing(clock, away):
    stack = Answering(A="firing")
    watch = Watch(stack, clock)
    list(watch.look())
    stack.states["A"] = "inactive"
    stack.away = {away}
    assert list(watch.look()) == []
    assert watch.blind == {away}
    assert watch.firing() == {"A"}


def test_what_alertmanager_keeps_back_is_known_with_the_alert_it_does_it_for(clock):
    stack = Answering(A="firing", B="firing", C="firing")
    stack.muted = {"A": "B"}
    watch = Watch(stack, clock)
    list(watch.look())
    stack.muted = {"A": "C"}
    list(watch.look())
    assert watch.alerts["A"].muted_by == ("B", "C")
    assert watch.alerts["B"].muted_by == ()
    watch.begin()
    assert not watch.alerts["A"].muted_by, "what was before the fault does not count"


def test_what_the_pager_tells_by_itself_is_known_before_it_does(clock):
    assert watchdog.NAME in Watch(Answering(), clock).alerts


def test_what_the_pager_tells_by_itself_is_seen(clock):
    stack = Answering(A="inactive")
    watch = Watch(stack, clock)
    stack.inbox_has["Silent"] = "firing"
    assert {what for name, what, _ in watch.look() if name == "Silent"} == {"pending", "firing", "in the inbox"}
    stack.inbox_has["Silent"] = "resolved"
    assert [(name, what) for name, what, _ in watch.look()] == [("Silent", "over")]


def test_the_alert_that_always_fires_is_none(clock):
    watch = Watch(Answering(), clock)
    assert list(watch.look()) == []
    assert not watch.firing()
