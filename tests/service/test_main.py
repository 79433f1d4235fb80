import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_package_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "service", "--help"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "check-config" in done.stdout
    assert "Usage: heliograph [OPTIONS]" in done.stdout, "as it is typed"
