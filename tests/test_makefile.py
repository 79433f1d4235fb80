"""What the two commands do, and that no test is left out without a reason."""

import ast
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = [*(ROOT / "tests").rglob("*.py")]


def planned(target):
    """The commands of a target, not run; a make above this one (`make test`) has no say in how they print."""
    if shutil.which("make") is None:
        pytest.skip("no make here: apt-get install make")
    own = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    words = ["make", "-n", "--no-print-directory", target]
    return subprocess.run(words, cwd=ROOT, env=own, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("target", ["test", "test-quick"])
def test_tests_begin_with_their_set_up_and_the_checks(target):
    words = planned(target)
    order = [
        "environment.sh dev",
        "test-machine.sh",
        "ruff format --check",
        "ruff check",
        "mypy --strict",
        "lint-imports",
    ]
    order += ["docs.build --check", "grafana.build --check", "observability.happenings --check", "-m tests"]
    places = [words.find(word) for word in order]
    assert -1 not in places, dict(zip(order, places, strict=True))
    assert places == sorted(places)
    assert "-m bench" not in words


def test_run_needs_the_locked_environment_and_no_file():
    words = planned("run")
    assert "environment.sh run" in words
    assert words.rstrip().endswith("-m service serve")
    assert "--require-hashes" in (ROOT / "deploy" / "environment.sh").read_text()


def test_continuous_integration_runs_the_same():
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec make test")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_a_lock_names_every_package_with_its_hash_and_no_place(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    entries = [line for line in text.splitlines() if line and not line.startswith((" ", "#", "-"))]
    assert entries
    assert not [line for line in entries if "==" not in line]
    assert text.count("--hash=sha256:") >= len(entries)
    assert "://" not in text


def skips(tree):
    """(line, arguments, keywords) of each call and mark that leaves a test out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            if called in {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.importorskip"}:
                yield node.lineno, called, node


def test_what_is_left_out_says_why():
    mute = []
    for file in FILES:
        if "node_modules" in file.parts:
            continue
        for line, called, node in skips(ast.parse(file.read_text())):
            reason = {keyword.arg for keyword in node.keywords} & {"reason"} or (called == "pytest.skip" and node.args)
            if not reason:
                mute.append(f"{file.relative_to(ROOT)}:{line}")
    assert not mute
    assert "-ra" in (ROOT / "pyproject.toml").read_text(), "pytest prints the reasons"
