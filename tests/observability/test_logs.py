"""Log lines: declared, redacted, thinned out, and never in anybody's way."""

import json
import logging
import os
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observability import names
from observability.logs import LibraryLines, Log, LogSettings, Repeats, RotatingFile, Sink, make_log, to_descriptor
from observability.names import LogEvent
from tests.observability.shown import MemorySink

NOW = 1_700_000_000.25


def log(sink, clock=lambda: NOW, **settings):
    strict = settings.pop("strict", True)
    return Log(LogSettings(**{"level": "debug", **settings}), [sink], now=clock, strict=strict)


def wait_until(done):
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline, "waited ten seconds in vain"
        time.sleep(0.005)


def test_a_line_is_one_json_object_in_a_fixed_order():
    sink = MemorySink()
    log(sink, service="heliograph", instance="a").write(names.CONNECTION_CLOSED, code=3001, user="", rtt=None)
    (raw,) = sink.raw
    assert raw == (
        b'{"timestamp":"2023-11-14T22:13:20.250000Z","level":"info","event":"connection.closed",'
        b'"service":"heliograph","instance":"a","code":3001}\n'
    )


def test_the_second_of_the_timestamp_moves():
    times = iter([NOW, NOW + 0.7, NOW + 1.0])
    sink = MemorySink()
    ours = log(sink, lambda: next(times))
    for _ in range(3):
        ours.write(names.SERVICE_READY)
    assert [json.loads(line)["timestamp"][-10:] for line in sink.raw] == ["20.250000Z", "20.950000Z", "21.250000Z"]


def test_what_is_below_the_level_costs_nothing():
    sink = MemorySink()
    quiet = log(sink, level="warning")
    quiet.write(names.CONNECTION_CLOSED)
    quiet.write(names.LOOP_STALLED)
    assert [json.loads(line)["event"] for line in sink.raw] == ["loop.stalled"]


@pytest.mark.parametrize(("word", "written"), [("trace", 2), ("warn", 1), ("fatal", 0), ("none", 0)])
def test_centrifugos_words_for_levels(word, written):
    sink = MemorySink()
    ours = log(sink, level=word)
    ours.write(names.CONNECTION_CLOSED)
    ours.write(names.LOOP_STALLED)
    assert len(sink.raw) == written


def test_repeats_are_thinned_out_and_told():
    moment = [NOW]
    sink = MemorySink()
    ours = log(sink, lambda: moment[0])
    for _ in range(50):
        ours.write(names.MESSAGE_LATE)
    moment[0] += 1
    ours.write(names.MESSAGE_LATE)
    assert len(sink.raw) == 11
    assert json.loads(sink.raw[-1])["suppressed"] == 40


@given(st.lists(st.floats(0, 0.3), max_size=200))
def test_no_line_is_forgotten(steps):
    repeats, now, written, told = Repeats(3), 0.0, 0, 0
    for step in steps:
        now += step
        left_out = repeats.allow("x", now)
        written += left_out >= 0
        told += max(left_out, 0)
    told += max(repeats.allow("x", now + 1), 0)
    assert written + told == len(steps)


@pytest.mark.parametrize(
    "key", ["token", "client_secret", "password", "Authorization", "cookie", "api_key", "X-API-Key"]
)
def test_no_secret_leaves_under_its_own_key(key):
    sink = MemorySink()
    log(sink, strict=False).write(names.SERVICE_NOTE, **{key: "hunter2"})
    assert b"hunter2" not in sink.raw[0]


@pytest.mark.parametrize(
    "text",
    [
        "bad token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl here",
        "GET /x?token=hunter2-hunter2",
        "Authorization: hunter2-hunter2",
        "api_key=hunter2-hunter2",
    ],
)
@pytest.mark.parametrize("key", ["reason", "error", "exception", "message", "path"])
def test_no_secret_leaves_inside_a_text(text, key):
    sink = MemorySink()
    log(sink).write(names.SERVICE_NOTE, **{key: text})
    assert b"hunter2" not in sink.raw[0]
    assert b"eyJzdWIi" not in sink.raw[0]
    assert b"[hidden]" in sink.raw[0]


@given(st.text(st.characters(codec=None)))
def test_any_text_makes_a_line(text):
    """Half characters too, as they come from paths and headers."""
    sink = MemorySink()
    log(sink).write(names.SERVICE_NOTE, message=text)
    assert json.loads(sink.raw[0])["event"] == "service.note"
    assert sink.raw[0].count(b"\n") == 1


def test_undeclared_events_and_keys_are_errors_in_tests():
    with pytest.raises(AssertionError, match="not declared"):
        log(MemorySink()).write(LogEvent("a.stranger", "info", ""))
    with pytest.raises(AssertionError, match="not declared"):
        log(MemorySink()).write(names.SERVICE_NOTE, stranger=1)


def test_a_full_stdout_pipe_blocks_nobody():
    """What a stopped reader costs is lines, counted; the file beside it goes on."""
    reading, writing = os.pipe()
    try:
        stuck = Sink("stdout", to_descriptor(writing), 200_000)
        stuck.start()
        ours = log(stuck)
        began = time.perf_counter()
        for _ in range(5000):
            ours.write(names.CONNECTION_CLOSED, reason="x" * 100)
        assert time.perf_counter() - began < 2
        assert stuck.dropped > 1000
        stuck.begin_stop()
        assert not stuck.stopped
    finally:
        os.close(reading)
        wait_until(lambda: stuck.stopped)
        os.close(writing)


def test_a_descriptor_that_somebody_made_non_blocking_loses_nothing():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    data = b"x" * 300_000
    thread = threading.Thread(target=to_descriptor(writing), args=(data,))
    thread.start()
    read = b""
    while len(read) < len(data):
        read += os.read(reading, 65536)
    thread.join()
    os.close(reading)
    os.close(writing)
    assert read == data


def test_a_stopped_sink_has_written_everything_in_order():
    written: list[bytes] = []
    sink = Sink("stdout", written.append, 1_000_000)
    for number in range(1000):
        sink.put(b"%d\n" % number)
    sink.start()
    sink.begin_stop()
    wait_until(lambda: sink.stopped)
    assert b"".join(written).split() == [b"%d" % number for number in range(1000)]
    assert sink.dropped == 0


def test_a_sink_that_was_never_started_does_not_hold_up_the_end():
    assert Sink("stdout", lambda _data: None, 1).stopped


def test_a_full_disk_is_a_loss_and_no_more():
    def full(_data):
        raise OSError(28, "No space left on device")

    sink = Sink("file", full, 1000)
    sink.put(b"x\n")
    sink.start()
    sink.begin_stop()
    wait_until(lambda: sink.stopped)
    assert sink.dropped == 1


def test_a_file_is_rotated_with_whole_lines(tmp_path):
    path = tmp_path / "logs" / "heliograph.log"
    write = RotatingFile(str(path), 1000)
    for number in range(500):
        write(b"%06d\n" % number)
    parts = [path.with_name(f"heliograph.log.{n}") for n in (3, 2, 1)] + [path]
    assert sorted(f.name for f in path.parent.iterdir()) == sorted(f.name for f in parts)
    assert all(part.stat().st_size <= 1000 for part in parts)
    lines = b"".join(part.read_bytes() for part in parts).split()
    assert lines == [b"%06d" % number for number in range(500 - len(lines), 500)]


def test_a_file_that_cannot_be_is_told_before_the_first_line(tmp_path):
    (tmp_path / "file").write_text("")
    assert RotatingFile(str(tmp_path / "file" / "x.log"), 1000).trouble() in ("Not a directory", "File exists")
    assert RotatingFile(str(tmp_path), 1000).trouble() == "Is a directory"
    write = RotatingFile(str(tmp_path / "new" / "x.log"), 1000)
    assert write.trouble() == ""
    write(b"one\n")
    assert (tmp_path / "new" / "x.log").read_bytes() == b"one\n"


def test_an_existing_file_is_appended_to(tmp_path):
    path = tmp_path / "heliograph.log"
    path.write_bytes(b"old\n")
    RotatingFile(str(path), 1000)(b"new\n")
    assert path.read_bytes() == b"old\nnew\n"


def test_the_settings_say_which_sinks_there_are(tmp_path):
    assert [s.name for s in make_log(LogSettings(file=str(tmp_path / "x"))).sinks] == ["stdout", "file"]
    assert make_log(LogSettings(stdout=False)).sinks == ()


@pytest.mark.shows("library.warning", "library.error")
def test_what_libraries_log_comes_into_our_lines(telemetry):
    handler = LibraryLines(telemetry.telemetry.log)
    logger = logging.getLogger("a.library")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.warning("slow %s", "Collector")
        logger.info("not of interest")
        try:
            raise ValueError("token=hunter2")
        except ValueError:
            logger.exception("it broke")
    finally:
        logger.removeHandler(handler)
    warning, error = telemetry.lines
    assert (warning["event"], warning["logger"], warning["message"]) == (
        "library.warning", "a.library", "slow Collector",
    )  # fmt: skip
    assert (error["event"], error["level"]) == ("library.error", "error")
    assert "ValueError" in error["exception"]
    assert "hunter2" not in error["exception"]


@pytest.mark.shows("heliograph_logs_dropped_total")
def test_dropped_lines_are_counted(telemetry):
    telemetry.sink.dropped = 3
    assert telemetry.value(names.LOGS_DROPPED, "stdout") == 3


def test_seconds_have_six_digits():
    sink = MemorySink()
    log(sink).write(names.CONNECTION_CONNECTED, seconds=0.000048519999836571515)
    assert json.loads(sink.raw[-1])["seconds"] == 0.000049
