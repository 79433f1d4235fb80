"""Messages under backlog, sixteen a write, beside C with sixteen frames a send()."""

from bench import peers
from bench.comparison import compare
from bench.figures import Finding, at_least
from bench.options import Options
from bench.processes import saturate
from bench.rows import fanout

BATCH = 16


def measure(options: Options) -> list[Finding]:
    starts = {peers.HELIOGRAPH: peers.heliograph, peers.C: peers.c_send}
    found: list[Finding] = []
    for connections in (1_000, 10_000):
        count = options.connections(connections)
        rounds = compare(
            starts,
            count,
            lambda s, c: saturate(s, c, BATCH, options.seconds(1.2)),
            options.rounds(),
            strict=not options.quick,
        )
        found += fanout.findings(f"backlog {connections // 1000}k", rounds, {peers.C: at_least(0.6)})
    return found
