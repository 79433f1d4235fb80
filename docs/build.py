"""Writes the generated pages: `python -m docs.build`; with `--check` it only compares and fails on a difference."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.pages import alerts, boards, configuration, doors, limits, protocol, telemetry
from tests.observability import shown

REFERENCE = Path(__file__).parent / "reference"
#: Every page of docs/reference by its file name; nothing else lies there.
PAGES: Mapping[str, Callable[[], str]] = {
    "boards.md": boards.boards,
    "metrics.md": telemetry.metrics,
    "traces.md": telemetry.traces,
    "logs.md": telemetry.logs,
    "telemetry-tests.md": shown.page,
    "errors.md": protocol.reply_errors,
    "close-codes.md": protocol.close_codes,
    "alerts.md": alerts.alerts,
    "configuration.md": configuration.options,
    "doors.md": doors.doors,
    "limits.md": limits.limits,
}


def stale() -> list[str]:
    """The files of `reference/` that are not what the code says: missing, changed by hand, or left over."""
    found = {path.name: path.read_text() for path in REFERENCE.glob("*.md")}
    wanted = {name: make() for name, make in PAGES.items()}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write() -> None:
    """Makes `reference/` what the code says."""
    REFERENCE.mkdir(exist_ok=True)
    for path in REFERENCE.glob("*.md"):
        path.unlink()
    for name, make in PAGES.items():
        (REFERENCE / name).write_text(make())


def main(arguments: list[str]) -> int:
    """0, or 1 when `--check` finds a stale page."""
    if "--check" not in arguments:
        write()
        return 0
    for name in stale():
        sys.stderr.write(f"docs/reference/{name} is not what the code says; run: make docs\n")
    return 1 if stale() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
