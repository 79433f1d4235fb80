"""``make stack`` as a command: everything up, its addresses answer, Ctrl-C ends all and leaves nothing."""

import os
import re
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from deploy.native.programs import PROGRAMS, find

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
ROOT = Path(__file__).parents[2]
PATIENCE = 90.0


@pytest.fixture
def stack(tmp_path):
    """The command, started as a user's terminal does: in a process group of its own."""
    missing = [program.name for program in PROGRAMS if find(program.name) is None]
    if missing:
        pytest.skip(f"the stack's programs are not built ({', '.join(missing)}): make programs")
    arguments = (
        f"ARGS=--any-port --fresh --measure 2 --set HELIOGRAPH_NODE_NAME=of-this-test --state {tmp_path / 'state'}"
    )
    output = tmp_path / "output"
    with output.open("wb") as log:
        running = subprocess.Popen(
            ["make", "-s", "stack", arguments],
            cwd=ROOT, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    yield running, output
    if running.poll() is None:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def said(stack, pattern):
    """The first match in the output, which comes or the command has failed."""
    running, output = stack
    end = time.monotonic() + PATIENCE
    while (found := re.search(pattern, output.read_text())) is None:
        assert running.poll() is None, output.read_text()
        assert time.monotonic() < end, output.read_text()
        time.sleep(0.1)
    return found


def parents():
    """(process id, its start time) → its parent's id, of all processes that live."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if fields[0] != "Z":
            found[int(process.name), int(fields[19])] = int(fields[1])
    return found


def family(ancestor):
    """All that the command started, and what those started."""
    everybody, found = parents(), {ancestor}
    while more := {pid for (pid, _), parent in everybody.items() if parent in found} - found:
        found |= more
    return {process for process in everybody if process[0] in found}


def test_everything_comes_up_answers_and_goes(stack):
    running, output = stack
    said(stack, "Ctrl-C stops all")
    pages = re.findall(r"^ +(\w+) +(http://\S+)$", output.read_text(), re.MULTILINE)
    assert [name for name, _ in pages] == ["heliograph", "jaeger", "prometheus", "alertmanager", "pager"]
    for _, address in pages:
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert answer.status == 200, address
    rows = re.findall(r"^(\w+) +(\d+) MB +(\d+) MB +[\d.]+%$", output.read_text(), re.MULTILINE)
    services = ["alertmanager", "collector", "heliograph", "jaeger", "load", "loki", "pager", "prometheus"]
    assert [name for name, _, _ in rows] == [*services, "together"]
    assert all(5 < int(now) <= int(most) for _, now, most in rows)
    assert "of-this-test" in output.with_name("state").joinpath("logs", "heliograph.log").read_text()
    started = family(running.pid)
    assert len(started) > len(pages)
    os.killpg(running.pid, signal.SIGINT)  # what a terminal does on Ctrl-C: to all of the group
    running.wait(60)
    assert "all stopped" in output.read_text()
    assert "Traceback" not in output.read_text()
    end = time.monotonic() + 10
    while (left := started & parents().keys()) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left
    assert running.returncode == -signal.SIGINT, "make tells of Ctrl-C so, when what it ran has ended well"
    assert "Error" not in output.read_text()
