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


def fault(*fires, breaks=nothing, **may):
    return Fault("f", "something is broken", breaks, fires, "nowhere", may=may, lasts=0.05)


FIRED = Seen(hold=4.0, pending=1.0, firing=5.0, inbox=6.0, over=20.0)


@pytest.mark.parametrize(
    ("fault", "alerts", "complaint"),
    [
        (fault("A"), {"A": FIRED, "B": Seen()}, None),
        (fault(A="now and then"), {"A": FIRED}, None),
        (fault(A="now and then"), {"A": Seen()}, None),
        (fault(), {"A": FIRED}, "A fired after 5.0 s, and it should not"),
        (fault("A"), {"A": Seen(hold=4.0)}, "A did not fire"),
        (fault("A"), {}, "there is no rule of the name A"),
        (fault("A"), {"A": Seen(hold=4.0, firing=35.0, inbox=36.0)}, "A fired after 35.0 s; 34 s are allowed"),
        (fault("A"), {"A": Seen(hold=4.0, firing=5.0)}, "A fired and did not reach the inbox"),
        (fault("A"), {"A": Seen(hold=4.0, firing=5.0, muted=True)}, None),
    ],
)
def test_complaints(fault, alerts, complaint):
    assert Result(fault, alerts).complaints == ([complaint] if complaint else [])


def test_what_cannot_be_told_need_only_fire():
    unheard = Fault("f", "it", nothing, ("A",), "nowhere", unheard={"A": "who would tell it is away"})
    assert Result(unheard, {"A": Seen(hold=4.0, firing=5.0)}).complaints == []
    assert Result(unheard, {"A": Seen(hold=4.0)}).complaints == ["A did not fire"]


async def test_what_comes_when_it_is_healed_is_waited_for(quick):
    stack = Answering(A="inactive")

    @contextlib.asynccontextmanager
    async def breaks(lab):
        yield
        asyncio.get_running_loop().call_later(0.05, lambda: lab.states.update(A="firing"))
        asyncio.get_running_loop().call_later(0.15, lambda: lab.states.update(A="inactive"))

    late = Fault("f", "it", breaks, (), "nowhere", afterwards=("A",), lasts=0.05)
    assert not (await trial.run(stack, late, lambda _: None)).complaints
    assert Result(late, {"A": Seen()}).complaints == ["A did not fire"]


def test_budgets_may_fire_and_stay():
    budget = Seen(hold=4.0, firing=9.0, inbox=10.0)
    assert Result(fault(), {"SomethingBudget": budget}).complaints == []
    assert Result(fault("SomethingBudget"), {"SomethingBudget": Seen()}).complaints == ["SomethingBudget did not fire"]


def test_what_stays_and_what_is_missing_are_complaints_too():
    found = Result(fault("A"), {"A": FIRED}, unaccounted=3, left=["A"])
    assert found.complaints == ["A still fires 90 s after all is whole again", "3 messages are unaccounted for"]


@pytest.fixture
def quick(monkeypatch):
    for name, value in {"LOOK": 0.01, "QUIET": 0.03, "PATIENCE": 0.3, "GRACE": 0.1}.items():
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
    assert [line.split("  ")[-1] for line in said] == [
        "broken: something is broken", "A pending", "A firing", "A in the inbox",
        f"healed after {result.lasted:.1f} s", "A over",
    ]  # fmt: skip


async def test_nothing_is_broken_while_something_fires(quick):
    with pytest.raises(NeverQuiet, match="before anything was broken: A"):
        await trial.run(Answering(A="firing"), fault(), lambda _: None)


async def test_an_alert_that_stays_is_told(quick):
    stack = Answering(A="inactive")

    @contextlib.asynccontextmanager
    async def breaks(lab):
        lab.states["A"] = "firing"
        yield

    result = await trial.run(stack, fault(breaks=breaks, A="now and then"), lambda _: None)
    assert result.complaints == ["A still fires 0 s after all is whole again"]
