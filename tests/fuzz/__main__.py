"""``python -m tests.fuzz``: coverage-guided fuzzing of everything that reads a stranger's bytes.

    python -m tests.fuzz --runs 1000000 --seed 7 --report build/fuzz.md
    python -m tests.fuzz --target framing --runs 50000 --grow

Inputs start from the corpus beside this file; ``--grow`` adds to it those that reach something new. The exit status is 0 when
no promise was broken; else the report names the exception, and the input stands in it as hex.
"""

import argparse
import datetime as dt
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.fuzz.targets import TARGETS, shares

CORPUS = Path(__file__).parent / "corpus"
ROOT = Path(__file__).parent.parent.parent
LIMITS = ["-max_len=256", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=1", "-reload=0"]


class Outcome(NamedTuple):
    target: str
    runs: int
    seconds: float
    coverage: int
    corpus: int
    fault: str  # "" when every promise held
    found_with: bytes


def fuzz(target: str, runs: int, seed: int, grow: bool = False, seconds: int = 0) -> Outcome:
    """Run ``target`` on ``runs`` inputs in a process of its own, and for so many seconds at most; 0: for ever."""
    with tempfile.TemporaryDirectory() as folder:
        fresh, kept = Path(folder, "fresh"), CORPUS / target
        fresh.mkdir()
        started = time.monotonic()
        bounds = f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}"
        done = _process(target, *bounds, f"-artifact_prefix={folder}/", fresh, kept)
        took = time.monotonic() - started
        if grow and not done.returncode:
            _merge(target, kept, fresh)
        return _outcome(target, done, took, Path(folder))


def _process(target: str, *options: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.fuzz.process", target, *LIMITS]
    command += [str(option) for option in options if not isinstance(option, Path) or option.is_dir()]
    path = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=path, capture_output=True, text=True, errors="replace", check=False)


def _merge(target: str, kept: Path, fresh: Path) -> None:
    """Keep the fewest inputs that reach all that is reached, under names that say what is in them."""
    with tempfile.TemporaryDirectory() as folder:
        _process(target, "-merge=1", Path(folder), kept, fresh).check_returncode()
        for old in kept.iterdir():
            old.unlink()
        for new in Path(folder).iterdir():
            (kept / new.name[:16]).write_bytes(new.read_bytes())


def _outcome(target: str, done: "subprocess.CompletedProcess[str]", seconds: float, folder: Path) -> Outcome:
    runs = _last(r"stat::number_of_executed_units:\s*(\d+)", done.stderr) or _last(r"^#(\d+)", done.stderr)
    fault, found_with = "", b""
    if done.returncode:
        found = [file for file in folder.iterdir() if file.is_file()]
        found_with = found[0].read_bytes() if found else b""
        fault = _told(done.stderr + done.stdout)
    return Outcome(
        target, runs, seconds, _last(r"cov: (\d+)", done.stderr), _last(r"corp: (\d+)", done.stderr), fault, found_with
    )


def _last(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


def _told(text: str) -> str:
    """The exception and its traceback, or the end of what libFuzzer says."""
    match = re.search(r"=== Uncaught Python exception: ===\n(.*?)\n\n", text + "\n\n", re.DOTALL)
    return match[1] if match else text[-3000:]


def report(outcomes: list[Outcome], seed: int) -> str:
    """The report as Markdown."""
    now = dt.datetime.now(dt.UTC)
    lines = [
        "# Fuzzing report",
        "",
        f"{now:%Y-%m-%d %H:%M} UTC, seed {seed}, Python {sys.version.split()[0]}, coverage-guided (atheris, libFuzzer).",
        "",
        "| target | inputs | seconds | a second | coverage edges | inputs that reach something new | promises broken |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in outcomes:
        rate = each.runs / each.seconds if each.seconds else 0
        broken = "**1**" if each.fault else "0"
        lines.append(
            f"| {each.target} | {each.runs} | {each.seconds:.0f} | {rate:.0f} | {each.coverage} | {each.corpus} | {broken} |"
        )
    lines += [
        "",
        f"Inputs in all: {sum(each.runs for each in outcomes)}; exceptions: {sum(bool(each.fault) for each in outcomes)}.",
        "",
    ]
    for each in outcomes:
        if each.fault:
            lines += [f"## {each.target}", "", f"Input: `{each.found_with.hex()}`", "", "```", each.fault, "```", ""]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1_000_000, help="inputs in all, shared by the targets (1000000)")
    parser.add_argument("--minutes", type=float, default=0, help="end then, whatever is left; 0: when all were run (0)")
    parser.add_argument("--seed", type=int, default=0, help="0: a new one each time (0)")
    parser.add_argument(
        "--report", type=Path, default=ROOT / "build" / "fuzz.md", help="where to write the report (build/fuzz.md)"
    )
    parser.add_argument("--target", choices=TARGETS, action="append", help="only this one (may be repeated)")
    parser.add_argument("--grow", action="store_true", help="keep inputs that reach something new in tests/fuzz/corpus")
    args = parser.parse_args()
    seed = args.seed or random.randrange(1, 2**31)
    targets = args.target or list(TARGETS)
    runs = shares(targets, args.runs)
    print(f"fuzzing {', '.join(f'{name} ({count})' for name, count in runs.items())} …", flush=True)
    with ThreadPoolExecutor(len(targets)) as side_by_side:  # each target is a process of its own
        outcomes = list(
            side_by_side.map(lambda name: fuzz(name, runs[name], seed, args.grow, round(args.minutes * 60)), targets)
        )
    text = report(outcomes, seed)
    print(text)
    args.report.parent.mkdir(parents=True, exist_ok=True)
    args.report.write_text(text)
    return 1 if any(each.fault for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
