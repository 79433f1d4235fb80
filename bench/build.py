"""Compiles the load client and the C baseline into build/bench/ when their sources are newer."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "bench"
SOURCES = {"client": ROOT / "bench/c/client.c", "send": ROOT / "bench/baselines/send.c"}


def built(name: str) -> Path:
    """The path of the program `name` ("client", "send"), compiled if need be; raises CalledProcessError."""
    target, source = OUT / name, SOURCES[name]
    newest = max(p.stat().st_mtime for p in [source, *(ROOT / "bench/c").glob("*.h")])
    if not target.exists() or target.stat().st_mtime < newest:
        OUT.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cc", "-O2", "-Wall", "-Wno-unused-function", "-o", str(target), str(source)], check=True)
    return target
