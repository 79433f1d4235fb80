"""``heliograph load`` from the shell: options become a plan, conditions an exit code, the account files."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from service import load_command
from service.commands import app
from service.lab.load.plan import Weak
from tests.e2e.served import Served

ROOT = Path(__file__).parents[2]


@pytest.fixture
def asked(monkeypatch):
    """What a command line asks for, without doing it."""
    seen = {}

    def run(plan, tokens, processes, watch, conditions, files):
        seen.update(plan=plan, tokens=tokens, processes=processes, watch=watch, conditions=conditions, files=files)
        return 0

    monkeypatch.setattr(load_command, "_run", run)

    def ask(*words):
        result = CliRunner().invoke(app, ["load", "--anonymous", *words])
        seen.update(code=result.exit_code, said=result.stderr)
        return seen

    return ask


def test_every_option_is_in_the_plan(asked):
    plan = asked(
        "--server", "https://example.org/", "--users", "5000", "--channels", "500", "--subscriptions", "2",
        "--namespace", "stream", "--rate", "200", "--size", "64", "--arrivals", "100", "--duration", "30m",
        "--delayed", "30", "--delay", "2s", "--drop", "15", "--drop-every", "1m", "--bad", "10", "--bad-every", "2m",
        "--churn", "3", "--ping-flood", "1", "--ping-rate", "100", "--weak", "share=20,delay=100ms", "--seed", "7",
        "--cafile", "ca.pem", "--insecure",
    )["plan"]  # fmt: skip
    assert plan.url == "wss://example.org/connection/websocket"
    told = {**plan.told(), "run": "", "url": ""}
    assert told == {
        "run": "", "url": "", "users": 5000, "channels": 500, "subscriptions": 2, "namespace": "stream", "rate": 200.0,
        "size": 64, "arrivals": 100.0, "duration": 1800.0, "drain": 15.0, "delayed": 30.0, "delay": 2.0, "drop": 15.0,
        "drop_every": 60.0, "bad": 10.0, "bad_every": 120.0, "churn": 3.0, "flood": 1.0, "flood_rate": 100.0,
        "weak": {"share": 20.0, "delay": 0.1, "jitter": 0.0, "loss": 0.0, "rate": 0.0}, "seed": 7, "cafile": "ca.pem",
        "verify": False,
    }  # fmt: skip


def test_what_goes_without_saying(asked):
    seen = asked("--users", "10", "--metrics", "none", "--assert", "lost=0", "--assert", "p99<=1s")
    assert (seen["plan"].url, seen["plan"].weak) == ("ws://127.0.0.1:8000/connection/websocket", Weak())
    assert seen["tokens"] == [""] * 10
    assert [each.text for each in seen["conditions"]] == ["lost=0", "p99<=1s"]
    assert (seen["files"], seen["code"]) == ((None, None), 0)


@pytest.mark.parametrize(
    ("server", "metrics"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:9000/metrics"),
        ("https://push.example.org", "http://push.example.org:9000/metrics"),
        ("http://[::1]:8000", "http://[::1]:9000/metrics"),
    ],
)
def test_metrics_are_those_of_the_server_that_is_asked(asked, server, metrics):
    assert asked("--server", server)["watch"]._url == metrics


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--duration", "soon"], "30s"),
        (["--weak", "fog=1"], "jitter"),
        (["--assert", "lose=0"], "known are"),
        (["--users", "5", "--subscriptions", "20"], "channels"),
        (["--drop", "120"], "percent"),
        (["--server", "http://[::1"], "looks like ws://"),
        (["--server", "http://localhost:port"], "looks like ws://"),
        (["--json", "/nowhere/load.json"], "/nowhere/load.json: cannot be written: No such file or directory"),
        (["--picture", "/"], "/: cannot be written: Is a directory"),
    ],
)
def test_a_mistake_is_told_before_anything_begins(asked, words, hint):
    seen = asked(*words)
    assert seen["code"] == 2
    assert hint in seen["said"]
    assert "plan" not in seen


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("server")) as served:
        yield served


def load(server, *words):
    command = [sys.executable, "-m", "service", "load", "--config", str(server.config), "--namespace", "stream"]
    command += ["--server", f"http://127.0.0.1:{server.port}", "--users", "20", "--channels", "2", "--rate", "40"]
    command += ["--metrics", f"http://127.0.0.1:{server.internal_port}/metrics", "--duration", "2s", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_terminal_s_ctrl_c_ends_publishing_and_the_account_follows(server, number):
    """It reaches every process of the group."""
    command = [sys.executable, "-m", "service", "load", "--config", str(server.config), "--namespace", "stream"]
    command += ["--server", f"http://127.0.0.1:{server.port}", "--users", "20", "--channels", "2", "--duration", "5m"]
    with subprocess.Popen(
        [*command, "--metrics", "none"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            while "publishing: ready 20" not in (line := process.stderr.readline()):
                assert line, "it ended before it published"
            os.killpg(process.pid, number)
            said, complaints = process.communicate(timeout=60)
        finally:
            process.kill()
    assert "lost 0" in said, complaints
    assert "Traceback" not in complaints
    assert process.returncode == 0


@pytest.mark.slow
def test_conditions_that_hold_are_exit_code_0_and_the_files_say_it_all(server, tmp_path):
    whole, picture = tmp_path / "load.json", tmp_path / "load.svg"
    ran = load(
        server, "--assert", "lost=0", "--assert", "duplicated=0", "--assert", "reordered=0", "--assert", "refused=0",
        "--assert", "unknown_causes=0", "--assert", "p99<=5s", "--json", str(whole), "--picture", str(picture),
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    account = json.loads(whole.read_text())
    assert account["failed"] == []
    assert account["figures"]["delivered"] == account["figures"]["expected"] > 300
    assert account["server"]["before"]["rss"] > 1e6
    assert account["server"]["after"]["objects"] > 1e4
    assert account["plan"]["users"] == 20
    assert len(list(ET.fromstring(picture.read_text()).iter("{http://www.w3.org/2000/svg}polyline"))) == 3
    assert "lost 0, told 0, duplicated 0, reordered 0" in ran.stdout
    assert "load: publishing: ready 20" in ran.stderr


@pytest.mark.slow
def test_one_that_does_not_hold_is_exit_code_1_and_says_so(server):
    ran = load(server, "--assert", "delivered=1", "--json", "-")
    assert ran.returncode == 1
    assert "FAILED       delivered=1: delivered is " in ran.stderr
    assert json.loads(ran.stdout)["failed"][0].startswith("delivered=1")


@pytest.mark.slow
def test_a_server_without_metrics_is_no_trouble_unless_it_is_asked_about(server):
    ran = load(server, "--metrics", "http://127.0.0.1:1/metrics", "--assert", "lost=0", "--assert", "fds_left<=2")
    assert ran.returncode == 1
    assert (
        "trouble      the server's own figures are not known, http://127.0.0.1:1/metrics does not give them"
        in ran.stdout
    )
    assert "fds_left<=2: fds_left is not known" in ran.stdout
    assert "FAILED       lost" not in ran.stdout
