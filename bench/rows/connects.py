"""Connections per second of one core: upgrade, connect, reply; beside aiohttp's upgrade and one echo."""

import contextlib
import time
from collections.abc import Callable

from bench import peers
from bench.figures import Finding, at_least, ratios
from bench.options import Options
from bench.processes import Client, Running, Server
from bench.service import Service, token

WARM = 300
CONNECTIONS = 5_000


def measure(options: Options) -> list[Finding]:
    cases: dict[str, tuple[Callable[[], Server | Service], str, str]] = {
        "no token": (Service, "connect", "-"),
        "HS256": (Service, "connect", token()),
        "aiohttp, one echo": (peers.aiohttp, "echo", "-"),
    }
    rates: dict[str, list[float]] = {name: [] for name in cases}
    by_clock: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(options.rounds()):
        for name, (start, kind, with_token) in cases.items():
            by_cpu, by_wall = _rate(start, kind, with_token, options.connections(CONNECTIONS))
            rates[name].append(by_cpu)
            by_clock[name].append(by_wall)
    found = [Finding("connects", name, tuple(rates[name]), "conn/CPU-s", note=_clock(by_clock[name])) for name in cases]
    for name, budget in (("no token", at_least(1.15)), ("HS256", at_least(0.9))):
        ratio = ratios(rates[name], rates["aiohttp, one echo"])
        found.append(Finding("connects", f"{name} / aiohttp, one echo", ratio, "×", budget))
    return found


def _rate(start: Callable[[], Server | Service], kind: str, with_token: str, count: int) -> tuple[float, float]:
    with contextlib.ExitStack() as stack:
        server: Running = stack.enter_context(start())
        client = stack.enter_context(Client(server.port))  # type: ignore[attr-defined]
        client.open(min(WARM, count), kind, token=with_token)
        client.drop(client.opened)
        time.sleep(0.3)  # let the closes be handled before the clock runs
        client.begin()
        before = server.cpu()
        took = client.open(count, kind, token=with_token)
        return count / (server.cpu() - before), count / took


def _clock(rates: list[float]) -> str:
    return f"{sorted(rates)[len(rates) // 2]:.0f} a second by the clock"
