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
from faults.fault import Fault
from faults.report import inbox, moment
from faults.trial import Result, fired
from faults.watch import Seen

PAGE: Final = Path("docs/failure-matrix.md")
KEPT: Final = Path("faults/results.json")
_HEAD: Final = """\
# Which alert finds which fault

`make matrix` breaks every thing that the failure lab knows, one after the other, each in a stack of its own, and looks
at **every** alert: it fires within its rule's `for` and 30 s more, or it stays silent. Rules, routes and programs are
those of production; only times are divided by thirty. `make lab FAULT=<name>` does one of them before your eyes.
"""
_LEGEND: Final = """\
Seconds since the fault. Instead of a time in the inbox: the alert for which Alertmanager kept this one back; the fault
has to name it."""
_COLUMNS: Final = ("fault", "what is broken", "alert", "firing", "in the inbox", "over", "the others", "verdict", "run")


def write(results: Sequence[Result], root: Path = Path()) -> None:
    """Keep what was seen just now, and make the page anew."""
    file = root / KEPT
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    kept |= {result.fault.name: _kept(result) for result in results}
    file.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    (root / PAGE).write_text(page(kept), encoding="utf-8")


def _kept(result: Result) -> dict[str, Any]:
    moved = {name: asdict(seen) for name, seen in sorted(result.alerts.items()) if fired(seen)}
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "fired": {name: {key: _tenth(value) for key, value in seen.items()} for name, seen in moved.items()},
        "silent": sorted(result.alerts.keys() - moved.keys()),
        "left": sorted(result.left),
        "lasted": _tenth(result.lasted),
        "traced": bool(result.trace),
        "unaccounted": result.unaccounted,
    }


def judged(fault: Fault, run: Mapping[str, Any]) -> Result:
    """A kept run as what the catalogue of today makes of it."""
    fired_then = {name: Seen(**seen | {"muted_by": tuple(seen["muted_by"])}) for name, seen in run["fired"].items()}
    alerts = {**{name: Seen() for name in run["silent"]}, **fired_then}
    trace = "kept" if run.get("traced") else ""
    return Result(fault, alerts, run["lasted"], run["unaccounted"], run["left"], trace)


def _tenth(value: object) -> object:
    return round(value, 1) if isinstance(value, float) else value


def page(kept: Mapping[str, Any]) -> str:
    """The page's text: what was kept, judged by the catalogue of today."""
    runs = [(judged(fault, kept[fault.name]), kept[fault.name]["date"]) for fault in FAULTS if fault.name in kept]
    lines = [_HEAD, _delays([result for result, _ in runs]), "", _LEGEND, ""]
    lines += [f"| {' | '.join(_COLUMNS)} |", "| --- " * len(_COLUMNS) + "|"]
    lines += [row for result, date in runs for row in _rows(result, date)]
    lines += ["", "## What may fire with a fault, or stay", ""]
    lines += [f"- `{fault.name}`: {sentence}." for fault in FAULTS for sentence in _allowed(fault)]
    lines += ["", "## Alerts without a fault of the lab", ""]
    lines += [f"- `{name}`: {reason}." for name, reason in sorted(WITHOUT_FAULT.items())]
    return "\n".join(lines) + "\n"


def _delays(results: Sequence[Result]) -> str:
    seen = [each for result in results for each in result.alerts.values()]
    delays = [each.inbox - each.firing for each in seen if each.inbox is not None and each.firing is not None]
    if not delays:
        return ""
    middle = statistics.median(delays)
    return f"From firing to the inbox: median {middle:.1f} s, longest {max(delays):.1f} s, in the lab's time."


def _allowed(fault: Fault) -> Iterator[str]:
    yield from (f"`{name}` may fire: {reason}" for name, reason in fault.may.items())
    yield from (f"`{name}` may stay: {reason}" for name, reason in fault.stays.items())
    yield from (f"`{name}` need not reach the inbox: {reason}" for name, reason in fault.unheard.items())


def _rows(result: Result, date: str) -> Iterator[str]:
    moved = {name: seen for name, seen in result.alerts.items() if fired(seen)}
    end = f"{len(result.alerts) - len(moved)} silent | {'; '.join(result.complaints) or 'as it should be'} | {date} |"
    start = f"| `{result.fault.name}` | {result.fault.what} |"
    if not moved:
        yield f"{start} none | | | | {end}"
    for alert, seen in moved.items():
        yield f"{start} `{alert}` | {moment(seen.firing)} | {inbox(seen)} | {moment(seen.over)} | {end}"
        start, end = "| | |", "| | |"
