"""The units: systemd understands them, and their commands serve with the files that docs/install.md names."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tests.docs.running import blocks
from tests.e2e.served import free_port

ROOT = Path(__file__).parents[2]
UNITS = {each.name: each.read_text() for each in sorted((ROOT / "deploy" / "systemd").glob("*.service"))}
PATIENCE = 20.0


def said(name, unit="heliograph.service"):
    """The unit's values of this name."""
    return re.findall(rf"^{name}=(.*)$", UNITS[unit], re.MULTILINE)


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_it(tmp_path, name):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    program = tmp_path / ".venv" / "bin" / Path(said("ExecStart", name)[0].split()[0]).name
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / name
    unit.write_text(UNITS[name].replace("/opt/heliograph", str(tmp_path)))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60)
    assert name not in done.stderr
    assert done.returncode == 0


@pytest.fixture
def environment(tmp_path):
    """The page's file of secrets; ports, and the place for the log, are the test's."""
    (text,) = blocks("docs/install.md", "sh")
    values = dict(line.split("=", 1) for line in text.splitlines())
    assert said("EnvironmentFile") == ["-/etc/heliograph/environment"]
    own = {
        "HELIOGRAPH_HTTP_SERVER_PORT": str(free_port()),
        "HELIOGRAPH_HTTP_SERVER_INTERNAL_PORT": str(free_port()),
        "HELIOGRAPH_LOG_FILE": str(tmp_path / "heliograph.log"),
    }
    return {**os.environ, "PYTHONPATH": str(ROOT), **values, **own}


def test_its_command_serves_with_the_page_s_files_and_obeys(environment, tmp_path):
    """Ready; a reload harms nothing; a stop is an orderly end within its time."""
    (configuration,) = blocks("docs/install.md", "yaml")
    file = tmp_path / "config.yaml"
    file.write_text(configuration)
    program, *arguments = shlex.split(said("ExecStart")[0])
    assert program == "/opt/heliograph/.venv/bin/heliograph"
    arguments = [str(file) if each == "/etc/heliograph/config.yaml" else each for each in arguments]
    process = subprocess.Popen([sys.executable, "-m", "service", *arguments], cwd=tmp_path, env=environment)
    try:
        ready = f"http://127.0.0.1:{environment['HELIOGRAPH_HTTP_SERVER_INTERNAL_PORT']}/ready"
        wait_for(ready, process)
        assert said("ExecReload") == ["/bin/kill -HUP $MAINPID"]
        process.send_signal(signal.SIGHUP)
        wait_for(ready, process)
        process.terminate()
        assert process.wait(float(said("TimeoutStopSec")[0])) == 0
    finally:
        process.kill()
        process.wait()


def test_the_pager_s_command_serves_with_the_examples_and_obeys(tmp_path):
    """The folder of the checkout is its own, so that it finds its module and the runbooks; the inbox is elsewhere."""
    unit, port = "heliograph-pager.service", free_port()
    assert said("WorkingDirectory", unit) == ["/opt/heliograph"]
    places = {
        "/etc/heliograph/pager.yml": ROOT / "alerts" / "pager.example.yml",
        "/etc/heliograph/rota.yml": ROOT / "alerts" / "rota.example.yml",
        f"/var/lib/{said('StateDirectory', unit)[0]}/inbox.sqlite3": tmp_path / "inbox.sqlite3",
    }
    program, *arguments = shlex.split(said("ExecStart", unit)[0])
    assert program == "/opt/heliograph/.venv/bin/python"
    assert places.keys() <= set(arguments)
    arguments = [str(places.get(each, each)) for each in arguments]
    process = subprocess.Popen([sys.executable, *arguments, "--port", str(port)], cwd=ROOT)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        process.terminate()
        assert process.wait(float(said("TimeoutStopSec", unit)[0])) == 0
    finally:
        process.kill()
        process.wait()


def wait_for(ready, process):
    end = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(ready, timeout=5) as answer:
            assert answer.status == 200
            return
        assert process.poll() is None, "it ended"
        assert time.monotonic() < end
        time.sleep(0.02)
