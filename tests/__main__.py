"""``python -m tests [--quick] [pytest arguments]``: what ``make test`` runs, in the order that makes it short.

The observability stack's programs are built in the background (ten minutes the first time, nothing after) while the other
tests run; the tests of the stack come last. With ``--quick`` neither is done. Tests that mostly wait for servers, clients
and browsers run beside those that mostly compute; what they print comes after.
"""

import contextlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: What runs beside the rest, a process each. Without the slow ones there is room for more of them on two cores.
BESIDE = (("tests/e2e", "tests/sdk", "tests/browser", "tests/transcripts"),)
BESIDE_QUICK = (
    ("tests/e2e", "tests/browser"),
    ("tests/sdk", "tests/transcripts", "tests/service/lab"),
    ("tests/service", "--ignore=tests/service/lab"),
    ("tests/alerts", "tests/faults"),
)
NOTHING_COLLECTED = 5


def say(text: str) -> None:
    print(f"== {time.strftime('%H:%M:%S')} {text}", flush=True)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "--durations=15", *arguments]


def pytest(*arguments: str) -> int:
    return subprocess.run(command(*arguments), cwd=ROOT, check=False).returncode


class Beside:
    """A part of the tests in a process of its own, whose words are kept until it is their turn."""

    def __init__(self, marks: str, folders: tuple[str, ...]) -> None:
        self.folders = folders
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115, closed in __exit__
        cache = f"cache_dir=.pytest_cache/{Path(folders[0]).name}"
        words = command("-m", marks, "-o", cache, *folders)
        self._process = subprocess.Popen(words, cwd=ROOT, stdout=self._printed, stderr=subprocess.STDOUT)

    def __enter__(self) -> "Beside":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._printed.close()

    def result(self) -> int:
        """Waits for it, prints what it printed and returns its exit code."""
        code = self._process.wait()
        say(" ".join(self.folders))
        self._printed.seek(0)
        sys.stdout.write(self._printed.read().decode("utf-8", "replace"))
        sys.stdout.flush()
        return code


def in_parts(marks: str, parts: tuple[tuple[str, ...], ...], rest: list[str]) -> int:
    """All but the stack's; with arguments of the caller's in one go, since they may name files."""
    if rest:
        return pytest("-m", marks, *rest)
    with contextlib.ExitStack() as stack:
        others = [stack.enter_context(Beside(marks, folders)) for folders in parts]
        for part in others:
            say(f"beside the others, printed after them: {' '.join(part.folders)}")
        first = pytest("-m", marks, "tests", *(f"--ignore={each}" for part in parts for each in part if each[0] != "-"))
        codes = [first, *(part.result() for part in others)]
        return next((code for code in codes if code), 0)


def timed(arguments: list[str]) -> int:
    """`main`, and how long it took beside what is promised."""
    began = time.monotonic()
    code = main(arguments)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    promised = "3 minutes" if "--quick" in arguments else "25 minutes with the stack's programs built, 60 from nothing"
    say(f"took {minutes}:{seconds:02}; promised on two cores: {promised}")
    return code


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    rest = [a for a in arguments if a != "--quick"]
    if quick:
        say("tests without the observability stack")
        return in_parts("not stack and not slow", BESIDE_QUICK, rest)
    say("building the observability stack's programs in the background (a look into the cache when they are there)")
    build = subprocess.Popen([sys.executable, "-m", "deploy.native.build"], cwd=ROOT)
    try:
        say("tests without the stack")
        first = in_parts("not stack", BESIDE, rest)
        if build.poll() is None:
            say("waiting for the stack's programs")
        build.wait()
    finally:
        if build.poll() is None:
            build.terminate()
    if build.returncode:
        say("the stack's programs could not be built: its tests say why they are skipped")
    say("tests of the stack")
    second = pytest("-m", "stack", *rest)
    if second == NOTHING_COLLECTED:
        say("no test of the stack was collected")
    return first or second


if __name__ == "__main__":
    sys.exit(timed(sys.argv[1:]))
