"""``python -m tests [--quick] [pytest arguments]``: what ``make test`` runs, in the order that makes it short.

The observability stack's programs are built in the background (ten minutes the first time, nothing after) while the other
tests run; the tests of the stack come last. With ``--quick`` neither is done. Tests that mostly wait for servers, clients
and browsers run beside those that mostly compute; what they print comes after.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
WAITING = ("tests/e2e", "tests/sdk", "tests/browser", "tests/transcripts")
NOTHING_COLLECTED = 5


def say(text: str) -> None:
    print(f"== {time.strftime('%H:%M:%S')} {text}", flush=True)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", "--durations=15", *arguments]


def pytest(*arguments: str) -> int:
    return subprocess.run(command(*arguments), cwd=ROOT, check=False).returncode


def in_two_halves(marks: str, rest: list[str]) -> int:
    """All but the stack's; with arguments of the caller's in one go, since they may name files."""
    if rest:
        return pytest("-m", marks, *rest)
    with tempfile.TemporaryFile() as printed:
        say(f"beside the others, printed after them: {' '.join(WAITING)}")
        words = command("-m", marks, "-o", "cache_dir=.pytest_cache/waiting", *WAITING)
        with subprocess.Popen(words, cwd=ROOT, stdout=printed, stderr=subprocess.STDOUT) as waiting:
            try:
                first = pytest("-m", marks, "tests", *(f"--ignore={folder}" for folder in WAITING))
                second = waiting.wait()
            finally:
                if waiting.poll() is None:
                    waiting.terminate()
        say(" ".join(WAITING))
        printed.seek(0)
        sys.stdout.write(printed.read().decode("utf-8", "replace"))
        sys.stdout.flush()
    return first or second


def timed(arguments: list[str]) -> int:
    """`main`, and how long it took beside what is promised."""
    began = time.monotonic()
    code = main(arguments)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    promised = "3 minutes" if "--quick" in arguments else "15 minutes with the stack's programs built, 60 from nothing"
    say(f"took {minutes}:{seconds:02}; promised on two cores: {promised}")
    return code


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    rest = [a for a in arguments if a != "--quick"]
    if quick:
        say("tests without the observability stack")
        return in_two_halves("not stack and not slow", rest)
    say("building the observability stack's programs in the background (a look into the cache when they are there)")
    build = subprocess.Popen([sys.executable, "-m", "deploy.native.build"], cwd=ROOT)
    try:
        say("tests without the stack")
        first = in_two_halves("not stack", rest)
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
