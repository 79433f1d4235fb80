"""One fault, from a quiet stack through its alerts back to a quiet stack; and whether all went as it should."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from faults.fault import Fault
from faults.running import Running
from faults.watch import Seen, Watch

LOOK: Final = 0.3  # seconds between two looks
QUIET: Final = 12.0  # seconds without any alert before something is broken: windows are filled with everyday life
GRACE: Final = 30.0  # seconds that an alert may take beyond its rule's ``for``
PATIENCE: Final = 90.0  # seconds to become quiet, before and after

#: Budgets of objectives add up over hours and days what other alerts tell one by one: in a lab they may fire with any
#: fault that costs somebody something, and they stay until their windows have passed. Only that they fire is awaited.
BUDGET: Final = "Budget"

Tell = Callable[[str], None]


class NeverQuiet(Exception):  # noqa: N818 - says what is the matter
    """Something fires although nothing is broken."""


@dataclass(slots=True)
class Result:
    """What a fault led to."""

    fault: Fault
    alerts: Mapping[str, Seen] = field(default_factory=dict)
    lasted: float = 0.0
    unaccounted: float = 0.0
    left: Sequence[str] = ()  # what still fires long after

    @property
    def complaints(self) -> list[str]:
        """What should have been otherwise, a sentence each; empty when all is well."""
        said = [
            sentence
            for name in self.fault.fires
            for sentence in _missed(name, self.alerts.get(name), heard=name not in self.fault.unheard)
        ]
        said += [f"{name} did not fire" for name in self.fault.afterwards if not _fired(self.alerts.get(name))]
        expected = {*self.fault.fires, *self.fault.afterwards, *self.fault.may}
        said += [
            f"{name} fired after {seen.firing:.1f} s, and it should not"
            for name, seen in self.alerts.items()
            if seen.firing is not None and name not in expected and not name.endswith(BUDGET)
        ]
        said += [f"{name} still fires {PATIENCE:.0f} s after all is whole again" for name in self.left]
        if self.unaccounted:
            said.append(f"{self.unaccounted:.0f} messages are unaccounted for")
        return said


def _fired(seen: Seen | None) -> bool:
    return seen is not None and seen.firing is not None


def _missed(name: str, seen: Seen | None, *, heard: bool) -> list[str]:
    if seen is None:
        return [f"there is no rule of the name {name}"]
    if seen.firing is None:
        return [f"{name} did not fire"]
    if seen.firing > seen.hold + GRACE:
        return [f"{name} fired after {seen.firing:.1f} s; {seen.hold + GRACE:.0f} s are allowed"]
    if heard and seen.inbox is None and not seen.muted:
        return [f"{name} fired and did not reach the inbox"]
    return []


async def run(lab: Running, fault: Fault, tell: Tell) -> Result:
    """Break it, watch, heal it, watch.

    Raises:
        NeverQuiet: it was not quiet before.
        NotHere: this machine cannot have the fault.

    """
    watch = Watch(lab)
    await _until_quiet(watch)
    watch.begin()
    tell(f"broken: {fault.what}")
    async with fault.breaks(lab):
        await _observe(watch, fault, tell)
    lasted = watch.elapsed
    tell(f"healed after {lasted:.1f} s")
    left = await _until_over(watch, fault, tell)
    unaccounted = await asyncio.to_thread(_unaccounted, lab)
    return Result(fault, watch.alerts, lasted, unaccounted, left)


async def _look(watch: Watch, tell: Tell) -> None:
    for name, what, after in await asyncio.to_thread(lambda: list(watch.look())):
        tell(f"{after:6.1f} s  {name} {what}")
    await asyncio.sleep(LOOK)


async def _until_quiet(watch: Watch) -> None:
    end = time.monotonic() + PATIENCE
    since = time.monotonic()
    while time.monotonic() < since + QUIET:
        await _look(watch, lambda _: None)
        if watch.firing() or watch.blind:
            since = time.monotonic()
        if time.monotonic() > end:
            raise NeverQuiet(f"before anything was broken: {', '.join(watch.firing()) or 'no answer'}")


async def _observe(watch: Watch, fault: Fault, tell: Tell) -> None:
    """Until every expected alert is in the inbox, and long enough for the silent ones."""
    while True:
        await _look(watch, tell)
        awaited = [watch.alerts[name] for name in fault.fires if name in watch.alerts]
        there = all(seen.firing is not None and (seen.inbox is not None or seen.muted) for seen in awaited)
        latest = max((seen.hold + GRACE + 10 for seen in awaited), default=0.0)
        if watch.elapsed > fault.lasts and (there or watch.elapsed > latest):
            return


async def _until_over(watch: Watch, fault: Fault, tell: Tell) -> Sequence[str]:
    healed = time.monotonic()
    while time.monotonic() < healed + PATIENCE:
        to_come = any(not _fired(watch.alerts.get(name)) for name in fault.afterwards)
        if not _to_end(watch) and not (to_come and time.monotonic() < healed + GRACE):
            break
        await _look(watch, tell)
    return _to_end(watch)


def _to_end(watch: Watch) -> list[str]:
    return sorted(name for name in watch.firing() if not name.endswith(BUDGET))


def _unaccounted(lab: Running) -> float:
    """What the ledger of deliveries cannot explain, after things have settled."""
    end = time.monotonic() + 10
    while (missing := lab.figure("heliograph_messages_unaccounted")) and time.monotonic() < end:
        time.sleep(LOOK)
    return missing
