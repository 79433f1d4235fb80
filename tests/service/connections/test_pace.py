"""How many commands one client may send."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from service.connections.pace import ENTRIES, SIZE, Pace, Verdict, cost
from service.protocol import messages as wire


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


def test_an_answer_is_charged_but_never_beyond_the_burst():
    pace = Pace(10, 20)
    assert pace.charge(0.0, 100.0, 5) == 100.5
    assert pace.charge(100.5, 100.0, 5) == 101.0
    assert pace.charge(100.5, 100.0, 1e9) == 102.0
    assert pace.charge(103.0, 100.0, 5) == 103.0, "what was owed before stays"
    verdicts, paid = [], pace.charge(0.0, 100.0, 1e9)
    for _ in range(20):
        verdict, paid = pace.judge(paid, 100.0)
        verdicts.append(verdict)
    assert verdicts == [Verdict.REFUSED] * 20


def publications(count, size=2):
    return [wire.Publication(data=Raw(b"1" * size)) for _ in range(count)]


def test_an_answer_costs_what_it_carries():
    assert cost(wire.Reply(id=1, publish=wire.Empty())) == 0
    assert cost(wire.Reply(id=1, error=wire.Error(100, "internal"))) == 0
    assert cost(wire.Reply(id=1, history=wire.HistoryResult([], "e", 0))) == 0
    read = cost(wire.Reply(id=1, history=wire.HistoryResult(publications(ENTRIES), "e", 0)))
    assert 1 < read < 1.1
    large = wire.SubscribeResult(publications=publications(1, SIZE))
    assert 1 < cost(wire.Reply(id=1, subscribe=large)) < 1.1
    somebody = wire.ClientInfo(user="ann", client="c")
    crowd = wire.PresenceResult({str(number): somebody for number in range(10 * ENTRIES)})
    assert cost(wire.Reply(id=1, presence=crowd)) == 10
