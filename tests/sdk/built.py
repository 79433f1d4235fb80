"""Programs around SDKs of compiled languages, built once into a cache that is named by their sources' hash.

The toolchains' own caches are never the user's: what they fetch and compile stays in a folder beside the programs, so that
the second program takes seconds.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.npm_packages import Unavailable

HERE = Path(__file__).parent
LONGEST = 600  # seconds for a build, with all that it fetches


def go_driver() -> list[str]:
    """The command that runs the Go SDK.

    Raises:
        Unavailable: there is no Go, or its modules cannot be had.

    """
    return go_program((HERE / "go" / "main.go").read_text())


def go_program(main: str) -> list[str]:
    """The command that runs a program of one file, with the SDK.

    Raises:
        Unavailable: there is no Go, or its modules cannot be had.

    """
    files = {name: (HERE / "go" / name).read_text() for name in ("go.mod", "go.sum")}
    return [str(_built("go", {**files, "main.go": main}, ["go"], _build_go) / "program")]


def java_driver() -> list[str]:
    """The command that runs the Java SDK.

    Raises:
        Unavailable: there is no Java or Maven, or the packages cannot be had.

    """
    return java_program("Driver", (HERE / "java" / "Driver.java").read_text())


def java_program(name: str, text: str) -> list[str]:
    """The command that runs a class, with the SDK.

    Raises:
        Unavailable: there is no Java or Maven, or the packages cannot be had.

    """
    files = {"pom.xml": (HERE / "java" / "pom.xml").read_text(), f"src/main/java/{name}.java": text}
    place = _built("java", files, ["java", "javac", "mvn"], _build_java)
    return [
        "java",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        f"{place / 'classes'}:{place / 'jars'}/*",
        name,
    ]


Build = Callable[[Path, Path, Path], None]  # (sources, where to, what toolchains keep)


def _built(kind: str, files: Mapping[str, str], programs: list[str], build: Build) -> Path:
    """The folder with what was built of these files."""
    if missing := [program for program in programs if not shutil.which(program)]:
        raise Unavailable(f"{', '.join(missing)} not found")
    digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "heliograph" / "sdk"
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{kind}-{digest}"
    with (cache / f"{kind}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs may start at once
        if not target.exists():
            _in_a_workshop(files, cache, target, build)
    return target


def _in_a_workshop(files: Mapping[str, str], cache: Path, target: Path, build: Build) -> None:
    workshop = Path(tempfile.mkdtemp(prefix="workshop-", dir=cache))
    try:
        inside, made = workshop / "source", workshop / "made"
        for name, text in files.items():
            (inside / name).parent.mkdir(parents=True, exist_ok=True)
            (inside / name).write_text(text)
        made.mkdir()
        build(inside, made, cache / "kept")
        made.rename(target)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _build_go(source: Path, made: Path, kept: Path) -> None:
    caches = {"GOMODCACHE": str(kept / "modules"), "GOCACHE": str(kept / "objects")}
    flags = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false -mod=readonly"}
    _run(["go", "build", "-o", str(made / "program"), "."], source, **caches, **flags)


def _build_java(source: Path, made: Path, kept: Path) -> None:
    copied = ["dependency:copy-dependencies", f"-DoutputDirectory={made / 'jars'}", "-DincludeScope=runtime"]
    _run(["mvn", "-B", "-q", f"-Dmaven.repo.local={kept / 'packages'}", "compile", *copied], source)
    shutil.move(source / "target" / "classes", made / "classes")


def _run(command: list[str], folder: Path, **environment: str) -> None:
    try:
        done = subprocess.run(
            ["nice", *command], cwd=folder, env={**os.environ, **environment},
            capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{command[0]} was not ready after {LONGEST} s") from None
    if done.returncode:
        raise Unavailable(f"{command[0]} cannot build it: {(done.stdout + done.stderr).strip()[-400:]}")
