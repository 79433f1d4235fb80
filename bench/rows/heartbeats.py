"""Ten thousand idle connections with 25 s heartbeats: CPU of the server, then the lag of its loop."""

import time

from bench import peers
from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client

CONNECTIONS = 10_000
INTERVAL = 25.0


def measure(options: Options) -> list[Finding]:
    window = options.seconds(2 * INTERVAL)
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(options.connections(CONNECTIONS), "connect")
        time.sleep(options.seconds(INTERVAL + 1))  # the first pings come half an interval late or more
        client.begin(polling=False)
        before = server.cpu()
        time.sleep(window)
        share = 100 * (server.cpu() - before) / window
        pings = client.end()["pongs"]
        lag = server.ask(f"lag {options.seconds(INTERVAL)} 0.01").split()
    high, most = float(lag[2]), float(lag[3])
    note = f"{pings} pings in {window:.0f} s"
    return [
        Finding("heartbeats", "CPU of a core", (share,), "%", at_most(1.0), note),
        Finding("heartbeats", "loop lag p99.9", (high,), "ms", at_most(10.0), f"maximum {most:.1f} ms"),
    ]
