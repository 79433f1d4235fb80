"""The healthcheck: 0 for 200, 1 for anything else, and always an end."""

import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.probe import healthy


class Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 503)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def served():
    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_two_hundred_is_healthy(served):
    assert healthy(f"{served}/ready")


def test_anything_else_is_not(served):
    assert not healthy(f"{served}/other")
    assert not healthy("http://127.0.0.1:1/ready")


def test_what_never_answers_is_not_waited_for():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert not healthy(f"http://127.0.0.1:{silent.getsockname()[1]}/", patience=0.2)
        assert time.monotonic() - began < 2


def test_the_command_ends_with_a_code(served):
    run = [sys.executable, "-m", "deploy.probe"]
    assert subprocess.run([*run, f"{served}/ready"], timeout=20).returncode == 0
    assert subprocess.run([*run, f"{served}/other"], timeout=20).returncode == 1
