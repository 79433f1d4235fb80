"""Writes the generated pages: `python -m docs.build`; with `--check` it only compares and fails on a difference."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from docs.pages import alerts, boards, claims, configuration, doors, limits, protocol, states, telemetry

REFERENCE = Path(__file__).parent / "reference"
PARTLY = Path(__file__).parent  # pages of which a part is made
#: Every page of docs/reference by its file name; nothing else lies there.
PAGES: Mapping[str, Callable[[], str]] = {
    "boards.md": boards.boards,
    "metrics.md": telemetry.metrics,
    "traces.md": telemetry.traces,
    "logs.md": telemetry.logs,
    "telemetry-tests.md": claims.claims,
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


def stale_parts() -> list[str]:
    """The pages of which a part is not what the code says."""
    return sorted(page for page, text in _with_parts().items() if (PARTLY / page).read_text() != text)


def _with_parts() -> dict[str, str]:
    pages = {page: (PARTLY / page).read_text() for page, _ in states.PARTS}
    for (page, mark), make in states.PARTS.items():
        pages[page] = states.put(pages[page], mark, make())
    return pages


def write() -> None:
    """Makes `reference/`, and the made parts of other pages, what the code says."""
    for page, text in _with_parts().items():
        (PARTLY / page).write_text(text)
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
    wrong = [*(f"reference/{name}" for name in stale()), *stale_parts()]
    for name in wrong:
        sys.stderr.write(f"docs/{name} is not what the code says; run: make docs\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
