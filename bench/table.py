"""The results as a table on the terminal, as Markdown for the docs and as JSON."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from bench.figures import Finding, rounded

HEADINGS = ("row", "what", "median", "min – max", "budget", "", "note")


def cells(finding: Finding) -> tuple[str, ...]:
    """The columns of one finding."""
    low, high = rounded(min(finding.values)), rounded(max(finding.values))
    figure = f"{rounded(finding.value)} {finding.unit}".strip()
    budget = str(finding.budget) if finding.budget else ""
    return (
        finding.row,
        finding.what,
        figure,
        f"{low} – {high} ({len(finding.values)})",
        budget,
        finding.verdict,
        finding.note,
    )


def for_terminal(findings: Iterable[Finding]) -> str:
    """Columns padded to their widest cell."""
    rows = [HEADINGS, *map(cells, findings)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def as_markdown(machine: Mapping[str, str], findings: Iterable[Finding]) -> str:
    """A heading with the machine and one table."""
    lines = [", ".join(f"{key} {value}" for key, value in machine.items()), ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|" + "---|" * len(HEADINGS)]
    lines += ["| " + " | ".join(cells(finding)) + " |" for finding in findings]
    return "\n".join(lines) + "\n"


def save(folder: Path, machine: Mapping[str, str], findings: list[Finding]) -> Path:
    """Writes DATE.json and DATE.md into `folder` and returns the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    name = machine["date"].replace(" UTC", "").replace(" ", "T").replace(":", "")
    document = {"machine": machine, "findings": list(map(_record, findings))}
    target = folder / f"{name}.json"
    target.write_bytes(msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n")
    (folder / f"{name}.md").write_text(as_markdown(machine, findings))
    return target


def _record(finding: Finding) -> dict[str, object]:
    fields = ("row", "what", "value", "values", "unit", "verdict", "note")
    return {**{name: getattr(finding, name) for name in fields}, "budget": str(finding.budget or "")}
