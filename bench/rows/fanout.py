"""Fan-out, one message a frame: deliveries per server CPU-second beside C, aiohttp, websockets and Node."""

from bench import peers
from bench.comparison import Rounds, compare
from bench.figures import Budget, Finding, at_least, ratios
from bench.options import Options
from bench.processes import Slice, saturate

BUDGETS: dict[str, Budget] = {peers.C: at_least(0.80), peers.AIOHTTP: at_least(1.35), peers.WEBSOCKETS: at_least(1.5)}


def measure(options: Options) -> list[Finding]:
    found: list[Finding] = []
    for connections in (1_000, 10_000):
        count = options.connections(connections)
        rounds = compare(
            peers.available(),
            count,
            lambda s, c: saturate(s, c, 1, options.seconds(1.2)),
            options.rounds(),
            strict=not options.quick,
        )
        found += findings(f"fan-out {connections // 1000}k", rounds, BUDGETS)
    return found


def findings(row: str, rounds: Rounds, budgets: dict[str, Budget]) -> list[Finding]:
    """The rates of all and our ratio to each of the others."""
    names = list(rounds.slices)
    rates = {name: rounds.per_cpu_second(name) for name in names}
    found = [_rate(row, name, rates[name], rounds.slices[name]) for name in names]
    ours = rates.get(peers.HELIOGRAPH)
    if not ours:
        return found
    for name in names:
        if name != peers.HELIOGRAPH:
            ratio = ratios(ours, rates[name])
            found.append(
                Finding(row, f"heliograph / {name}", ratio, "×", budgets.get(name), f"{rounds.unclean} unclean")
            )
    return found


def _rate(row: str, name: str, rates: list[float], slices: list[Slice]) -> Finding:
    last = slices[-1].counted
    size = last["bytes"] / max(1, last["messages"])
    return Finding(row, name, tuple(rates), "msg/CPU-s", note=f"{size:.1f} B a message")
