"""The process itself: is the event loop on time, what does the garbage collector cost, what does the system hold.

A stall has a name: while the loop does not answer, a thread looks where it is and notes file and line.
"""

import asyncio
import gc
import os
import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from observability import names
from observability.logs import Log
from observability.metrics import Registry
from observability.names import Figure

TICK = 0.1  # seconds
STALL = 0.25  # seconds; the objective for a message's whole way
LATE = 0.1  # seconds; a shorter standstill is told nobody, but still excuses those who seem to owe an answer
MARGIN = 0.25  # seconds; a standstill began up to a tick before it is measured, and ends before the sockets are read
AFTER = 1.0  # seconds for which it still excuses when it is over, beyond its own length
MOST_EXCUSED = 30.0  # seconds, of stalls that follow each other
KEPT = 20  # stalls that can be asked for
THRESHOLDS = (50_000, 20, 1000)  # a young collection for each 50 000 new containers, an old one hardly ever
FREEZE_EACH = 1000  # new connections

CHORE_EACH = 100  # ticks
NOT_RUN = "no line of ours: the process did not run (stopped, or no processor for it)"
NO_TURN = "no line known: a call that gave no other thread a turn"


class Stall(NamedTuple):
    """A time in which the event loop did nothing else."""

    began: float  # on the observer's clock
    ended: float
    where: str  # file, line and function, or why there is none; empty when it was over before anybody could look


class LoopWatch:
    """Ticks on the loop, and a thread that looks on when the tick does not come."""

    def __init__(
        self,
        registry: Registry,
        log: Log,
        clock: Callable[[], float] = time.monotonic,
        *,
        chore: Callable[[], None] = lambda: None,
    ) -> None:
        """``chore`` is done in the thread every ten seconds: for what takes too long for the loop."""
        self._chore = chore
        self._lag = registry.histogram(names.LOOP_LAG).child()
        self._settle = registry.settle
        self._stalls = registry.counter(names.LOOP_STALLS).child()
        self._stood_still = 0.0
        registry.add_source(self._figures)
        self._log = log
        self._clock = clock
        self._due = 0.0
        self._where = ""
        self._looked = 0.0  # when the thread was here last, and the processor time that the process had used by then
        self._used = 0.0
        self._last: Stall | None = None
        self._excuse = 0.0
        self._excuse_until = 0.0
        self.stalls: deque[tuple[float, Stall]] = deque(maxlen=KEPT)  # the last ones, each with its wall time
        self._handle: asyncio.TimerHandle | None = None
        self._thread_id = 0
        self._ended = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin; call it on the loop's thread."""
        self._thread_id = threading.get_ident()
        self._looked, self._used = self._clock(), time.process_time()
        self._due = self._clock() + TICK
        self._handle = loop.call_later(TICK, self._tick, loop)
        threading.Thread(target=self._look, name="loop watch", daemon=True).start()

    def stop(self) -> None:
        """End the ticks and the thread."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        self._ended.set()

    def within(self, seconds: float) -> tuple[float, float, str] | None:
        """The stall that reaches into the last seconds: how long ago it began, how long it was, and where."""
        now = self._clock()
        found = self._last
        if self._handle is not None and now - self._due >= STALL:
            found = Stall(self._due, now, self._where)
        if found is None or found.ended < now - seconds:
            return None
        return now - found.began, found.ended - found.began, found.where

    def excuse(self) -> float:
        """Seconds by which a verdict on a peer has to wait: we stood still, its answer may lie unread. 0: not at all.

        It lasts as long as the standstill did and a second more; stalls that follow each other add up.
        """
        now = self._clock()
        known = self._excuse if now < self._excuse_until else 0.0
        late = now - self._due
        if self._handle is not None and late >= LATE:
            return min(known + late + MARGIN, MOST_EXCUSED)
        return known

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = self._clock()
        late = max(0.0, now - self._due)
        self._lag.observe(late)
        self._settle()
        if late >= LATE:
            self._excuse = self.excuse()
            self._excuse_until = now + self._excuse + AFTER
        if late >= STALL:
            self._stalled(now)
        self._where = ""
        self._due = now + TICK
        self._handle = loop.call_later(TICK, self._tick, loop)

    def _stalled(self, now: float) -> None:
        self._last = Stall(self._due, now, self._where or self._why_nowhere(now))
        self.stalls.append((time.time(), self._last))
        self._stalls.inc()
        self._stood_still += now - self._due
        self._log.write(names.LOOP_STALLED, seconds=round(now - self._due, 3), where=self._last.where or "unknown")

    def _why_nowhere(self, now: float) -> str:
        """The thread did not see it either. Whether it had no turn, or nothing here ran, the processor time tells."""
        blind = now - self._looked
        if blind < STALL:
            return ""
        return NO_TURN if time.process_time() - self._used >= blind / 2 else NOT_RUN

    def _figures(self) -> Iterator[Figure]:
        yield Figure(names.LOOP_STALLED_SECONDS.name, (), self._stood_still)

    def _look(self) -> None:
        passes = 0
        while not self._ended.wait(TICK):
            if passes % CHORE_EACH == 0:
                self._chore()
            passes += 1
            self._looked, self._used = self._clock(), time.process_time()
            if not self._where and self._clock() - self._due >= STALL / 2:
                self._where = place(sys._current_frames().get(self._thread_id))  # noqa: SLF001


def place(frame: FrameType | None) -> str:
    """Where a thread is: its innermost line, and the innermost one of ours that led there."""
    if frame is None:
        return ""
    ours: FrameType | None = frame
    while ours is not None and not _is_ours(ours):
        ours = ours.f_back
    if ours is None or ours is frame:
        return _line(frame)
    return f"{_line(ours)} > {_line(frame)}"


def _is_ours(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").partition(".")[0] in ("service", "observability")


def _line(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(Path(code.co_filename).parts[-3:])}:{frame.f_lineno} {code.co_name}"


class Collector:
    """Measures the garbage collector's pauses and keeps them short: what lives long is frozen out of its sight.

    Freezing makes cycles among frozen objects immortal, hence a collection before each freeze, and no cycles through
    connections.
    """

    def __init__(self, registry: Registry) -> None:
        pauses = registry.histogram(names.GC_PAUSE)
        self._pauses = {generation: pauses.child(str(generation)) for generation in range(3)}
        self._began = 0.0
        self._new = 0
        self._before: tuple[int, int, int] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take over the policy; what was built until now lives for ever."""
        self._loop = loop
        self._before = gc.get_threshold()
        gc.set_threshold(*THRESHOLDS)
        gc.enable()
        freeze()
        gc.callbacks.append(self._measure)

    def stop(self) -> None:
        """Give it back."""
        if self._before is not None:
            gc.callbacks.remove(self._measure)
            gc.set_threshold(*self._before)
            gc.unfreeze()
            self._before = None

    def opened(self, connections: int = 1) -> None:
        """Connections were opened; after each thousand the living are frozen, in a turn of their own."""
        self._new += connections
        if self._new >= FREEZE_EACH and self._loop is not None:
            self._new = 0
            self._loop.call_soon(freeze)

    def _measure(self, phase: str, info: dict[str, int]) -> None:
        now = time.perf_counter()
        if phase == "start":
            self._began = now
        else:
            self._pauses[info["generation"]].observe(now - self._began)


def freeze() -> None:
    """Collect, then take all that is left out of the collector's sight."""
    gc.collect()
    gc.freeze()


@dataclass(slots=True)
class Runtime:
    """The watches of one process; ``collector`` and ``loop`` work with silent telemetry, too."""

    loop: LoopWatch
    collector: Collector

    def start(self) -> None:
        """Begin to watch the running loop."""
        running = asyncio.get_running_loop()
        self.collector.start(running)
        self.loop.start(running)

    def stop(self) -> None:
        """End all watches."""
        self.loop.stop()
        self.collector.stop()

    def connection_opened(self) -> None:
        """A connection was opened (for the collector's policy)."""
        self.collector.opened()

    def excuse(self) -> float:
        """See ``LoopWatch.excuse``."""
        return self.loop.excuse()

    def recent(self) -> list[dict[str, Any]]:
        """The last stalls, oldest first, for people."""
        return [
            {"ended": round(wall, 3), "seconds": round(stall.ended - stall.began, 3), "where": stall.where or "unknown"}
            for wall, stall in self.loop.stalls
        ]


class Process:
    """What the system knows of this process, by the names that everybody uses; little where there is no /proc."""

    def __init__(self, proc: Path = Path("/proc/self")) -> None:
        self._proc = proc
        self._counted = 0
        self._start = 0.0

    def figures(self) -> Iterator[Figure]:
        """For a scrape."""
        times = os.times()
        yield Figure(names.PYTHON_BLOCKS.name, (), sys.getallocatedblocks())
        yield Figure(names.PROCESS_CPU.name, (), times.user + times.system)
        yield Figure(names.PROCESS_MAX_FDS.name, (), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        try:
            pages = (self._proc / "statm").read_text().split()
            descriptors = self._descriptors() or self._counted
            self._start = self._start or self._started()  # asked once: the clocks jitter, and a change is a restart
        except OSError:
            return
        size = resource.getpagesize()
        yield Figure(names.PROCESS_VIRTUAL.name, (), int(pages[0]) * size)
        yield Figure(names.PROCESS_RSS.name, (), int(pages[1]) * size)
        yield Figure(names.PROCESS_FDS.name, (), descriptors)
        yield Figure(names.PROCESS_START.name, (), self._start)

    def count_descriptors(self) -> None:
        """Count the hard way where the kernel does not tell: 10 000 take 30 ms, so not on the loop."""
        try:
            if not self._descriptors():
                self._counted = len(os.listdir(self._proc / "fd"))  # noqa: PTH208 - no 10 000 Path objects
        except OSError:
            return

    def _descriptors(self) -> int:
        return (self._proc / "fd").stat().st_size  # Linux 6.2; 0 before

    def _started(self) -> float:
        ticks = int((self._proc / "stat").read_text().rpartition(")")[2].split()[19])
        up = float((self._proc.parent / "uptime").read_text().split()[0])
        return round(time.time() - up + ticks / os.sysconf("SC_CLK_TCK"), 1)
