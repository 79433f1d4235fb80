"""The page of the runs."""

import json
from pathlib import Path

from faults import matrix
from faults.catalogue import BY_NAME
from faults.trial import Result
from faults.watch import Seen

ROOT = Path(__file__).parents[2]
BURST, SLOW = BY_NAME["error-burst"], BY_NAME["slow-client"]


def seen(root):
    (root / "docs").mkdir()
    (root / "faults").mkdir()
    fired = Seen(hold=4.0, pending=2.0, firing=6.0, inbox=8.0, over=30.0)
    muted = Seen(hold=4.0, pending=2.0, firing=7.0, muted=True, over=30.0)
    alerts = {"HeliographErrorRate": fired, "HeliographOther": muted, "HeliographThird": Seen()}
    matrix.write([Result(BURST, alerts, 25.0), Result(SLOW, {"HeliographErrorRate": Seen()}, 25.0)], root)
    return root


def test_each_fault_has_its_rows_and_the_delays_their_median(tmp_path):
    text = (seen(tmp_path) / matrix.PAGE).read_text()
    assert "median 2.0 s, longest 2.0 s" in text
    assert "| `HeliographErrorRate` | 6.0 | 8.0 | 30.0 | 1 silent |" in text
    assert "| `HeliographOther` | 7.0 | muted | 30.0 |" in text
    assert f"| `slow-client` | {SLOW.what} | none | | | | 1 silent | as it should be |" in text


def test_a_run_of_one_fault_changes_its_rows_alone(tmp_path):
    root = seen(tmp_path)
    before = json.loads((root / matrix.KEPT).read_text())
    matrix.write([Result(SLOW, {"HeliographErrorRate": Seen(firing=1.0)}, 25.0)], root)
    after = json.loads((root / matrix.KEPT).read_text())
    assert before["error-burst"] == after["error-burst"]
    assert after["slow-client"]["complaints"] == ["HeliographErrorRate fired after 1.0 s, and it should not"]


def test_the_page_is_what_the_kept_runs_say():
    kept = json.loads((ROOT / matrix.KEPT).read_text())
    assert (ROOT / matrix.PAGE).read_text() == matrix.page(kept)


def test_no_run_left_a_complaint():
    kept = json.loads((ROOT / matrix.KEPT).read_text())
    assert {name: run["complaints"] for name, run in kept.items() if run["complaints"]} == {}
    assert not any(run["unaccounted"] for run in kept.values())
