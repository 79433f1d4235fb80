"""How many commands one client may send."""

from hypothesis import given
from hypothesis import strategies as st

from service.connections.pace import Pace, Verdict


def judged(pace, times):
    paid, verdicts = 0.0, []
    for now in times:
        verdict, paid = pace.judge(paid, now)
        verdicts.append(verdict)
    return verdicts


def test_a_burst_is_fine_then_as_many_are_refused_then_it_is_over():
    verdicts = judged(Pace(10, 3), [5.0] * 8)
    assert verdicts == [Verdict.FINE] * 3 + [Verdict.REFUSED] * 3 + [Verdict.OVER] * 2


def test_who_waits_may_go_on():
    assert judged(Pace(10, 3), [0, 0, 0, 0, 0.1, 0.3]) == [Verdict.FINE] * 3 + [Verdict.REFUSED] * 2 + [Verdict.FINE]
    assert judged(Pace(10, 3), [0] * 6 + [10] * 3)[6:] == [Verdict.FINE] * 3


@given(st.integers(1, 1000), st.integers(1, 100), st.integers(1, 500), st.floats(0, 1e6))
def test_who_keeps_the_rate_is_never_refused(rate, burst, count, start):
    assert set(judged(Pace(rate, burst), [start + n / rate for n in range(count)])) == {Verdict.FINE}


@given(st.integers(1, 100), st.integers(1, 50), st.lists(st.floats(0, 10), max_size=300))
def test_no_more_than_burst_and_rate_are_fine(rate, burst, times):
    times = sorted(times)
    fine = judged(Pace(rate, burst), times).count(Verdict.FINE)
    assert fine <= burst + 1 + (times[-1] - times[0] if times else 0) * rate
