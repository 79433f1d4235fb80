"""Resident memory per connection: connected, and with one subscription; then the parts of one connection."""

from bench import memory_parts
from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client
from bench.service import Service

CONNECTIONS = 10_000
WARM = 500


def measure(options: Options) -> list[Finding]:
    cases = {"connect": ("connected", at_most(2.75)), "subscribe": ("with one subscription", at_most(4.25))}
    found = []
    for kind, (what, budget) in cases.items():
        sizes = tuple(_per_connection(kind, options) for _ in range(1 if options.quick else 3))
        found.append(Finding("memory", what, sizes, "KiB", budget, f"{options.connections(CONNECTIONS)} connections"))
    return found + memory_parts.findings()


def _per_connection(kind: str, options: Options) -> float:
    count = options.connections(CONNECTIONS)
    with Service() as service, Client(service.port) as client:
        client.open(min(WARM, count), kind)  # arenas, caches and late imports are not a connection's
        before = service.rss()
        client.open(count, kind)
        return (service.rss() - before) / count / 1024
