"""From exec to the first 200, caches warm, no OTLP endpoint."""

from bench.figures import Finding, at_most
from bench.options import Options
from bench.service import Service


def measure(options: Options) -> list[Finding]:
    _start()  # warms the caches
    took = tuple(_start() for _ in range(options.rounds()))
    return [Finding("start", "exec → first 200", took, "ms", at_most(800))]


def _start() -> float:
    with Service() as service:
        return service.started * 1000
