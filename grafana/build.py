"""Writes the boards as Grafana reads them: `python -m grafana.build`; with `--check` it only compares."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.dashboards.boards.backlog import backlog
from grafana.dashboards.boards.broker import broker
from grafana.dashboards.boards.causes import causes
from grafana.dashboards.boards.connections import connections
from grafana.dashboards.boards.logs import logs
from grafana.dashboards.boards.messages import messages
from grafana.dashboards.boards.oncall import oncall
from grafana.dashboards.boards.overview import overview
from grafana.dashboards.boards.runtime import runtime
from grafana.dashboards.boards.slo import slo
from grafana.dashboards.boards.telemetry import telemetry

GENERATED = Path(__file__).parent / "generated"
BOARDS = {
    "backlog.json": backlog,
    "broker.json": broker,
    "causes.json": causes,
    "connections.json": connections,
    "logs.json": logs,
    "messages.json": messages,
    "oncall.json": oncall,
    "overview.json": overview,
    "runtime.json": runtime,
    "slo.json": slo,
    "telemetry.json": telemetry,
}


def boards() -> Mapping[str, str]:
    """Every board's file name and content."""
    return {name: _text(build()) for name, build in BOARDS.items()}


def stale() -> list[str]:
    """The files of `generated/` that are not what the code says: missing, changed by hand, or left over."""
    wanted = boards()
    found = {path.name: path.read_text() for path in GENERATED.glob("*.json")}
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def write() -> None:
    """Makes `generated/` what the code says."""
    GENERATED.mkdir(exist_ok=True)
    for path in GENERATED.glob("*.json"):
        path.unlink()
    for name, text in boards().items():
        (GENERATED / name).write_text(text)


def main(arguments: list[str]) -> int:
    """0, or 1 when `--check` finds a stale file."""
    if "--check" not in arguments:
        write()
        return 0
    for name in stale():
        print(f"grafana/generated/{name} is not what grafana/dashboards says; run: make docs", file=sys.stderr)
    return 1 if stale() else 0


def _text(board: object) -> str:
    return json.dumps(board, cls=JSONEncoder, sort_keys=True, indent=2) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
