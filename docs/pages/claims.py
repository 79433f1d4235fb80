"""The page of which test shows which declared name: the marks ``shows`` as they stand in the tests' source."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from docs.pages.markdown import code, page, table
from observability import names, span_names

ROOT = Path(__file__).parents[2]


def claims() -> str:
    """The generated document."""
    found = by_name()
    parts = []
    for title, declared in (("Metrics", names.METRICS), ("Spans", span_names.SPANS), ("Log events", names.EVENTS)):
        rows = [[code(name), "<br>".join(code(test) for test in found[name])] for name in declared]
        parts += [f"## {title}", table(["name", "shown by"], rows)]
    return page(
        "Which test shows which name",
        "the marks `shows` of the tests",
        "Each test named here lets the product run and fails unless the metric leaves zero, the span ends, or the line "
        "is written.",
        *parts,
    )


def by_name() -> dict[str, list[str]]:
    """Name → the tests that claim to show it."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted((ROOT / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for name in _claimed(node):
                    found[name].append(f"{file.relative_to(ROOT)}::{node.name}")
    return found


def _claimed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    takes = {argument.arg for argument in function.args.args}
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.shows":
            assert "telemetry" in takes, f"{function.name} claims names without the fixture telemetry"
            for argument in decorator.args:
                assert isinstance(argument, ast.Constant), f"{function.name}: claims are written out"
                yield str(argument.value)
