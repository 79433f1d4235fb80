"""What docs/shown.md names exists: each test, by its file and name, and each command."""

import ast
import functools
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "shown.md").read_text()
NAMED = re.findall(r"`([\w/.]+\.py)::(\w+)`", PAGE)


@functools.cache
def functions(path):
    """Names of the test functions of a file, from its source."""
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_what_the_page_names_exists():
    assert len(NAMED) > 100
    assert not [f"{path}::{name}" for path, name in NAMED if name not in functions(path)]


def test_nothing_is_named_in_another_form():
    """A path and a name that the pattern misses would never be looked for."""
    assert PAGE.count("::") == len(NAMED) + PAGE.count("PATH::NAME")
    assert all(name.startswith("test_") for _, name in NAMED)


def test_the_commands_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {command for command in re.findall(r"`make ([a-z-]+)", PAGE)} <= targets


def test_it_stays_compact():
    assert PAGE.count("\n") < 400
