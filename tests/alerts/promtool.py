"""Where promtool is: the stack's own build first, then whatever the machine has."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heliograph" / "stack"


def promtool(*arguments) -> subprocess.CompletedProcess:
    """Runs promtool and returns what it said; skips the test, with the reason, where there is none."""
    program = _program()
    if program is None:
        pytest.skip("no promtool here: run `make programs` (or put one on the PATH)")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=50, check=False)


def _program() -> str | None:
    built = sorted(CACHE.rglob("promtool"), key=lambda path: path.stat().st_mtime)
    return str(built[-1]) if built else shutil.which("promtool")
