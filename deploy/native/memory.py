"""What each service of the running stack takes of the machine: memory now and at most, and processor time."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Taken:
    """By one process: resident bytes, the most that they were, and seconds of all its threads."""

    resident: int
    peak: int
    seconds: float


def taken(pid: int) -> Taken:
    """By a process that lives.

    Raises:
        OSError: it does not.

    """
    status = (_PROC / str(pid) / "status").read_text(encoding="ascii", errors="replace")
    sizes = {name: 1024 * int(size) for name, size in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB", status, re.MULTILINE)}
    fields = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return Taken(sizes["VmRSS"], sizes["VmHWM"], (int(fields[11]) + int(fields[12])) / _TICKS)


def table(before: Mapping[str, Taken], after: Mapping[str, Taken], seconds: float) -> str:
    """A row a service, and their sum; a core is 100 %."""
    both = [(name, before[name], found) for name, found in sorted(after.items()) if name in before]
    rows = [(name, now.resident, now.peak, (now.seconds - then.seconds) / seconds) for name, then, now in both]
    rows.append(("together", sum(row[1] for row in rows), sum(row[2] for row in rows), sum(row[3] for row in rows)))
    head = f"{'service':14} {'resident':>9} {'at most':>9} {'of a core':>10}"
    lines = [f"{name:14} {_mega(now):>9} {_mega(most):>9} {share:>10.1%}" for name, now, most, share in rows]
    return "\n".join([head, *lines])


def _mega(size: float) -> str:
    return f"{size / 1e6:.0f} MB"
