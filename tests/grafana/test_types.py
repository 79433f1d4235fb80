"""The boards against Grafana's published schema (`@grafana/schema`, with the TypeScript compiler).

Grafana itself cannot be started here; this is the nearest judge: option names, enums and nesting of every panel.
"""

import copy
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.npm_packages import Unavailable, node_modules
from grafana.questions import boards

TYPES = Path(__file__).parent / "typecheck"
STRICT = "--noEmit --strict --skipLibCheck --module esnext --moduleResolution bundler --target es2022".split()


def judged(tmp_path, named_boards):
    """What the compiler objects to, by board."""
    try:
        packages = node_modules(TYPES)
    except Unavailable as why:
        pytest.skip(str(why))
    (tmp_path / "node_modules").symlink_to(packages)
    shutil.copy(TYPES / "board.ts", tmp_path)
    for name, board in named_boards.items():
        source = f"import type {{ Board }} from './board';\nexport const board: Board = {json.dumps(board)};\n"
        (tmp_path / f"{name}.ts").write_text(source)
    compiler = packages / "typescript" / "bin" / "tsc"
    said = subprocess.run(
        ["node", compiler, *STRICT, *(f"{name}.ts" for name in named_boards)], cwd=tmp_path,
        capture_output=True, text=True, timeout=55, check=False,
    )  # fmt: skip
    objections = re.findall(r"^(\S+)\.ts\(.*", said.stdout, re.MULTILINE)
    assert bool(objections) == bool(said.returncode), said.stdout + said.stderr
    return {name: [line for line in said.stdout.splitlines() if line.startswith(f"{name}.ts")] for name in named_boards}


def test_the_boards_are_what_grafana_s_schema_says(tmp_path):
    assert {name: found for name, found in judged(tmp_path, boards()).items() if found} == {}


def panel(board, kind):
    return next(panel for panel in board["panels"] if panel["type"] == kind)


BREAKAGES = {
    "misspelt_option": lambda board: panel(board, "timeseries")["options"].update(legned={}),
    "unknown_value": lambda board: panel(board, "timeseries")["options"]["legend"].update(displayMode="lists"),
    "misspelt_custom_field": lambda board: panel(board, "timeseries")["fieldConfig"]["defaults"]["custom"].update(
        linewidth=1
    ),
    "text_for_a_number": lambda board: panel(board, "heatmap")["gridPos"].update(h="8"),
    "unknown_panel": lambda board: panel(board, "stat").update(type="graph"),
    "loki_query_in_a_number": lambda board: panel(board, "stat").update(targets=panel(board, "logs")["targets"]),
    "fixed_data_source": lambda board: panel(board, "logs")["datasource"].update(uid="loki"),
    "editable": lambda board: board.update(editable=True),
    "no_place": lambda board: panel(board, "logs").pop("gridPos"),
    "unknown_variable": lambda board: board["templating"]["list"][0].update(type="datasources"),
    "annotation_without_query": lambda board: board["annotations"]["list"][0].pop("target"),
    "misspelt_board_key": lambda board: board.update(graphToolTip=1),
}


@pytest.mark.slow
def test_the_compiler_sees_each_kind_of_mistake(tmp_path):
    broken = {name: copy.deepcopy(boards()["connections"]) for name in BREAKAGES}
    for name, board in broken.items():
        BREAKAGES[name](board)
    objections = judged(tmp_path, broken)
    assert [name for name in BREAKAGES if not objections[name]] == []


def test_the_lock_names_no_registry():
    """A clone installs from the registry that its own npm is configured for."""
    assert "resolved" not in (TYPES / "package-lock.json").read_text()
    assert "omit-lockfile-registry-resolved=true" in (TYPES / ".npmrc").read_text()
