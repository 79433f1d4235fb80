"""A channel of 10,000 is flooded at 80 % of what the node can: publish to receipt in 100 channels of two beside it."""

import time

from bench import peers
from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client, Server

CONNECTIONS = 10_000
SMALL = 100
HZ = 200.0
SHARE = 0.8


def measure(options: Options) -> list[Finding]:
    p99s: list[float] = []
    alone: list[float] = []
    rates: list[float] = []
    for _ in range(options.rounds()):
        with (
            peers.heliograph() as server,
            Client(server.port) as crowd,
            Client(server.port) as a,
            Client(server.port) as b,
        ):
            crowd.open(options.connections(CONNECTIONS), "subscribe")
            for priority, small in enumerate((a, b), 20):
                small.open(SMALL, "subscribe", "small-%d")
                small.hurry(priority)  # who publishes is awake most of the time, hence behind the other one
            alone.append(_p99(a, b, options))
            capacity = _capacity(server, crowd, options)
            rates.append(SHARE * capacity)
            seconds = options.seconds(2.0)
            crowd.begin(polling=False)
            server.tell(f"rate {SHARE * capacity} {seconds + 0.8}")
            time.sleep(0.4)
            p99s.append(_p99(a, b, options))
            server.answer()
            crowd.end()
    note = f"{SMALL} channels of two, {HZ:.0f} messages a second"
    return [
        Finding("flood", "p99 of small channels, alone", tuple(alone), "ms", note=note),
        Finding("flood", "p99 of small channels beside the flood", tuple(p99s), "ms", at_most(5.0)),
        Finding("flood", f"the flood, {SHARE:.0%} of capacity", tuple(rates), "msg/s", note=f"to {CONNECTIONS}"),
    ]


def _capacity(server: Server, crowd: Client, options: Options) -> float:
    """Messages a second that the fan-out can do, one after the other."""
    crowd.begin()
    began = time.monotonic()
    published = int(server.ask(f"saturate 1 {options.seconds(1.5)}").split()[1])
    capacity = published / (time.monotonic() - began)
    crowd.end(published * crowd.opened)
    return capacity


def _p99(a: Client, b: Client, options: Options) -> float:
    """Milliseconds; the worse of the two clients, which share the channels and of which one publishes."""
    a.begin(polling=False)
    b.begin(polling=False)
    published = int(a.ask(f"publish {HZ} {options.seconds(2.0)}").split()[1])
    return max(float(client.end(published)["p99"]) for client in (a, b)) / 1e6
