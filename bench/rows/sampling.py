"""What traces cost: four servers in turn, without an endpoint and with 0 %, 1 % and 100 % of the messages traced."""

import contextlib
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench import envelope, peers
from bench.figures import Finding, mean_with_interval
from bench.options import Options
from bench.processes import Client, Server, saturate

PAIRS = 2
"""Processes differ a little by where their memory lies."""
SLICES = 5
LEAVE = 1.5
"""Seconds until the last batch of spans has left."""
UNICAST_HZ = 1_000
"""What a server can do with every message traced; four spans each."""
OVERRUN_HZ = 4_000
_NO_CEILING = {"traces_per_second": "1000000", "late_traces_per_second": "0"}
#: To one receiver the factor is the share. To a thousand it is a hundredth by itself, and all of a listed channel.
UNICAST = {
    "none": {},
    "0 %": {"sampling_factor": "0", **_NO_CEILING},
    "1 %": {"sampling_factor": "0.01", **_NO_CEILING},
    "100 %": {"sampling_factor": "1", **_NO_CEILING},
}
FANOUT = {
    "none": {},
    "0 %": {"sampling_factor": "0", **_NO_CEILING},
    "1 %": {"sampling_factor": "1", **_NO_CEILING},
    "100 %": {"traced_channels": envelope.CHANNEL, **_NO_CEILING},
}
Cost = Callable[[Server, Client], float]


@dataclass
class Seen:
    """Of one kind of server: CPU seconds a message, slice by slice; what became of the spans of all slices."""

    costs: list[float] = field(default_factory=list)
    seconds: float = 0.0
    exported: float = 0.0
    dropped: float = 0.0

    def count(self, server: Server, sign: int) -> None:
        words = server.ask("count heliograph_spans_exported_total heliograph_spans_dropped_total").split()
        self.exported += sign * float(words[1])
        self.dropped += sign * float(words[2])


def measure(options: Options) -> list[Finding]:
    def fan_out(server: Server, client: Client) -> float:
        return client.opened / saturate(server, client, 1, options.seconds(1.0)).per_cpu_second

    def unicast(server: Server, client: Client) -> float:
        client.begin(polling=False)
        before = server.cpu()
        published = int(client.ask(f"publish {UNICAST_HZ} {options.seconds(1.2)}").split()[1])
        client.end(published)
        return (server.cpu() - before) / published

    found = []
    for what, connections, channel, cost, cases in (
        (f"unicast {UNICAST_HZ}/s", 10, "own-%d", unicast, UNICAST),
        ("fan-out 1k", 1_000, envelope.CHANNEL, fan_out, FANOUT),
    ):
        seen = {name: Seen() for name in cases}
        for _ in range(1 if options.quick else PAIRS):
            _round(what, seen, cases, options.connections(connections), channel, cost, options)
        found += _findings(what, seen)
    return [*found, _overrun(options)]


def _overrun(options: Options) -> Finding:
    """More spans than the exporter can send: those beyond are dropped, and messages go on."""
    seconds = options.seconds(2.0)
    with peers.sampling(**UNICAST["100 %"]) as server, Client(server.port) as client:
        client.open(100, "subscribe", "own-%d")
        server.hurry(10)
        client.hurry(20)
        seen = Seen(seconds=seconds)
        seen.count(server, -1)
        client.ask(f"publish {OVERRUN_HZ} {seconds}")
        time.sleep(2 * LEAVE)
        seen.count(server, 1)
        delivered = float(server.ask("count heliograph_messages_delivered_total").split()[1])
    note = f"{seen.exported / seconds:.0f} left; {delivered / seconds:.0f} messages a second were delivered"
    what = f"unicast {OVERRUN_HZ}/s, 100 %: spans dropped"
    return Finding("sampling", what, (seen.dropped / seconds,), "a second", note=note)


def _round(
    what: str,
    seen: dict[str, Seen],
    cases: dict[str, dict[str, str]],
    connections: int,
    channel: str,
    cost: Cost,
    options: Options,
) -> None:
    with contextlib.ExitStack() as stack:
        pairs = {}
        for name in random.sample(list(cases), len(cases)):
            server = stack.enter_context(peers.sampling(**cases[name]))
            client = stack.enter_context(Client(server.port))
            client.open(connections, "subscribe", channel)
            if what.startswith("unicast"):
                server.hurry(10)  # a quarter of a core at most
                client.hurry(20)
            cost(server, client)  # warms up
            pairs[name] = (server, client)
        time.sleep(LEAVE)
        for name, (server, _) in pairs.items():
            seen[name].count(server, -1)
        for _ in range(2 if options.quick else SLICES):
            for name in random.sample(list(cases), len(cases)):
                began = time.monotonic()
                seen[name].costs.append(cost(*pairs[name]))
                seen[name].seconds += time.monotonic() - began
        time.sleep(LEAVE)
        for name, (server, _) in pairs.items():
            seen[name].count(server, 1)


def _findings(what: str, seen: dict[str, Seen]) -> Iterator[Finding]:
    for name, one in seen.items():
        note = f"{one.exported / one.seconds:.0f} spans a second left, {one.dropped / one.seconds:.0f} were dropped"
        yield Finding("sampling", f"{what}, {name}", tuple(1e6 * each for each in one.costs), "µs/message", note=note)
    for name, one in seen.items():
        if one is not seen["none"]:
            extra = tuple(100 * (a / b - 1) for a, b in zip(one.costs, seen["none"].costs, strict=True))
            mean, low, high = mean_with_interval(extra)
            note = f"95 % interval {low:+.1f} … {high:+.1f} %"
            yield Finding("sampling", f"{what}, {name} against none", extra, "%", note=note, median_of=mean)
