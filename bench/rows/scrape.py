"""One scrape under load: lines, time of the loop, longest step between two returns to it."""

from bench import peers
from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client, saturate


def measure(options: Options) -> list[Finding]:
    lines, totals, steps = [], [], []
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(options.connections(1_000), "subscribe")
        saturate(server, client, 1, options.seconds(1.0))  # every family has samples, exemplars too
        for _ in range(options.rounds(20)):
            _, count, total, step = server.ask("scrape").split()
            lines.append(float(count))
            totals.append(float(total))
            steps.append(float(step))
    return [
        Finding("scrape", "lines", tuple(lines), "", at_most(1_499)),
        Finding("scrape", "time of the loop", tuple(totals), "ms", at_most(12.0)),
        Finding(
            "scrape", "longest step", tuple(steps), "ms", at_most(2.0), median_of=max(steps), note="the maximum counts"
        ),
    ]
