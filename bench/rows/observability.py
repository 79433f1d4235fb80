"""What seeing costs: one server with null observers, one with all, in turn; CPU seconds a message, on by off."""

import contextlib
import random
from collections.abc import Callable

from bench import peers
from bench.figures import Finding, at_most, mean_with_interval
from bench.options import Options
from bench.processes import Client, Server, saturate

PAIRS = 4
"""Processes differ a little by where their memory lies: four pairs, not one."""
SLICES = 6
"""Of each pair; the product is the number of interleaved slices."""

Cost = Callable[[Server, Client], float]


def measure(options: Options) -> list[Finding]:
    def fan_out(server: Server, client: Client) -> float:
        return 1 / saturate(server, client, 1, options.seconds(1.0)).per_cpu_second

    def unicast(server: Server, client: Client) -> float:
        client.begin()
        before = server.cpu()
        client.ask(f"publish 5000 {options.seconds(2.0)}")
        cpu = server.cpu() - before
        return float(cpu / max(1, client.end()["messages"]))

    found = []
    for what, connections, channel, cost, limit in (
        ("fan-out 1k", 1_000, "bench", fan_out, 4.0),
        ("fan-out 10k", 10_000, "bench", fan_out, 4.0),
        ("unicast 5k/s", 10, "own-%d", unicast, 5.0),
    ):
        prices = _prices(cost, options.connections(connections), channel, options)
        mean, low, high = mean_with_interval(prices)
        note = f"95 % interval {low:+.1f} … {high:+.1f} %"
        found.append(Finding("observability", what, tuple(prices), "%", at_most(limit), note, median_of=mean))
    return found


def _prices(cost: Cost, connections: int, channel: str, options: Options) -> list[float]:
    prices: list[float] = []
    for _ in range(1 if options.quick else PAIRS):
        with contextlib.ExitStack() as stack:
            pair = {}
            for seeing in random.sample((True, False), 2):
                server = stack.enter_context(peers.heliograph(seeing=seeing))
                client = stack.enter_context(Client(server.port))
                client.open(connections, "subscribe", channel)
                cost(server, client)  # warms up
                pair[seeing] = (server, client)
            for _ in range(2 if options.quick else SLICES):
                spent = {seeing: cost(*pair[seeing]) for seeing in random.sample((True, False), 2)}
                prices.append(100 * (spent[True] / spent[False] - 1))
    return prices
