"""``make lab`` lists what can be broken; ``make lab FAULT=name`` breaks it and tells which alerts find it.

The whole stack is started natively at a lab's pace (every window and wait of the rules divided by thirty), one thing is
broken and healed again. ``make matrix`` does so with every fault, and writes docs/failure-matrix.md.
"""

import argparse
import asyncio
import difflib
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from deploy.native import build
from deploy.native.compose import ComposeMistake
from deploy.native.roots import NotBuilt
from deploy.native.stack import StackFailed
from faults import matrix, report, trial
from faults.catalogue import BY_NAME, FAULTS
from faults.fault import Fault, NotHere
from faults.running import Running


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when every alert did what it should."""
    parser = argparse.ArgumentParser(prog="make lab", description=__doc__)
    parser.add_argument("fault", nargs="*", help="one or more of the list; none: the list")
    parser.add_argument(
        "--matrix", action="store_true", help="every fault (or those that are named), and the page in docs"
    )
    parser.add_argument(
        "--hold", type=float, default=0.0, metavar="SECONDS", help="keep it broken so long, to look around"
    )
    asked = parser.parse_args(arguments)
    if not asked.fault and not asked.matrix:
        say(report.listing(FAULTS))
        return 0
    if strange := [name for name in asked.fault if name not in BY_NAME]:
        return _unknown(strange[0])
    if build.main([]):
        return 1
    chosen = FAULTS if asked.matrix and not asked.fault else tuple(BY_NAME[name] for name in asked.fault)
    chosen = tuple(replace(fault, lasts=max(fault.lasts, asked.hold)) for fault in chosen)
    try:
        return max([_one(fault, keep=asked.matrix) for fault in chosen])
    except (StackFailed, NotBuilt, ComposeMistake, trial.NeverQuiet) as reason:
        say(f"heliograph: {reason}")
        return 1


def _unknown(name: str) -> int:
    near = difflib.get_close_matches(name, BY_NAME, 1)
    say(f"heliograph: there is no fault {name!r}{f'; did you mean {near[0]}?' if near else '.'} `make lab` lists them")
    return 2


def _one(fault: Fault, *, keep: bool) -> int:
    """A stack of its own for each, so that no window remembers the fault before; the exit code."""
    with tempfile.TemporaryDirectory(prefix="heliograph-lab-") as folder:
        lab = Running(Path(folder))
        say(f"\n{fault.name}: starting the stack")
        with lab.stack:
            say(report.addresses(lab, fault))
            try:
                result = asyncio.run(trial.run(lab, fault, say))
            except NotHere as reason:
                say(f"left out: {reason}")
                return 0
    say(report.result(result))
    if keep:
        matrix.write([result])
    return 1 if result.complaints else 0


def say(text: str) -> None:
    """One line, or more, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
