"""Fan-out of documents, compressed once for all, against the plain one; and what it costs a connection."""

from bench import peers
from bench.comparison import compare
from bench.figures import Finding, at_least, at_most, ratios
from bench.options import Options
from bench.processes import Client, saturate

PLAIN, COMPRESSED = f"{peers.HELIOGRAPH} plain", f"{peers.HELIOGRAPH} compressed"
CONNECTIONS = 5_000
WARM = 500


def measure(options: Options) -> list[Finding]:
    found: list[Finding] = []
    for connections in (1_000, 10_000):
        rounds = compare(
            {PLAIN: peers.documents, COMPRESSED: peers.documents},
            options.connections(connections),
            lambda s, c: saturate(s, c, 1, options.seconds(1.2)),
            options.rounds(),
            strict=not options.quick,
            offering=(COMPRESSED,),
        )
        row = f"compression {connections // 1000}k"
        for name, slices in rounds.slices.items():
            counted = slices[-1].counted
            note = f"{counted['bytes'] / max(1, counted['messages']):.0f} B a message"
            found.append(Finding(row, name, tuple(rounds.per_cpu_second(name)), "msg/CPU-s", note=note))
        ratio = ratios(rounds.per_cpu_second(COMPRESSED), rounds.per_cpu_second(PLAIN))
        found.append(Finding(row, "compressed / plain", ratio, "×", at_least(0.92), f"{rounds.unclean} unclean"))
    more = tuple(_memory(options, offers=True) - _memory(options, offers=False) for _ in range(options.rounds()))
    found.append(Finding("compression", "more memory a connection", more, "KiB", at_most(1.0)))
    return found


def _memory(options: Options, *, offers: bool) -> float:
    count = options.connections(CONNECTIONS)
    with peers.documents() as server, Client(server.port, offers_compression=offers) as client:
        client.open(min(WARM, count), "subscribe")
        before = server.rss()
        client.open(count, "subscribe")
        return (server.rss() - before) / count / 1024
