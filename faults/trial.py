"""One fault, from a quiet stack through its alerts back to a quiet stack; and whether all went as it should."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from faults import links
from faults.fault import Fault
from faults.running import Running
from faults.watch import Seen, Watch
from service.lab.load.server_figures import LEDGERS

LOOK: Final = 0.3  # seconds between two looks
QUIET: Final = 12.0  # seconds without any alert before something is broken: windows are filled with everyday life
GRACE: Final = 30.0  # seconds that an alert may take beyond its rule's ``for``
PATIENCE: Final = 90.0  # seconds to become quiet, before and after
SETTLED: Final = 10.0  # seconds that the ledgers may take to be even
AFTER: Final = 10.0  # seconds that are looked at after it is healed at least: what heals may raise an alert, too

Tell = Callable[[str], None]


class NeverQuiet(Exception):  # noqa: N818 - says what is the matter
    """Something fires although nothing is broken."""


@dataclass(slots=True)
class Result:
    """What a fault led to."""

    fault: Fault
    alerts: Mapping[str, Seen] = field(default_factory=dict)
    lasted: float = 0.0
    unaccounted: float | None = 0.0  # None: the server did not tell
    left: Sequence[str] = ()  # what still fires long after
    trace: str = ""  # where one was that shows it

    @property
    def complaints(self) -> list[str]:
        """What should have been otherwise, a sentence each; empty when all is well."""
        fault = self.fault
        said = [sentence for name in fault.fires for sentence in self._missed(name)]
        said += [f"{name} did not fire" for name in fault.afterwards if not fired(self.alerts.get(name))]
        expected = {*fault.fires, *fault.afterwards, *fault.may}
        said += [
            f"{name} fired after {seen.firing:.1f} s, and it should not"
            for name, seen in self.alerts.items()
            if seen.firing is not None and name not in expected
        ]
        said += [
            f"{name} still fires {PATIENCE:.0f} s after all is whole again"
            for name in self.left
            if name not in fault.stays
        ]
        if self.fault.trace and not self.trace:
            said.append("no trace was found that shows it")
        return [*said, *self._unexplained()]

    def _missed(self, name: str) -> Iterator[str]:
        seen = self.alerts.get(name)
        if seen is None:
            yield f"there is no rule of the name {name}"
        elif seen.firing is None:
            yield f"{name} did not fire"
        elif seen.firing > seen.hold + GRACE:
            yield f"{name} fired after {seen.firing:.1f} s; {seen.hold + GRACE:.0f} s are allowed"
        elif seen.inbox is None and name not in self.fault.unheard and not kept_back(self.fault, name, seen):
            by = f"; {', '.join(seen.muted_by)} kept it back" if seen.muted_by else ""
            yield f"{name} fired and did not reach the inbox{by}"

    def _unexplained(self) -> Iterator[str]:
        if self.unaccounted is None:
            yield f"the server does not tell {' and '.join(LEDGERS)}"
        elif self.unaccounted:
            yield f"{self.unaccounted:.0f} messages or connections are unaccounted for"


def fired(seen: Seen | None) -> bool:
    """Whether an alert was more than pending."""
    return seen is not None and seen.firing is not None


def kept_back(fault: Fault, name: str, seen: Seen) -> bool:
    """Whether somebody is called anyway: by an alert that the fault names, and not by whatever else fires."""
    return any(source in seen.muted_by for source in fault.behind.get(name, ()))


async def run(lab: Running, fault: Fault, tell: Tell) -> Result:
    """Break it, watch, heal it, watch.

    Raises:
        NeverQuiet: it was not quiet before.

    """
    watch = Watch(lab)
    await _until_quiet(watch)
    watch.begin()
    began = time.time()
    tell(f"broken: {fault.what}")
    async with _looking(watch, tell):  # while it is broken and healed, too: both may take their time
        async with fault.breaks(lab):
            await _observe(watch, fault)
            trace = await asyncio.to_thread(links.trace, lab, fault, began) if fault.trace else ""
            tell(links.shown(trace, links.board(fault, began, time.time())))
        lasted = watch.elapsed
        tell(f"healed after {lasted:.1f} s")
        left = await _until_over(watch, fault)
    unaccounted = await asyncio.to_thread(_unaccounted, lab)
    return Result(fault, watch.alerts, lasted, unaccounted, left, trace)


@contextlib.asynccontextmanager
async def _looking(watch: Watch, tell: Tell) -> AsyncIterator[None]:
    """Looks again and again, meanwhile."""

    async def look() -> None:
        while True:
            await _look(watch, tell)

    async with asyncio.TaskGroup() as tasks:
        looking = tasks.create_task(look())
        yield
        looking.cancel()


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


async def _observe(watch: Watch, fault: Fault) -> None:
    """Until every expected alert is in the inbox, and long enough for the silent ones."""
    while True:
        await asyncio.sleep(LOOK)
        awaited = {name: watch.alerts[name] for name in fault.fires if name in watch.alerts}
        there = all(
            fired(seen) and (seen.inbox is not None or kept_back(fault, name, seen)) for name, seen in awaited.items()
        )
        latest = max((seen.hold + GRACE + 10 for seen in awaited.values()), default=0.0)
        if watch.elapsed > fault.lasts and (there or watch.elapsed > latest):
            return


async def _until_over(watch: Watch, fault: Fault) -> Sequence[str]:
    healed = time.monotonic()
    while (since := time.monotonic() - healed) < PATIENCE:
        await asyncio.sleep(LOOK)
        to_come = any(not fired(watch.alerts.get(name)) for name in fault.afterwards)
        if since > AFTER and not _to_end(watch, fault) and not (to_come and since < GRACE):
            break
    return sorted(watch.firing())


def _to_end(watch: Watch, fault: Fault) -> set[str]:
    return watch.firing() - fault.stays.keys()


def _unaccounted(lab: Running) -> float | None:
    """What the ledgers of messages and of connections cannot explain, after things have settled."""
    end = time.monotonic() + SETTLED
    while (missing := _told(lab)) != 0 and time.monotonic() < end:
        time.sleep(LOOK)
    return missing


def _told(lab: Running) -> float | None:
    with contextlib.suppress(LookupError, OSError, AssertionError):
        found = [lab.samples(name) for name in LEDGERS]
        return sum(abs(value) for values in found for value in values) if all(found) else None
    return None
