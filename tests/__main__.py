"""``python -m tests [--quick] [pytest arguments]``: what ``make test`` runs, in the order that makes it short.

The observability stack's programs are built in the background (ten minutes the first time, nothing after) while the other
tests run; the tests of the stack come last. With ``--quick`` neither is done.
"""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
NOTHING_COLLECTED = 5


def say(text: str) -> None:
    print(f"== {time.strftime('%H:%M:%S')} {text}", flush=True)


def pytest(*arguments: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--durations=15", *arguments], cwd=ROOT, check=False
    ).returncode


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
        return pytest("-m", "not stack and not slow", *rest)
    say("building the observability stack's programs in the background (a look into the cache when they are there)")
    build = subprocess.Popen([sys.executable, "-m", "deploy.native.build"], cwd=ROOT)
    try:
        say("tests without the stack")
        first = pytest("-m", "not stack", *rest)
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
