"""What one connection is made of: the objects that only it reaches, by the slot that leads to them."""

import gc
import sys
import types
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from bench import peers
from bench.figures import Finding
from bench.processes import Client

_NEVER = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.FrameType)
SAMPLES = 3


def findings() -> list[Finding]:
    """The table of parts, measured in a server with a few connections of each kind."""
    found = []
    with peers.heliograph() as server, Client(server.port) as client:
        for kind in ("connect", "subscribe"):
            client.open(SAMPLES, kind, channel="own-%d")
            parts = msgspec.json.decode(server.ask("parts"), type=dict[str, float])
            client.drop(SAMPLES)
            what = "connected" if kind == "connect" else "subscribed"
            found += [Finding("memory", f"{what}: {name}", (size,), "B") for name, size in parts.items()]
            found.append(Finding("memory", f"{what}: all Python objects", (sum(parts.values()),), "B"))
    return found


def parts(connections: Iterable[Any]) -> dict[str, float]:
    """Mean bytes by part, over at least two connections: what two of them reach belongs to neither."""
    chosen = list(connections)[:SAMPLES]
    reached = {id(one): {id(found) for found, _ in _walk(one)} for one in chosen}
    sums: dict[str, float] = {}
    for one in chosen:
        others = set().union(*(found for owner, found in reached.items() if owner != id(one)))
        for found, part in _walk(one):
            if id(found) not in others:
                sums[part] = sums.get(part, 0) + sys.getsizeof(found) / len(chosen)
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def _walk(connection: Any) -> Iterator[tuple[Any, str]]:
    """Everything reachable, each object once, under the name of the slot that leads to it."""
    seen = {id(connection)}
    yield connection, "connection itself"
    for slot in _slots(connection):
        ahead = [getattr(connection, slot, None)]
        while ahead:
            found = ahead.pop()
            if found is None or id(found) in seen or isinstance(found, _NEVER) or found is connection:
                continue
            seen.add(id(found))
            if slot == "station":
                continue  # the process's, not the connection's
            yield found, slot.strip("_")
            if slot != "transport":  # it leads to the loop, and from there to everything
                ahead += gc.get_referents(found)


def _slots(connection: Any) -> Iterator[str]:
    for cls in type(connection).__mro__:
        yield from getattr(cls, "__slots__", ())
