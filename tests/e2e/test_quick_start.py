"""The first minutes of a newcomer: clone, `make run`, paste the printed curl line; both unmodified SDKs receive it."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from deploy.npm_packages import Unavailable, node_modules
from tests.e2e.served import ROOT
from tests.sdk.clients import JavaScript, Python

pytestmark = [pytest.mark.sdk, pytest.mark.slow, pytest.mark.timeout(600)]
PATIENCE = 400  # seconds: `make run` makes its environment first


def needs(*programs):
    if missing := [program for program in programs if not shutil.which(program)]:
        pytest.skip(f"{', '.join(missing)} not found")


def needs_port(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            pytest.skip(f"somebody listens on port {port}, where `make run` serves")


@contextlib.contextmanager
def make_run(clone, output):
    """`make run` in the clone, ended as Ctrl-C ends it."""
    kept = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "MAKEFLAGS", "MAKELEVEL"}}
    with output.open("wb") as sink:
        process = subprocess.Popen(
            ["make", "run"], cwd=clone, stdout=sink, stderr=sink, env=kept, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def banner(process, output):
    """What it printed until the curl line was complete."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        text = output.read_text(errors="replace")
        if re.search(r"^\s*curl\b(.*\\\n)*.*[^\\]\n", text, re.MULTILINE):
            return text
        assert process.poll() is None, f"`make run` ended:\n{text[-3000:]}"
        time.sleep(0.1)
    raise AssertionError(f"no banner within {PATIENCE} s:\n{output.read_text()[-3000:]}")


def printed(pattern, text):
    found = re.search(pattern, text, re.MULTILINE)
    assert found, f"the banner shows no {pattern}:\n{text[-3000:]}"
    return found.group()


async def test_a_newcomer_sees_a_message_arrive(tmp_path):
    needs("git", "make", "curl", "python3")
    needs_port(8000)
    try:
        packages = node_modules()
    except Unavailable as why:
        pytest.skip(str(why))
    clone, output = tmp_path / "heliograph", tmp_path / "output"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    sdks = [JavaScript(packages), Python()]
    with make_run(clone, output) as process:
        text = await asyncio.to_thread(banner, process, output)
        url = printed(r"ws://[\w.:]+/connection/websocket", text)
        token = printed(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text)
        curl = printed(r"^\s*curl\b(.*\\\n)*.*$", text)
        channel = printed(r'(?<="channel":)\s*"[^"]+"', curl.replace("\\", "")).strip().strip('"')
        for sdk in sdks:
            await sdk.connect(url, token)
            await sdk.subscribe(channel)
            await sdk.expect("subscribed", channel=channel)
        said = await asyncio.to_thread(
            subprocess.run, ["sh", "-c", curl], capture_output=True, text=True, timeout=20, check=True
        )
        assert '"result"' in said.stdout, said
        for sdk in sdks:
            await sdk.expect("publication", channel=channel)
        for sdk in sdks:
            await sdk.close()
    assert process.returncode in {0, 130, -signal.SIGINT, 2}  # 2: make itself was interrupted
