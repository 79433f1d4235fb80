"""The page of the runs."""

import json
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from faults import matrix
from faults.catalogue import BY_NAME, FAULTS
from faults.trial import Result
from faults.watch import Seen
from tests.faults.rules import HOLDS

ROOT = Path(__file__).parents[2]
BURST, SLOW = BY_NAME["error-burst"], BY_NAME["slow-client"]


def seen(root):
    (root / "docs").mkdir()
    (root / "faults").mkdir()
    fired = Seen(hold=4.0, pending=2.0, firing=6.0, inbox=8.0, over=30.0)
    muted = Seen(hold=4.0, pending=2.0, firing=7.0, muted_by=("HeliographErrorRate",), over=30.0)
    alerts = {"HeliographErrorRate": fired, "HeliographOther": muted, "HeliographThird": Seen()}
    slow = Result(SLOW, {"HeliographErrorRate": Seen()}, 25.0, trace="http://jaeger/trace/1")
    matrix.write([Result(BURST, alerts, 25.0), slow], root)
    return root


def kept():
    return json.loads((ROOT / matrix.KEPT).read_text())


def test_each_fault_has_its_rows_and_the_delays_their_median(tmp_path):
    text = (seen(tmp_path) / matrix.PAGE).read_text()
    assert "median 2.0 s, longest 2.0 s" in text
    assert "| `HeliographErrorRate` | 6.0 | 8.0 | 30.0 | 1 silent |" in text
    assert "| `HeliographOther` | 7.0 | behind `HeliographErrorRate` | 30.0 |" in text
    assert f"| `slow-client` | {SLOW.what} | none | | | | 1 silent | as it should be |" in text


def test_a_run_of_one_fault_changes_its_rows_alone(tmp_path):
    root = seen(tmp_path)
    before = json.loads((root / matrix.KEPT).read_text())
    matrix.write([Result(SLOW, {"HeliographErrorRate": Seen(firing=1.0)}, 25.0)], root)
    after = json.loads((root / matrix.KEPT).read_text())
    assert before["error-burst"] == after["error-burst"]
    assert "HeliographErrorRate fired after 1.0 s, and it should not" in (root / matrix.PAGE).read_text()


def test_a_kept_run_is_judged_by_the_catalogue_of_today(tmp_path):
    run = json.loads((seen(tmp_path) / matrix.KEPT).read_text())["slow-client"]
    assert matrix.judged(SLOW, run).complaints == []
    stricter = replace(SLOW, fires=("HeliographErrorRate",))
    assert matrix.judged(stricter, run).complaints == ["HeliographErrorRate did not fire"]
    other = replace(SLOW, fires=("HeliographNew",))
    assert matrix.judged(other, run).complaints == ["there is no rule of the name HeliographNew"]


def test_the_page_is_what_the_kept_runs_say():
    assert (ROOT / matrix.PAGE).read_text() == matrix.page(kept())


def test_every_fault_was_tried_and_no_other():
    assert kept().keys() == BY_NAME.keys()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_kept_run_is_as_the_catalogue_of_today_wants_it(fault):
    assert matrix.judged(fault, kept()[fault.name]).complaints == []


def test_from_firing_to_the_inbox_it_is_seven_seconds_at_most():
    """In the lab's time, in the middle; what somebody else keeps back meanwhile, or a pager that is away, takes longer."""
    seen = [each for run in kept().values() for each in run["fired"].values() if each["inbox"] is not None]
    assert len(seen) > 50
    assert statistics.median(each["inbox"] - each["firing"] for each in seen) <= 7.0


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_kept_run_looked_at_every_alert_of_today_with_the_patience_of_today(fault):
    run = kept()[fault.name]
    assert run["fired"].keys() | set(run["silent"]) == HOLDS.keys()
    assert {name: seen["hold"] for name, seen in run["fired"].items()} == {name: HOLDS[name] for name in run["fired"]}
