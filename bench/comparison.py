"""Interleaved rounds: every peer is started anew each round, and measured in turn while the others rest."""

import contextlib
import random
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from bench import peers
from bench.processes import Client, Server, Slice

TRIES = 3
"""How often a slice is repeated in its round when the client fell behind."""

Start = Callable[[], Server]
Measure = Callable[[Server, Client], Slice]


@dataclass
class Rounds:
    """The slices of each peer, one a round; a round in which any peer had no clean slice is left out."""

    slices: dict[str, list[Slice]] = field(default_factory=dict)
    unclean: int = 0
    strict: bool = True

    def of(self, name: str, value: Callable[[Slice], float]) -> list[float]:
        return [value(one) for one in self.slices.get(name, [])]

    def per_cpu_second(self, name: str) -> list[float]:
        return self.of(name, lambda one: one.per_cpu_second)


class NeverClean(Exception):
    """The client never kept up: the machine is not quiet enough to measure."""


def compare(
    starts: Mapping[str, Start],
    connections: int,
    measure: Measure,
    rounds: int,
    per_round: int = 1,
    *,
    strict: bool = True,
    offering: Collection[str] = (),
) -> Rounds:
    """Runs `rounds` clean rounds (twice as many at most) and returns their slices, `per_round` of each peer a round.

    The clients of the peers in `offering` offer compression.
    Not `strict`, an unclean slice is taken as it is: right for a fixed rate, and for trying the bench out.

    Raises:
        NeverClean: there is no slice at all.

    """
    result = Rounds(strict=strict)
    for _ in range(2 * rounds):
        if len(next(iter(result.slices.values()), [])) >= rounds * per_round:
            break
        _one_round(starts, connections, measure, per_round, result, offering)
    if not result.slices:
        raise NeverClean(f"none of {result.unclean} rounds was clean: other programs keep the cores busy")
    return result


def _one_round(
    starts: Mapping[str, Start],
    connections: int,
    measure: Measure,
    per_round: int,
    into: Rounds,
    offering: Collection[str],
) -> None:
    with contextlib.ExitStack() as stack:
        running: dict[str, tuple[Server, Client]] = {}
        for name, start in starts.items():
            server = stack.enter_context(start())
            client = stack.enter_context(Client(server.port, offers_compression=name in offering))
            client.open(connections, "subscribe" if name.startswith(peers.HELIOGRAPH) else "bare")
            running[name] = (server, client)
        for _ in range(per_round):
            order = random.sample(sorted(running), len(running))
            tries = TRIES if into.strict else 1
            taken = {name: _clean_slice(measure, *running[name], tries) for name in order}
            if not into.strict or all(one.clean for one in taken.values()):
                for name, one in taken.items():
                    into.slices.setdefault(name, []).append(one)
            else:
                into.unclean += 1
                print(f"  not clean: {[name for name, one in taken.items() if not one.clean]}", file=sys.stderr)


def _clean_slice(measure: Measure, server: Server, client: Client, tries: int) -> Slice:
    """The first clean of up to `tries` slices, else the last."""
    for _ in range(tries - 1):
        taken = measure(server, client)
        if taken.clean:
            return taken
    return measure(server, client)
