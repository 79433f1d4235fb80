"""One scrape under load, by HTTP: lines, time of the loop, longest step between two returns to it."""

from bench import peers
from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client, Server, saturate


def measure(options: Options) -> list[Finding]:
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(options.connections(1_000), "subscribe")
        saturate(server, client, 1, options.seconds(1.0))  # every family has samples, exemplars too
        found = _findings("1k, 1 namespace", server, options)
    namespaces = options.connections(200)
    with peers.heliograph(namespaces=namespaces) as server, Client(server.port) as client:
        for number in range(namespaces):
            client.open(options.connections(10_000) // namespaces, "subscribe", f"n{number:03}:room")
        server.ask("everywhere 5")
        return [*found, *_findings(f"10k, {namespaces} namespaces", server, options)]


def _findings(what: str, server: Server, options: Options) -> list[Finding]:
    lines, totals, steps, cpu_totals, cpu = zip(
        *(map(float, server.ask("scrape").split()[1:]) for _ in range(options.rounds(20))), strict=True
    )
    return [
        Finding("scrape", f"lines, {what}", lines, "", at_most(1_499)),
        Finding("scrape", f"time of the loop, {what}", totals, "ms", at_most(12.0)),
        Finding(
            "scrape",
            f"longest step, {what}",
            steps,
            "ms",
            at_most(2.0),
            median_of=max(steps),
            note="the maximum counts",
        ),
        Finding("scrape", f"time of the loop, {what}", cpu_totals, "ms of CPU", note="without what others took"),
        Finding(
            "scrape", f"longest step, {what}", cpu, "ms of CPU", median_of=max(cpu), note="without what others took"
        ),
    ]
