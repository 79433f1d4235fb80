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
from faults import containers, matrix, report, trial
from faults.catalogue import BY_NAME, FAULTS
from faults.fault import Fault
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
    parser.add_argument("--compose", action="store_true", help="write what Docker needs for a lab made by hand")
    asked = parser.parse_args(arguments)
    if asked.compose:
        say(containers.how(containers.write()))
        return 0
    if not asked.fault and not asked.matrix:
        say(report.listing(FAULTS))
        return 0
    if strange := [name for name in asked.fault if name not in BY_NAME]:
        return _unknown(strange[0])
    if build.main([]):
        return 1
    chosen = FAULTS if asked.matrix and not asked.fault else tuple(BY_NAME[name] for name in asked.fault)
    chosen = tuple(replace(fault, lasts=max(fault.lasts, asked.hold)) for fault in chosen)
    stay = len(chosen) == 1 and not asked.matrix and sys.stdin.isatty()
    wrong = [fault.name for fault in chosen if not _one(fault, keep=asked.matrix, stay=stay)]
    if len(chosen) > 1:
        say(f"\n{len(chosen)} faults; not as they should be: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


def _unknown(name: str) -> int:
    near = difflib.get_close_matches(name, BY_NAME, 1)
    say(f"heliograph: there is no fault {name!r}{f'; did you mean {near[0]}?' if near else '.'} `make lab` lists them")
    return 2


def _one(fault: Fault, *, keep: bool, stay: bool) -> bool:
    """Whether all went as it should. A stack of its own for each, so that no window remembers the fault before."""
    result = None
    with tempfile.TemporaryDirectory(prefix="heliograph-lab-") as folder:
        say(f"\n{fault.name}: starting the stack")
        try:
            result = _tried(Running(Path(folder)), fault, stay=stay)
        except* (StackFailed, NotBuilt, ComposeMistake, trial.NeverQuiet) as reasons:
            for reason in reasons.exceptions:
                say(f"heliograph: {fault.name}: {reason}")
    if result is None:
        return False
    if keep:
        matrix.write([result])
    return not result.complaints


def _tried(lab: Running, fault: Fault, *, stay: bool) -> trial.Result:
    with lab.stack:
        say(report.addresses(lab, fault))
        result = asyncio.run(trial.run(lab, fault, say))
        say(report.result(result))
        if stay:
            input("the links work until you press Enter ")
        lab.end()
    return result


def say(text: str) -> None:
    """One line, or more, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
