"""A trial says what should have been otherwise, and only that."""

import asyncio
import contextlib

import pytest

from faults import trial
from faults.fault import Fault
from faults.trial import NeverQuiet, Result
from faults.watch import Seen
from tests.faults.answering import Answering


@contextlib.asynccontextmanager
async def nothing(_):
    yield


def fault(*fires, breaks=nothing, **more):
    return Fault("f", "something is broken", breaks, fires, "nowhere", lasts=0.05, **more)


def after_healing(**states):
    """What breaks nothing; so many seconds after the healing A is in these states."""

    @contextlib.asynccontextmanager
    async def breaks(lab):
        yield
        for state, seconds in states.items():
            asyncio.get_running_loop().call_later(seconds, lambda state=state: lab.states.update(A=state))

    return breaks


FIRED = Seen(hold=4.0, pending=1.0, firing=5.0, inbox=6.0, over=20.0)


@pytest.mark.parametrize(
    ("fault", "alerts", "complaint"),
    [
        (fault("A"), {"A": FIRED, "B": Seen()}, None),
        (fault(may={"A": "now and then"}), {"A": FIRED}, None),
        (fault(may={"A": "now and then"}), {"A": Seen()}, None),
        (fault(), {"A": FIRED}, "A fired after 5.0 s, and it should not"),
        (fault("A"), {"A": Seen(hold=4.0)}, "A did not fire"),
        (fault("A"), {}, "there is no rule of the name A"),
        (fault("A"), {"A": Seen(hold=4.0, firing=35.0, inbox=36.0)}, "A fired after 35.0 s; 34 s are allowed"),
        (fault("A"), {"A": Seen(hold=4.0, firing=5.0)}, "A fired and did not reach the inbox"),
        (
            fault("A"),
            {"A": Seen(hold=4.0, firing=5.0, muted_by=("B",))},
            "A fired and did not reach the inbox; B kept it back",
        ),
        (fault("A", behind={"A": ("B",)}), {"A": Seen(hold=4.0, firing=5.0, muted_by=("B",))}, None),
        (
            fault("A", behind={"A": ("B",)}),
            {"A": Seen(hold=4.0, firing=5.0, muted_by=("C",))},
            "A fired and did not reach the inbox; C kept it back",
        ),
        (fault(), {"SomethingBudget": FIRED}, "SomethingBudget fired after 5.0 s, and it should not"),
    ],
)
def test_complaints(fault, alerts, complaint):
    assert Result(fault, alerts).complaints == ([complaint] if complaint else [])


def test_what_cannot_be_told_need_only_fire():
    unheard = Fault("f", "it", nothing, ("A",), "nowhere", unheard={"A": "who would tell it is away"})
    assert Result(unheard, {"A": Seen(hold=4.0, firing=5.0)}).complaints == []
    assert Result(unheard, {"A": Seen(hold=4.0)}).complaints == ["A did not fire"]


async def test_what_comes_when_it_is_healed_is_waited_for(quick):
    late = fault(breaks=after_healing(firing=0.05, inactive=0.15), afterwards=("A",))
    assert not (await trial.run(Answering(A="inactive"), late, lambda _: None)).complaints
    assert Result(late, {"A": Seen()}).complaints == ["A did not fire"]


def test_only_what_is_named_may_stay():
    budget = {"SomethingBudget": FIRED}
    stays = fault("SomethingBudget", stays={"SomethingBudget": "it is burnt"})
    assert Result(stays, budget, left=["SomethingBudget"]).complaints == []
    assert Result(fault("SomethingBudget"), budget, left=["SomethingBudget"]).complaints == [
        "SomethingBudget still fires 90 s after all is whole again"
    ]


def test_what_stays_and_what_is_missing_are_complaints_too():
    found = Result(fault("A"), {"A": FIRED}, unaccounted=3, left=["A"])
    assert found.complaints == [
        "A still fires 90 s after all is whole again",
        "3 messages or connections are unaccounted for",
    ]


def test_a_ledger_that_nobody_tells_is_a_complaint():
    (complaint,) = Result(fault(), {}, unaccounted=None).complaints
    assert complaint == f"the server does not tell {' and '.join(trial.LEDGERS)}"


def test_a_fault_that_a_trace_shows_has_one():
    shown = fault(trace="a_histogram")
    assert Result(shown, {}, trace="http://jaeger/trace/1").complaints == []
    assert Result(shown, {}).complaints == ["no trace was found that shows it"]


@pytest.fixture
def quick(monkeypatch):
    for name, value in {"LOOK": 0.01, "QUIET": 0.03, "PATIENCE": 0.3, "GRACE": 0.1, "AFTER": 0.05}.items():
        monkeypatch.setattr(trial, name, value)


async def test_a_fault_is_broken_watched_and_healed(quick):
    stack, said = Answering(A="inactive"), []

    @contextlib.asynccontextmanager
    async def breaks(lab):
        lab.states["A"], lab.inbox_has["A"] = "firing", "firing"
        yield
        lab.states["A"], lab.inbox_has["A"] = "inactive", "resolved"

    result = await trial.run(stack, fault("A", breaks=breaks), said.append)
    assert not result.complaints
    assert [line.split("  ")[-1] for line in said if "localhost:3000" not in line] == [
        "broken: something is broken", "A pending", "A firing", "A in the inbox",
        f"healed after {result.lasted:.1f} s", "A over",
    ]  # fmt: skip


async def test_what_fires_while_something_breaks_or_heals_is_seen(quick):
    stack = Answering(A="inactive", B="inactive")

    async def fires_and_is_over(name):
        stack.states[name] = "firing"
        await asyncio.sleep(0.1)
        stack.states[name] = "inactive"
        await asyncio.sleep(0.1)

    @contextlib.asynccontextmanager
    async def breaks(_):
        await fires_and_is_over("A")
        yield
        await fires_and_is_over("B")

    found = (await trial.run(stack, fault(breaks=breaks), lambda _: None)).complaints
    assert [sentence.split(" ")[0] for sentence in found] == ["A", "B"]


async def test_what_only_the_healing_raises_is_seen(quick):
    late = fault(breaks=after_healing(firing=0.02))
    result = await trial.run(Answering(A="inactive"), late, lambda _: None)
    assert "it should not" in result.complaints[0]


@pytest.mark.parametrize("wrong", [{"heliograph_messages_unaccounted": [0.0]}, dict.fromkeys(trial.LEDGERS, [])])
async def test_a_missing_ledger_is_not_taken_for_an_even_one(quick, monkeypatch, wrong):
    monkeypatch.setattr(trial, "SETTLED", 0.05)
    stack = Answering()
    stack.ledgers = wrong
    assert (await trial.run(stack, fault(), lambda _: None)).unaccounted is None


async def test_what_is_too_much_in_one_book_and_missing_in_another_is_not_even(quick, monkeypatch):
    monkeypatch.setattr(trial, "SETTLED", 0.05)
    stack = Answering()
    stack.ledgers = {"heliograph_messages_unaccounted": [2.0, -2.0], "heliograph_connections_unaccounted": [0.0]}
    assert (await trial.run(stack, fault(), lambda _: None)).unaccounted == 4


async def test_nothing_is_broken_while_something_fires(quick):
    with pytest.raises(NeverQuiet, match="before anything was broken: A"):
        await trial.run(Answering(A="firing"), fault(), lambda _: None)


async def test_an_alert_that_stays_is_told(quick):
    stack = Answering(A="inactive")

    @contextlib.asynccontextmanager
    async def breaks(lab):
        lab.states["A"] = "firing"
        yield

    result = await trial.run(stack, fault(breaks=breaks, may={"A": "now and then"}), lambda _: None)
    assert result.complaints == ["A still fires 0 s after all is whole again"]
