"""The page that says which alert finds which fault. What each fault's last run saw is kept; the page is made of it."""

import json
import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from faults.catalogue import FAULTS, WITHOUT_FAULT
from faults.report import moment
from faults.trial import Result
from faults.watch import Seen

PAGE: Final = Path("docs/failure-matrix.md")
KEPT: Final = Path("faults/results.json")
_HEAD: Final = """\
# Which alert finds which fault

`make matrix` breaks every thing that the failure lab knows, one after the other, each in a stack of its own, and looks
at **every** alert: it fires within its rule's `for` and 30 s more, or it stays silent. Rules, routes and programs are
those of production; only times are divided by thirty. `make lab FAULT=<name>` does one of them before your eyes.
"""
_COLUMNS: Final = ("fault", "what is broken", "alert", "firing", "in the inbox", "over", "the others", "verdict", "run")


def write(results: Sequence[Result], root: Path = Path()) -> None:
    """Keep what was seen just now, and make the page anew."""
    file = root / KEPT
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept |= {result.fault.name: _kept(result) for result in results}
    file.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (root / PAGE).write_text(page(kept), encoding="utf-8")


def _kept(result: Result) -> dict[str, Any]:
    fired = {name: asdict(seen) for name, seen in sorted(result.alerts.items()) if seen.firing is not None}
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "alerts": len(result.alerts),
        "fired": {name: {key: _tenth(value) for key, value in seen.items()} for name, seen in fired.items()},
        "unaccounted": result.unaccounted,
        "complaints": result.complaints,
    }


def _tenth(value: object) -> object:
    return round(value, 1) if isinstance(value, float) else value


def page(kept: Mapping[str, Any]) -> str:
    """The page's text, from what was kept."""
    runs = [(fault, kept[fault.name]) for fault in FAULTS if fault.name in kept]
    lines = [_HEAD, _delays([run for _, run in runs]), ""]
    lines += ["Seconds since the fault. `muted`: it fires, and Alertmanager keeps it back for a page that is out.", ""]
    lines += [f"| {' | '.join(_COLUMNS)} |", "| --- " * len(_COLUMNS) + "|"]
    lines += [row for fault, run in runs for row in _rows(fault.name, fault.what, run)]
    lines += ["", "## Alerts without a fault of the lab", ""]
    lines += [f"- `{name}`: {reason}." for name, reason in sorted(WITHOUT_FAULT.items())]
    return "\n".join(lines) + "\n"


def _delays(runs: Sequence[Mapping[str, Any]]) -> str:
    seen = [Seen(**fields) for run in runs for fields in run["fired"].values()]
    delays = [each.inbox - each.firing for each in seen if each.inbox is not None and each.firing is not None]
    if not delays:
        return ""
    middle = statistics.median(delays)
    return f"From firing to the inbox: median {middle:.1f} s, longest {max(delays):.1f} s, in the lab's time."


def _rows(name: str, what: str, run: Mapping[str, Any]) -> Iterator[str]:
    others = f"{run['alerts'] - len(run['fired'])} silent"
    end = f"{others} | {'; '.join(run['complaints']) or 'as it should be'} | {run['date']} |"
    if not run["fired"]:
        yield f"| `{name}` | {what} | none | | | | {end}"
    start = f"| `{name}` | {what} |"
    for alert, fields in run["fired"].items():
        seen = Seen(**fields)
        inbox = "muted" if seen.muted and seen.inbox is None else moment(seen.inbox)
        yield f"{start} `{alert}` | {moment(seen.firing)} | {inbox} | {moment(seen.over)} | {end}"
        start, end = "| | |", "| | |"
