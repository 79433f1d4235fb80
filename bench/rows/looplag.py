"""Lag of the server's loop while a fan-out to 10,000 saturates it, watched by a timer of 1 ms."""

from bench import peers
from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client

CONNECTIONS = 10_000


def measure(options: Options) -> list[Finding]:
    runs = [_lag(options) for _ in range(options.rounds())]
    most = max(run[1] for run in runs)
    return [
        Finding(
            "loop lag", "p99, saturated", tuple(run[0] for run in runs), "ms", at_most(2.0), f"maximum {most:.1f} ms"
        )
    ]


def _lag(options: Options) -> tuple[float, float]:
    seconds = options.seconds(2.0)
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(options.connections(CONNECTIONS), "subscribe")
        client.begin()
        server.tell(f"saturate 1 {seconds}")
        server.tell(f"lag {seconds * 0.9} 0.001")
        answers = [server.answer(), server.answer()]
        client.end()
    lag = next(answer.split()[1:] for answer in answers if answer.startswith("lag"))
    return float(lag[0]), float(lag[2])
