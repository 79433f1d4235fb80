"""When the backend is asked whether something goes on."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from service.connections.questions import MayGoOn
from service.connections.renewals import CONNECTION, Renewals


def test_nothing_is_planned():
    renewals = Renewals()
    assert (renewals.next, renewals.ask(1e9)) == (inf, [])


def test_what_is_due_is_asked_once():
    renewals = Renewals()
    renewals.plan(CONNECTION, 20.0)
    renewals.plan("a", 10.0)
    assert renewals.next == 10.0
    [ask] = renewals.ask(10.0)
    assert ask.question == MayGoOn("a")
    assert ask.ticket < 0
    assert renewals.next == 20.0
    assert renewals.ask(10.0) == []
    assert renewals.settled(ask.ticket) == "a"
    assert renewals.settled(ask.ticket) is None


def test_a_later_plan_replaces_an_earlier_one():
    renewals = Renewals()
    renewals.plan("a", 10.0)
    renewals.plan("a", 30.0)
    assert renewals.ask(20.0) == []
    assert renewals.next == 30.0


def test_what_is_forgotten_is_neither_asked_nor_settled():
    renewals = Renewals()
    renewals.plan("a", 10.0)
    renewals.plan("b", 10.0)
    tickets = {ask.question.channel: ask.ticket for ask in renewals.ask(10.0)}
    renewals.plan("a", 20.0)
    renewals.forget("a")
    assert renewals.next == inf
    assert renewals.settled(tickets["a"]) is None
    assert renewals.settled(tickets["b"]) == "b"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100))), st.floats(0, 100))
def test_all_that_is_due_is_asked(plans, now):
    renewals, due = Renewals(), {}
    for what, at in plans:
        renewals.plan(what, at)
        due[what] = at
    asked = {ask.question.channel for ask in renewals.ask(now)}
    assert asked == {what for what, at in due.items() if at <= now}
    assert renewals.next == min((at for at in due.values() if at > now), default=inf)
