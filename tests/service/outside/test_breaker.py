"""The breaker: when it opens, how it closes, and that it counts no call twice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from service.outside.breaker import Breaker, State


def call(breaker, now, good):
    ticket = breaker.permit(now)
    if ticket:
        (breaker.succeeded if good else breaker.failed)(ticket, now)
    return bool(ticket)


def opened(now=100.0):
    breaker = Breaker()
    for _ in range(20):
        call(breaker, now, False)
    assert breaker.state is State.OPEN
    return breaker


def test_it_stays_closed_while_all_is_well():
    breaker = Breaker()
    assert all(call(breaker, n / 10, True) for n in range(1000))
    assert breaker.state is State.CLOSED


def test_few_calls_prove_nothing():
    breaker = Breaker()
    assert all(call(breaker, 0.0, False) for _ in range(19))
    assert breaker.state is State.CLOSED


def test_it_opens_at_half_of_twenty():
    breaker = Breaker()
    for n in range(19):
        call(breaker, 1.0, n % 2 == 0)
    assert breaker.state is State.CLOSED
    call(breaker, 1.0, False)
    assert breaker.state is State.OPEN


def test_below_half_it_stays_closed():
    breaker = Breaker()
    for n in range(200):
        call(breaker, 1.0, n % 20 < 11)
    assert breaker.state is State.CLOSED


def test_what_is_older_than_the_window_is_forgotten():
    breaker = Breaker()
    for n in range(100):
        call(breaker, n * 1.0, False)  # ten in each window
    assert breaker.state is State.CLOSED


def test_open_refuses_at_once_for_its_rest():
    breaker = opened()
    assert breaker.refuses(104.9)
    assert not call(breaker, 104.9, True)
    assert not breaker.refuses(105.0)


def test_half_open_lets_one_then_five_pass_and_closes():
    breaker = opened()
    tickets = [breaker.permit(105.0) for _ in range(3)]
    assert [bool(t) for t in tickets] == [True, False, False]
    assert breaker.state is State.HALF_OPEN
    breaker.succeeded(tickets[0], 105.1)
    tickets = [breaker.permit(105.1) for _ in range(7)]
    assert sum(map(bool, tickets)) == 5
    for ticket in tickets[:5]:
        assert breaker.state is State.HALF_OPEN
        breaker.succeeded(ticket, 105.2)
    assert breaker.state is State.CLOSED
    assert all(call(breaker, 105.3, False) for _ in range(19))  # and it begins anew


def test_one_bad_trial_opens_it_again():
    breaker = opened()
    assert call(breaker, 105.0, True)
    assert call(breaker, 105.0, False)
    assert breaker.state is State.OPEN
    assert not call(breaker, 109.9, True)
    assert call(breaker, 110.0, True)


def test_an_abandoned_trial_gives_its_place_back():
    breaker = opened()
    breaker.abandoned(breaker.permit(105.0))
    assert call(breaker, 105.0, True)


def test_a_call_of_an_earlier_state_says_nothing_about_this_one():
    breaker = Breaker()
    old = [breaker.permit(100.0) for _ in range(3)]
    for _ in range(20):
        call(breaker, 100.0, False)
    trial = breaker.permit(105.0)
    breaker.succeeded(old[0], 105.0)
    breaker.failed(old[1], 105.0)
    breaker.abandoned(old[2])
    assert breaker.state is State.HALF_OPEN
    assert not breaker.permit(105.0)
    breaker.succeeded(trial, 105.0)
    assert breaker.permit(105.0)


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["good", "bad", "gone"]), st.integers(0, 5)), max_size=80))
def test_whatever_happens_it_can_be_closed_again(story):
    """Calls overlap, fail, vanish: a backend that is well again is asked again, and never more than five at a time."""
    breaker, now, out = Breaker(), 0.0, []
    for wait, end, keep in story:
        now += wait
        out += [ticket for ticket in [breaker.permit(now)] if ticket]
        if breaker.state is State.HALF_OPEN:
            assert 0 <= breaker._out <= 5
        while len(out) > keep:
            ticket = out.pop(0)
            if end == "gone":
                breaker.abandoned(ticket)
            else:
                (breaker.succeeded if end == "good" else breaker.failed)(ticket, now)
    for ticket in out:
        breaker.abandoned(ticket)
    now += 5.0
    for _ in range(6):
        call(breaker, now, True)
    assert breaker.state is State.CLOSED
