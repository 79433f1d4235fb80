"""Publish to receipt: 1,000 subscribers, 100 messages a second, every delivery timed; ratios of interleaved slices."""

from functools import partial

from bench import peers
from bench.comparison import compare
from bench.figures import Finding, at_most, ratios
from bench.options import Options
from bench.processes import Slice, at_rate

HZ = 100.0
PAIRS = 10


def measure(options: Options) -> list[Finding]:
    starts = {name: start for name, start in peers.available().items() if name != peers.WEBSOCKETS}
    rounds = compare(
        starts,
        options.connections(1_000),
        lambda s, c: at_rate(s, c, HZ, options.seconds(2.0)),
        2,
        1 if options.quick else PAIRS // 2,
        strict=False,
    )
    found: list[Finding] = []
    for share in ("p50", "p99"):
        times = {name: rounds.of(name, partial(_ms, share=share)) for name in rounds.slices}
        found += [Finding("latency", f"{share} {name}", tuple(values), "ms") for name, values in times.items()]
        if times.get(peers.HELIOGRAPH):
            ratio = ratios(times[peers.HELIOGRAPH], times[peers.C])
            found.append(Finding("latency", f"{share} heliograph / {peers.C}", ratio, "×", at_most(1.25)))
    return found


def _ms(one: Slice, share: str) -> float:
    return float(one.counted[share]) / 1e6
