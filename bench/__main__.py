"""`make bench`, or `python -m bench [ROW …] [--runs N] [--quick]`: measures and prints the rows of the budget table."""

import argparse
import importlib
import sys
import time

from bench import build, machine, table
from bench.figures import Finding
from bench.options import Options

ROWS = {
    "fanout": "fan-out to 1k and 10k, one message a frame, beside C, aiohttp, websockets and Node",
    "backlog": "messages per CPU-second under backlog, 16 a write",
    "compression": "fan-out of documents of a KiB, compressed against plain",
    "observability": "price of observability, on against off, in fan-out and unicast",
    "sampling": "price of traces: none, 0 %, 1 % and 100 % of the messages, in fan-out and unicast",
    "capacity": "what a core delivers by the size of the audience, and the loop's lag below that",
    "memory": "bytes per connection, by part",
    "connects": "connections per second with connect reply, beside aiohttp with one echo",
    "storm": "5,000 clients connect at once, beside aiohttp",
    "latency": "publish to receipt at 1,000 × 100/s",
    "heartbeats": "10,000 idle connections with 25 s heartbeats",
    "presence": "10,000 clients in five channels each with presence",
    "slow_reader": "5,000 clients, one of which reads 10 kbit a second: the others' latency, with it and without",
    "flood": "100 channels of two beside a flood of 10,000 subscribers",
    "looplag": "loop lag while saturated by a 10k fan-out",
    "scrape": "lines, time and longest step of a scrape",
    "start": "exec to first 200",
}


def main() -> int:
    """Measures the chosen rows, prints and saves them; exit 1 if a row could not be measured, red or not."""
    arguments = _parser().parse_args()
    options = Options(runs=arguments.runs, quick=arguments.quick)
    about = machine.description()
    print("\n".join(f"{key:10} {value}" for key, value in about.items()))
    found, broken = _measure(arguments.rows or list(ROWS), options)
    print("\n" + table.for_terminal(found))
    if arguments.quick:
        print("\n--quick: this shows that the bench works; the figures mean nothing")
    else:
        print(f"\nsaved as {table.save(build.ROOT / 'bench/results', about, found).relative_to(build.ROOT)} and .md")
    for name, why in broken.items():
        print(f"{name} could not be measured: {why}", file=sys.stderr)
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    rows = "\n".join(f"  {name:14} {what}" for name, what in ROWS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench", epilog=f"rows:\n{rows}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help="which rows (all if none is named)")
    parser.add_argument("--runs", type=int, default=5, help="clean runs of each comparison (5)")
    parser.add_argument("--quick", action="store_true", help="tiny runs, to see that the bench works")
    return parser


def _measure(names: list[str], options: Options) -> tuple[list[Finding], dict[str, str]]:
    found: list[Finding] = []
    broken: dict[str, str] = {}
    for name in names:
        start = time.monotonic()
        print(f"\n{name}: {ROWS[name]}", flush=True)
        try:
            findings = importlib.import_module(f"bench.rows.{name}").measure(options)
        except Exception as error:
            broken[name] = repr(error)
            continue
        print(table.for_terminal(findings) + f"\n({time.monotonic() - start:.0f} s)", flush=True)
        found += findings
    return found, broken


sys.exit(main())
