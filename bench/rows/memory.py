"""Resident memory per connection: connected, with one subscription, with presence; then the parts of one connection."""

from bench import envelope, memory_parts
from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client
from bench.service import Service

CONNECTIONS = 10_000
WARM = 500
CASES = {
    "connected": ("connect", envelope.CHANNEL, at_most(2.75)),
    "with one subscription": ("subscribe", envelope.CHANNEL, at_most(4.25)),
    "with one subscription and presence": ("subscribe", "present:everybody", at_most(4.25)),
    "with one subscription and presence in a channel of its own": ("subscribe", "present:own-%d", at_most(4.25)),
}


def measure(options: Options) -> list[Finding]:
    found = []
    for what, (kind, channel, budget) in CASES.items():
        sizes = tuple(_per_connection(kind, channel, options) for _ in range(1 if options.quick else 3))
        found.append(Finding("memory", what, sizes, "KiB", budget, f"{options.connections(CONNECTIONS)} connections"))
    return found + memory_parts.findings()


def _per_connection(kind: str, channel: str, options: Options) -> float:
    count = options.connections(CONNECTIONS)
    with Service() as service, Client(service.port) as client:
        client.open(min(WARM, count), kind, channel=channel)  # arenas, caches and late imports are not a connection's
        before = service.rss()
        client.open(count, kind, channel=channel)
        return (service.rss() - before) / count / 1024
