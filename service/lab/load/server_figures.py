"""What the server says of itself while a load runs: its memory, descriptors, objects, and why connections ended."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp

_SAMPLE: Final = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})? (\S+)")
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_PATIENCE: Final = aiohttp.ClientTimeout(total=5)
RSS: Final = "process_resident_memory_bytes"
FDS: Final = "process_open_fds"
OBJECTS: Final = "heliograph_python_blocks"
CONNECTIONS: Final = "heliograph_connections"
ENDS: Final = "heliograph_connections_closed_total"
LEDGERS: Final = ("heliograph_messages_unaccounted", "heliograph_connections_unaccounted")


@dataclass(frozen=True, slots=True)
class Glance:
    """One scrape."""

    at: float  # monotonic seconds
    rss: float = 0.0  # bytes
    fds: float = 0.0
    objects: float = 0.0  # memory blocks that Python holds
    connections: float = 0.0
    causes: dict[str, float] = field(default_factory=dict)  # ended connections by cause
    unaccounted: float | None = None  # messages and connections, either way; None: it keeps no ledger


def read(text: str, at: float) -> Glance:
    """A scrape's text, Prometheus or OpenMetrics."""
    sums: dict[str, float] = {}
    causes: dict[str, float] = {}
    unaccounted: float | None = None
    for line in text.splitlines():
        found = _SAMPLE.match(line)
        if found is None:
            continue
        name, labels, value = found[1], found[2] or "", float(found[3])
        sums[name] = sums.get(name, 0.0) + value
        if name == ENDS:
            cause = dict(_LABEL.findall(labels)).get("cause", "")
            causes[cause] = causes.get(cause, 0.0) + value
        elif name in LEDGERS:
            unaccounted = (unaccounted or 0.0) + abs(value)
    rss, fds, objects, connections = (sums.get(name, 0.0) for name in (RSS, FDS, OBJECTS, CONNECTIONS))
    return Glance(at, rss, fds, objects, connections, causes, unaccounted)


class Watch:
    """Looks at a server's metrics now and then; one that does not answer costs nothing but its figures."""

    def __init__(self, url: str) -> None:
        """``url``: of the metrics; empty: nobody is looked at."""
        self._url = url
        self.glances: list[Glance] = []
        self.why = ""  # it does not answer

    async def look(self) -> Glance | None:
        """One more glance; None when the server does not answer."""
        if not self._url:
            return None
        try:
            async with aiohttp.ClientSession(timeout=_PATIENCE) as session, session.get(self._url) as answer:
                if answer.status != 200:
                    self.why = self._unknown(f"HTTP status {answer.status}")
                    return None
                glance = read(await answer.text(), time.monotonic())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as failure:
            self.why = self._unknown(type(failure).__name__)
            return None
        self.glances.append(glance)
        return glance

    def _unknown(self, why: str) -> str:
        return (
            f"the server's own figures are not known, {self._url} does not give them ({why}); "
            "say --metrics URL, or --metrics none"
        )

    async def until_quiet(self, connections: float, patience: float = 10.0) -> Glance | None:
        """The first glance with as few connections as before, or the last one when ``patience`` seconds are over."""
        until = time.monotonic() + patience
        while True:
            glance = await self.look()
            if glance is None or glance.connections <= connections or time.monotonic() > until:
                return glance
            await asyncio.sleep(0.25)


def growth(glances: list[Glance], since: float, what: Callable[[Glance], float]) -> float | None:
    """Percent by which ``what`` grew from ``since`` to the last glance, by the line that fits best.

    None with fewer than three glances.
    """
    points = [(each.at, what(each)) for each in glances if each.at >= since]
    if len(points) < 3:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    begin = mean_y + slope * (points[0][0] - mean_x)
    return 100 * slope * (points[-1][0] - points[0][0]) / begin if begin else None
