"""What a core delivers by the size of the audience, the loop's lag below that, and memory with the kernel's part."""

import random
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import peers
from bench.figures import Finding
from bench.options import Options
from bench.processes import Client, Server, saturate

AUDIENCES = (100, 1_000, 10_000)
SHARES = (0.25, 0.5, 0.75)
ALONE_HZ = (0, 1_000, 2_000, 4_000)
"""Messages a second, each from one client to itself; without any it is the machine's own lag that is seen."""
IDLE = 10_000
SOCKETS = {"TCP", "sock_inode_cache", "filp", "eventpoll_epi", "ep_head", "lsm_file_cache"}
"""The kernel's caches of which a connection takes an object or more."""


def measure(options: Options) -> list[Finding]:
    found = list(_alone(options))
    for audience in AUDIENCES:
        found += _audience(options.connections(audience), options)
    return [*found, *_memory(options.connections(IDLE))]


@dataclass
class Seen:
    """At one rate, round by round: the loop's lag and the receipt's p99 in milliseconds, the share of a core."""

    hz: float
    lags: list[float] = field(default_factory=list)
    receipts: list[float] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)

    def finding(self, what: str) -> Finding:
        note = f"{self.hz:.4g} messages a second; {statistics.median(self.cores):.0%} of a core"
        if self.receipts:
            note += f"; receipt p99 {statistics.median(self.receipts):.1f} ms"
        return Finding("capacity", f"{what}: lag p99", tuple(self.lags), "ms", note=note)


def _alone(options: Options) -> Iterator[Finding]:
    seconds = options.seconds(1.5)
    rates = [Seen(hz) for hz in ALONE_HZ]
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(100, "subscribe", "own-%d")
        _hurry(server, client)
        client.ask(f"publish 1000 {seconds / 2}")  # warms up
        for _ in range(options.rounds()):
            for seen in random.sample(rates, len(rates)):
                _watch(server, client, seen, seconds, itself=False)
    for seen in rates:
        yield seen.finding(f"{seen.hz} a second, one receiver each")


def _audience(audience: int, options: Options) -> Iterator[Finding]:
    seconds = options.seconds(1.5)
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(audience, "subscribe")
        _hurry(server, client)
        saturate(server, client, 1, options.seconds(0.5))  # warms up
        most = tuple(saturate(server, client, 1, options.seconds(1.0)).per_cpu_second for _ in range(options.rounds()))
        finding = Finding("capacity", f"audience {audience}: deliveries a CPU second", most)
        shares = {share: Seen(share * finding.value / audience) for share in SHARES}
        for _ in range(options.rounds()):
            for seen in random.sample(list(shares.values()), len(shares)):
                _watch(server, client, seen, seconds, itself=True)
    yield finding
    for share, seen in shares.items():
        yield seen.finding(f"audience {audience} at {share:.0%} of that")


def _hurry(server: Server, client: Client) -> None:
    """A node has its machine for itself; this one's other work would be seen as lag."""
    server.hurry(10)
    client.hurry(20)


def _watch(server: Server, client: Client, seen: Seen, seconds: float, *, itself: bool) -> None:
    """A timer of 1 ms in the server's loop, while it publishes itself or the clients do."""
    client.begin(polling=False)
    published, before, began = 0, server.cpu(), time.monotonic()
    server.tell(f"lag {seconds * 0.9} 0.001")
    if itself:
        server.tell(f"rate {seen.hz} {seconds}")
    elif seen.hz:
        published = int(client.ask(f"publish {seen.hz} {seconds}").split()[1])
    else:
        time.sleep(seconds)
    told = [server.answer() for _ in range(2 if itself else 1)]
    if itself:
        published = client.opened * next(int(each.split()[1]) for each in told if each.startswith("done"))
    seen.lags.append(float(next(each for each in told if each.startswith("lag")).split()[1]))
    counted = client.end(published)
    if itself:  # a client that publishes waits for the next moment, not for what it is sent
        seen.receipts.append(counted["p99"] / 1e6)
    seen.cores.append((server.cpu() - before) / (time.monotonic() - began))


def _memory(connections: int) -> Iterator[Finding]:
    """Of an idle subscriber: what our process keeps, and what the kernel does."""
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(500, "subscribe")
        ours, kernel = server.rss(), _sockets()
        client.open(connections, "subscribe")
        ours, kernel = server.rss() - ours, _sockets() - kernel
    yield Finding("capacity", "memory of a subscriber: our process", (ours / connections / 1024,), "KiB")
    if kernel:
        note = "half of the growth: the client's ends of the connections are here, too"
        each = kernel / 2 / connections / 1024
        yield Finding("capacity", "memory of a subscriber: the kernel", (each,), "KiB", note=note)


def _sockets() -> int:
    """Bytes of the kernel's objects for sockets; 0 where only root may know."""
    try:
        rows = [line.split() for line in Path("/proc/slabinfo").read_text().splitlines()]
    except PermissionError:
        return 0
    return sum(int(row[1]) * int(row[3]) for row in rows if row[0] in SOCKETS)
