"""What the figures were measured on."""

import datetime as dt
import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path


def description() -> dict[str, str]:
    """Date, commit, processor, kernel and versions."""
    model = next((line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), "unknown")
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _said("git", "describe", "--always", "--dirty"),
        "processor": f"{os.cpu_count()} × {model}",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in ("aiohttp", "uvloop", "msgspec", "websockets")},
        "node": _said("node", "--version"),
        "load": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }


def _cpuinfo() -> list[str]:
    return Path("/proc/cpuinfo").read_text().splitlines()


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"
