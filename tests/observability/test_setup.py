"""Building, starting, and above all stopping: whatever the Collector and stdout do."""

import asyncio
import gc
import json
import logging
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from observability import names, setup
from observability.metrics import Words
from observability.runtime import FREEZE_EACH, MARGIN, TICK
from observability.sampling import SamplingSettings
from observability.setup import TelemetrySettings

QUIET = TelemetrySettings(log_stdout=False)


@pytest.fixture
def black_hole():
    """A server that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(50)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.shows("telemetry.spans_lost")
def test_lost_spans_are_told_as_a_warning(telemetry):
    setup._lost(telemetry.telemetry.log, "export_failed", 512)
    line = telemetry.line("telemetry.spans_lost")
    assert (line["level"], line["reason"], line["count"]) == ("warning", "export_failed", 512)


def test_settings_reach_the_observers():
    words = Words(namespaces=("chat",))
    built = setup.build(TelemetrySettings(log_stdout=False, slow_message=0.5, version="9"), words)
    assert built.channels.slow == 0.5
    built.channels.joined("chat")
    assert built.registry.value(names.SUBSCRIBES) == 1
    assert not built.tracing


def test_without_an_endpoint_the_exporter_is_not_imported():
    program = """
        import sys
        from observability import setup
        setup.build(setup.TelemetrySettings(log_stdout=False))
        assert not [name for name in sys.modules if name.startswith(("opentelemetry", "grpc", "requests", "prometheus"))]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=30)


async def test_disabled_telemetry_tells_nobody_and_keeps_the_policies():
    now = [100.0]  # held: a heap that is frozen is a standstill, and so is a busy machine
    built = setup.build(TelemetrySettings(enabled=False))
    built.runtime.loop._clock = lambda: now[0]
    await built.start()
    assert built.runtime.excuse() == 0.0
    trace = built.channels.publishing("", "x", 1)
    built.channels.published(trace, "", "api", 0.1)
    for _ in range(FREEZE_EACH):
        built.upgrade.accepted(built.upgrade.began({}, "/"), "c", "")
    await asyncio.sleep(0)
    assert gc.get_freeze_count() > 0
    assert built.runtime.excuse() == 0.0
    now[0] += TICK + 1.0
    assert built.runtime.excuse() == pytest.approx(1.0 + MARGIN), "a standstill is excused"
    await built.stop()
    assert built.registry.value(names.PUBLICATIONS, "-", "api") == 0


async def test_lines_are_flushed_at_the_end(tmp_path):
    path = tmp_path / "heliograph.log"
    built = setup.build(TelemetrySettings(log_stdout=False, log_file=str(path), instance="me"))
    await built.start()
    built.service.started("a", "b")
    logging.getLogger("somebody").warning("a warning")
    await built.stop()
    logging.getLogger("somebody").warning("nobody listens any more")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["service.started", "library.warning"]
    assert lines[0]["instance"] == "me"


async def test_an_exception_in_a_callback_is_an_internal_error(telemetry):
    await telemetry.telemetry.start()
    loop = asyncio.get_running_loop()
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    loop.call_exception_handler({"message": "only a message"})
    await telemetry.telemetry.stop()
    assert telemetry.value(names.ERRORS, "internal") == 1
    assert "ZeroDivisionError" in telemetry.line("internal.error")["error"]
    assert telemetry.line("library.error")["message"].startswith("only a message")


@pytest.mark.parametrize("protocol", ["http", "grpc"])
async def test_a_collector_that_never_answers_costs_two_seconds_at_the_end_and_nothing_before(black_hole, protocol):
    settings = TelemetrySettings(
        log_stdout=False,
        otlp_endpoint=black_hole,
        otlp_protocol=protocol,
        sampling=SamplingSettings(traces_per_second=1e6),
    )
    built = setup.build(settings)
    await built.start()
    assert built.tracing
    worst = 0.0
    for _ in range(3000):
        began = time.perf_counter()
        trace = built.channels.publishing("", "x", 1)
        built.channels.published(trace, "", "api", 0.1)
        worst = max(worst, time.perf_counter() - began)
    assert worst < 0.2
    assert built.post is not None
    assert built.post.full
    assert built.channels.publishing("", "x", 1) is None
    began = time.perf_counter()
    await built.stop(timeout=2.0)
    assert time.perf_counter() - began < 2.5
    lost = sum(built.post.lost.values())
    assert lost + built.registry.value(names.SPANS_EXPORTED) >= 2048 - 512


@pytest.mark.parametrize("protocol", ["http", "grpc"])
@pytest.mark.slow
def test_a_process_with_a_silent_collector_and_a_stuck_stdout_ends_in_time(black_hole, protocol):
    """Nothing reads the child's stdout; its exit must not wait for the threads that are stuck.

    What it has to wait for its core, among other work of the machine, is not its own: the kernel tells that.
    """
    program = f"""
        import asyncio, signal, time
        signal.alarm(30)
        from observability import setup
        settings = setup.TelemetrySettings(otlp_endpoint="{black_hole}", otlp_protocol="{protocol}", instance="x" * 100)
        async def main():
            telemetry = setup.build(settings)
            await telemetry.start()
            for _ in range(2000):
                trace = telemetry.channels.publishing("", "x", 1)
                telemetry.channels.published(trace, "", "api", 0.1)
                telemetry.connections.closed(story)
            await asyncio.sleep(0.3)
            begin = time.monotonic()
            await telemetry.stop()
            assert time.monotonic() - begin < 2.5
        from observability.observers.connections import ConnectionStory
        story = ConnectionStory(connection_id="c", code=3001, cause="shutdown", initiator="server", lifetime=1.0)
        asyncio.run(main())
        import os
        os.write(2, b"%f %d" % (time.time(), int(open("/proc/self/schedstat").read().split()[1])))
    """
    reading, writing = os.pipe()
    try:
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program)], stdout=writing, stderr=subprocess.PIPE, text=True
        )
        with child.stderr:
            said = child.stderr.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        ended, waited = time.time(), int(Path(f"/proc/{child.pid}/schedstat").read_text().split()[1])
        assert child.wait() == 0, said
        last, before = said.splitlines()[-1].split()
        assert ended - float(last) - (waited - int(before)) / 1e9 < 1.0  # the way out after the last statement
    finally:
        os.close(reading)
        os.close(writing)
