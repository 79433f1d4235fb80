"""promtool: the stack's own build first, then whatever the machine has."""

import shutil
import subprocess

import pytest

from deploy.native import programs


def promtool(*arguments) -> subprocess.CompletedProcess:
    """Runs promtool and returns what it said; skips the test, with the reason, where there is none."""
    program = programs.find("promtool") or shutil.which("promtool")
    if program is None:
        pytest.skip("no promtool here: run `make programs` (or put one on the PATH)")
    return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, timeout=180, check=False)
