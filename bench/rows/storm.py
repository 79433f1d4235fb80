"""5,000 clients connect in the same moment, as after a restart: how long the door takes, beside aiohttp's."""

from collections.abc import Callable

from bench import peers
from bench.figures import Finding, at_most, ratios
from bench.options import Options
from bench.processes import Client, Running, Server
from bench.service import Service, token

CLIENTS = 5_000
WARM = 300
SECOND = 1e9


def measure(options: Options) -> list[Finding]:
    cases: dict[str, tuple[Callable[[], Server | Service], str, str]] = {
        "p99 of the upgrade": (Service, "connect", token()),
        "aiohttp's": (peers.aiohttp, "echo", "-"),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    whole: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.rounds()):
        for name, (start, kind, with_token) in cases.items():
            p99, seconds = _storm(start, kind, with_token, options.connections(CLIENTS))
            times[name].append(p99)
            whole[name].append(seconds)
    ours, theirs = cases
    ratio = ratios(times[ours], times[theirs])
    return [
        Finding("storm", ours, tuple(times[ours]), "s", at_most(2.0), _until_the_last(whole[ours])),
        Finding("storm", theirs, tuple(times[theirs]), "s", note=_until_the_last(whole[theirs])),
        Finding("storm", "ours / aiohttp's", ratio, "×"),
    ]


def _storm(start: Callable[[], Server | Service], kind: str, with_token: str, count: int) -> tuple[float, float]:
    """p99 from a client's SYN to its 101, and until the last one has its first answer, in seconds."""
    running: Running
    with start() as running, Client(running.port) as client:  # type: ignore[attr-defined]
        client.open(min(WARM, count), kind, token=with_token)
        told = client.storm(count, kind, token=with_token)
        assert told["opened"] == count, f"{told['failed']} were not let in"
        return told["upgrades"]["p99"] / SECOND, told["seconds"]


def _until_the_last(seconds: list[float]) -> str:
    return f"the last one was answered after {sorted(seconds)[len(seconds) // 2]:.2f} s"
