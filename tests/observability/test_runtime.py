"""The loop's punctuality, the collector's pauses, and what the system knows."""

import asyncio
import gc
import os
import sys
import threading
import time
from typing import Any

import pytest

from observability import names, runtime
from observability.runtime import STALL, Collector, LoopWatch, Process, place


class HandLoop:
    """A loop whose timers are fired by hand."""

    def __init__(self):
        self.timer: Any = None

    def call_later(self, _delay, callback, *arguments):
        self.timer = (callback, arguments)
        return self

    def call_soon(self, callback, *arguments):
        callback(*arguments)

    def fire(self):
        callback, arguments = self.timer
        callback(*arguments)

    def cancel(self):
        self.timer = None


@pytest.fixture
def watched(telemetry):
    now = [100.0]
    watch = LoopWatch(telemetry.registry, telemetry.telemetry.log, lambda: now[0])
    loop: Any = HandLoop()
    watch.start(loop)
    yield watch, loop, now
    watch.stop()


@pytest.mark.shows("heliograph_event_loop_lag_seconds")
def test_a_punctual_tick_is_no_stall(watched, telemetry):
    watch, loop, now = watched
    later = telemetry.registry.histogram(names.PUBLISH_SECONDS).child()
    later.soon(0.01)
    now[0] += 0.103
    loop.fire()
    assert not later._unsorted, "what is to be sorted later is sorted at each tick"
    assert telemetry.value(names.LOOP_LAG) == 1
    assert telemetry.value(names.LOOP_STALLS) == 0
    assert watch.within(60.0) is None


@pytest.mark.shows("heliograph_event_loop_stalls_total", "heliograph_event_loop_stalled_seconds_total", "loop.stalled")
def test_a_late_tick_is_a_stall_that_is_remembered_for_a_while(watched, telemetry):
    watch, loop, now = watched
    now[0] += 1.1
    loop.fire()
    assert watch.within(5.0)[:2] == (pytest.approx(now[0] - 100.1), pytest.approx(1.0))
    for _ in range(49):
        now[0] += 0.1
        loop.fire()
        assert watch.within(5.0)[:2] == (pytest.approx(now[0] - 100.1), pytest.approx(1.0))
    now[0] += 0.15
    loop.fire()
    assert watch.within(5.0) is None
    assert telemetry.value(names.LOOP_STALLS) == 1
    assert telemetry.value(names.LOOP_STALLED_SECONDS) == pytest.approx(1.0)
    assert telemetry.line("loop.stalled")["seconds"] == 1.0


def test_a_stall_counts_before_the_tick_that_tells_it(watched):
    """Timers of others may run first after a standstill."""
    watch, _, now = watched
    now[0] += 0.1 + STALL
    ago, lasted, _ = watch.within(0.0)
    assert ago == lasted == pytest.approx(STALL)


def test_a_stopped_watch_tells_no_stalls(watched):
    watch, _, now = watched
    watch.stop()
    now[0] += 60
    assert watch.within(60.0) is None


def test_a_stall_excuses_peers_for_its_own_length_and_a_second(watched):
    watch, loop, now = watched
    assert watch.excuse() == 0.0
    now[0] += 1.6
    assert watch.excuse() == pytest.approx(1.75)  # before the tick that tells it: the lateness and a margin
    loop.fire()
    assert watch.excuse() == pytest.approx(1.75)
    for _ in range(27):
        now[0] += 0.1
        loop.fire()
        assert watch.excuse() == pytest.approx(1.75)
    now[0] += 0.1
    loop.fire()
    assert watch.excuse() == 0.0


def test_stalls_that_follow_each_other_add_up_but_not_for_ever(watched):
    watch, loop, now = watched
    for _ in range(2):
        now[0] += 1.1
        loop.fire()
    assert watch.excuse() == pytest.approx(2.5)
    for _ in range(100):
        now[0] += 2.0
        loop.fire()
    assert watch.excuse() == runtime.MOST_EXCUSED


def test_a_short_standstill_excuses_and_is_told_nobody(watched, telemetry):
    watch, loop, now = watched
    now[0] += 0.1 + 0.15
    loop.fire()
    assert watch.excuse() == pytest.approx(0.4)
    assert telemetry.value(names.LOOP_STALLS) == 0


def test_the_last_stalls_can_be_asked_for(watched):
    watch, loop, now = watched
    for _ in range(30):
        now[0] += 1.0
        loop.fire()
    assert len(watch.stalls) == runtime.KEPT
    assert watch.stalls[-1][1].ended == now[0]


@pytest.mark.parametrize(("used", "where"), [(0.0, runtime.NOT_RUN), (1.5, runtime.NO_TURN)])
def test_a_stall_that_the_thread_did_not_see_says_why_it_has_no_line(watched, telemetry, monkeypatch, used, where):
    watch, loop, now = watched
    watch._ended.set()  # the thread looks no more
    watch._looked, watch._used = now[0], 7.0
    monkeypatch.setattr(runtime.time, "process_time", lambda: 7.0 + used)
    now[0] += 2.1
    loop.fire()
    assert telemetry.line("loop.stalled")["where"] == where
    assert watch.within(0.0)[2] == where


def test_a_stall_that_the_thread_looked_at_a_moment_ago_is_just_not_known(watched, telemetry):
    watch, loop, now = watched
    watch._ended.set()
    now[0] += 0.5
    watch._looked = now[0] - 0.1
    loop.fire()
    assert telemetry.line("loop.stalled")["where"] == "unknown"


def test_a_stall_is_found_from_within_and_after(watched):
    watch, loop, now = watched
    assert watch.within(1e9) is None
    now[0] += 1.1
    assert watch.within(0.5) == (pytest.approx(1.0), pytest.approx(1.0), "")  # not told yet
    loop.fire()
    now[0] += 0.1
    assert watch.within(0.05) is None
    assert watch.within(0.2)[:2] == (pytest.approx(1.1), pytest.approx(1.0))


async def test_a_real_stall_is_named_by_file_and_line(telemetry):
    watch = LoopWatch(telemetry.registry, telemetry.telemetry.log)
    watch.start(asyncio.get_running_loop())
    try:
        time.sleep(0.6)  # noqa: ASYNC251 - this is the fault
        await asyncio.sleep(0.05)
    finally:
        watch.stop()
    line = telemetry.line("loop.stalled")
    assert "test_runtime.py" in line["where"]
    assert "test_a_real_stall_is_named_by_file_and_line" in line["where"]
    assert line["seconds"] > 0.3


def test_a_place_in_a_library_is_led_to_by_ours():
    inside, leave = threading.Event(), threading.Event()

    def theirs():
        inside.set()
        leave.wait(10)

    scope: dict[str, Any] = {"__name__": "service.made.up", "theirs": theirs}
    exec(compile("def ours():\n    theirs()\n", "/x/service/made/up.py", "exec"), scope)  # noqa: S102
    thread = threading.Thread(target=scope["ours"])
    thread.start()
    inside.wait(10)
    found = place(sys._current_frames()[thread.ident or 0])
    leave.set()
    thread.join()
    assert found.startswith("service/made/up.py:2 ours > ")
    assert place(None) == ""


@pytest.mark.shows("heliograph_gc_pause_seconds")
def test_the_collectors_pauses_are_measured_and_its_policy_given_back(telemetry):
    before = gc.get_threshold()
    collector = Collector(telemetry.registry)
    loop: Any = HandLoop()
    gc.disable()  # as the command line does until everything is built
    collector.start(loop)
    try:
        assert gc.isenabled()
        assert gc.get_threshold() == runtime.THRESHOLDS
        gc.collect()
        assert telemetry.value(names.GC_PAUSE, "2") == 1
    finally:
        collector.stop()
    assert gc.get_threshold() == before
    gc.collect()
    assert telemetry.value(names.GC_PAUSE, "2") == 1
    assert gc.get_freeze_count() == 0


def test_each_thousand_connections_are_collected_and_frozen(telemetry, monkeypatch):
    frozen = []
    monkeypatch.setattr(runtime, "freeze", lambda: frozen.append(True))
    collector = Collector(telemetry.registry)
    loop: Any = HandLoop()
    collector.start(loop)
    try:
        for _ in range(2500):
            collector.opened()
    finally:
        collector.stop()
    assert len(frozen) == 3  # the first one at the start


async def test_a_freeze_that_takes_long_is_a_standstill_like_any_other(telemetry, monkeypatch):
    watch, collector = LoopWatch(telemetry.registry, telemetry.telemetry.log), Collector(telemetry.registry)
    loop = asyncio.get_running_loop()
    collector.start(loop)
    watch.start(loop)
    try:
        monkeypatch.setattr(gc, "collect", lambda: time.sleep(0.6))
        collector.opened(runtime.FREEZE_EACH)
        await asyncio.sleep(0.05)
    finally:
        monkeypatch.undo()
        watch.stop()
        collector.stop()
    line = telemetry.line("loop.stalled")
    assert "observability/runtime.py" in line["where"]
    assert " freeze > " in line["where"]
    assert line["seconds"] > 0.3


def test_garbage_is_collected_before_the_freeze():
    class Knot:
        def __init__(self):
            self.me = self

    knots = [Knot() for _ in range(10)]
    ids = {id(knot) for knot in knots}
    del knots
    try:
        runtime.freeze()
        assert not [found for found in gc.get_objects() if id(found) in ids and isinstance(found, Knot)]
    finally:
        gc.unfreeze()


@pytest.mark.shows("process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes")
@pytest.mark.shows("process_start_time_seconds", "process_open_fds", "process_max_fds", "heliograph_python_blocks")
def test_the_system_knows_this_process(telemetry):
    assert telemetry.value(names.PROCESS_CPU) > 0.01
    assert 5e6 < telemetry.value(names.PROCESS_RSS) < telemetry.value(names.PROCESS_VIRTUAL)
    assert abs(telemetry.value(names.PROCESS_START) - time.time()) < 3600
    before = telemetry.value(names.PYTHON_BLOCKS)
    held = [[number] for number in range(100_000)]
    assert telemetry.value(names.PYTHON_BLOCKS) > before + len(held)
    assert telemetry.value(names.PROCESS_MAX_FDS) >= telemetry.value(names.PROCESS_FDS) > 2


def test_the_start_is_asked_once_so_that_a_change_is_a_restart(tmp_path):
    """The clocks behind it jitter, and ``changes(process_start_time_seconds)`` counts every change."""
    (tmp_path / "uptime").write_text("100.0 90.0\n")
    proc = tmp_path / "self"
    (proc / "fd").mkdir(parents=True)
    (proc / "statm").write_text("300 200 1 1 0 1 0\n")
    (proc / "stat").write_text("1 (a name) " + " ".join(["0"] * 40))
    process = Process(proc)

    def start():
        return next(figure.value for figure in process.figures() if figure.name == names.PROCESS_START.name)

    first = start()
    (tmp_path / "uptime").write_text("100.9 90.0\n")
    assert start() == first
    assert next(f.value for f in Process(proc).figures() if f.name == names.PROCESS_START.name) != first


def test_where_the_kernel_does_not_tell_descriptors_are_counted_beside_the_loop(tmp_path):
    """As before Linux 6.2, where the folder's size is 0."""
    (tmp_path / "uptime").write_text("100.0 90.0\n")
    proc = tmp_path / "self"
    proc.mkdir()
    (proc / "statm").write_text("300 200 1 1 0 1 0\n")
    (proc / "stat").write_text("1 (a name) " + " ".join(["0"] * 40))
    old = Process(proc)
    (proc / "fd").symlink_to("/proc/sys/fs/inotify")  # a folder of size 0
    assert (proc / "fd").stat().st_size == 0
    assert open_files(old) == 0
    old.count_descriptors()
    assert open_files(old) == len(os.listdir("/proc/sys/fs/inotify")) > 0


def test_without_proc_there_is_less_to_tell(tmp_path):
    elsewhere = Process(tmp_path)
    elsewhere.count_descriptors()
    told = {figure.name for figure in elsewhere.figures()}
    assert told == {"process_cpu_seconds_total", "process_max_fds", "heliograph_python_blocks"}


def open_files(process):
    return next(figure.value for figure in process.figures() if figure.name == "process_open_fds")
