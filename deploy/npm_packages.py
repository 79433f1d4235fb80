"""Installs the npm packages of a folder into a cache named by its lock's hash, once.

`python -m deploy.npm_packages [FOLDER]` prints the node_modules folder, or says on stderr why there is none;
without FOLDER those of the client SDKs that the tests and benchmarks run.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SDKS = Path(__file__).resolve().parent.parent / "tests" / "sdk"
FILES = ("package.json", "package-lock.json", ".npmrc")


class Unavailable(Exception):  # noqa: N818 - says what is so
    """Why the packages cannot be had here, in a sentence for the person who reads the skipped test."""


def node_modules(folder: Path = SDKS) -> Path:
    """The node_modules folder with the locked packages of `folder`.

    Raises:
        Unavailable: Node.js or its packages cannot be had here.

    """
    if missing := [program for program in ("node", "npm") if not shutil.which(program)]:
        raise Unavailable(f"{' and '.join(missing)} not found; install Node.js to run this")
    digest = hashlib.sha256(b"".join((folder / name).read_bytes() for name in FILES)).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "heliograph" / "npm"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / digest
    with (cache / f"{digest}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start at once
        if not target.exists():
            _install(folder, target)
    return target / "node_modules"


def _install(folder: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        fresh = Path(name) / "packages"
        fresh.mkdir()
        for file in FILES:
            shutil.copy(folder / file, fresh / file)
        done = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=fresh, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"npm ci failed: {done.stderr.strip()[-400:]}")
        fresh.rename(target)


if __name__ == "__main__":
    try:
        print(node_modules(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else SDKS))
    except Unavailable as why:
        sys.exit(str(why))
