"""What the lab says: the list of faults, where to look, and what came of one."""

from collections.abc import Sequence
from typing import Final

from faults import links
from faults.fault import Fault
from faults.running import Running
from faults.trial import Result
from faults.watch import Seen

_PAGES: Final = (
    ("pager", "the inbox"),
    ("jaeger", "traces"),
    ("prometheus", "rules and metrics"),
    ("loki", "log lines"),
)


def listing(faults: Sequence[Fault]) -> str:
    """Every fault with what it breaks and who finds it."""
    wide = max(len(fault.name) for fault in faults)
    lines = ["make lab FAULT=<name> breaks one thing and tells which alerts find it:\n"]
    for fault in faults:
        found = ", ".join(fault.fires) or "no alert, by intention"
        lines.append(f"  {fault.name:{wide}}  {fault.what}\n  {'':{wide}}  -> {found}")
    return "\n".join(lines)


def addresses(lab: Running, fault: Fault) -> str:
    """Where to watch while it is broken."""
    lines = [f"  {what:18} {lab.url(service, '/')}" for service, what in _PAGES]
    lines.append(
        f"  {'board':18} {links.GRAFANA}/d/heliograph-{fault.board}/{fault.board} (Grafana itself needs Docker)"
    )
    node = lab.url("heliograph", "", 9000)
    lines.append(
        f"  {'why':18} .venv/bin/heliograph why --server {node} --token {lab.key()} <connection, trace or user>"
    )
    return "\n".join([*lines, f"  look at: {fault.look}"])


def result(found: Result) -> str:
    """The way of each alert that moved, and the verdict."""
    moved = {name: seen for name, seen in found.alerts.items() if seen.pending is not None}
    lines = [f"\n{found.fault.name}: held for {found.lasted:.1f} s; seconds since the fault"]
    if moved:
        lines.append(f"  {'alert':34} {'pending':>8} {'firing':>8} {'inbox':>8} {'over':>8}")
        lines += [_row(name, seen) for name, seen in sorted(moved.items())]
    silent = sum(seen.firing is None for seen in found.alerts.values())
    lines.append(f"  {silent} of {len(found.alerts)} alerts stayed silent")
    lines += [f"  WRONG: {sentence}" for sentence in found.complaints] or ["  all as it should be"]
    return "\n".join(lines)


def _row(name: str, seen: Seen) -> str:
    times = f"{moment(seen.pending):>8} {moment(seen.firing):>8} {moment(seen.inbox):>8} {moment(seen.over):>8}"
    behind = f"  behind {', '.join(seen.muted_by)}" if seen.muted_by and seen.inbox is None else ""
    return f"  {name:34} {times}{behind}"


def inbox(seen: Seen) -> str:
    """When it came into the inbox, or why it did not."""
    if seen.inbox is None and seen.muted_by:
        return "behind " + ", ".join(f"`{name}`" for name in seen.muted_by)
    return moment(seen.inbox)


def moment(seconds: float | None) -> str:
    """Seconds with a tenth; a dash for never."""
    return "-" if seconds is None else f"{seconds:.1f}"
