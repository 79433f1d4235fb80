"""The real server as a process of its own, and the backend that publishes to it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import jwt

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET, KEY = "a-secret-for-tests-of-32-bytes-length", "an-api-key-for-tests"
OPEN = {
    "allow_subscribe_for_client": True,
    "allow_publish_for_client": True,
    "allow_history_for_client": True,
}
RECOVERABLE = {**OPEN, "history_size": 1000, "history_ttl": "300s", "force_recovery": True}
PATIENCE = 20.0


def configuration(**changes: Any) -> dict[str, Any]:
    """A configuration as Centrifugo 6 writes it: clients may do all in every channel; `stream:` keeps history."""
    whole: dict[str, Any] = {
        "client": {"token": {"hmac_secret_key": SECRET}, "recovery_max_publication_limit": 1000},
        "http_api": {"key": KEY},
        "channel": {
            "without_namespace": OPEN,
            "namespaces": [{"name": "stream", **RECOVERABLE}],
        },
    }
    for place, value in changes.items():
        *path, last = place.split("__")
        inner = whole
        for name in path:
            inner = inner.setdefault(name, {})
        inner[last] = value
    return whole


def token(user: str, lives: float = 3600, **claims: Any) -> str:
    """A connection token."""
    return jwt.encode({"sub": user, "exp": int(time.time() + lives), **claims}, SECRET, "HS256")


def free_port() -> int:
    """A port nobody listens on, outside the ephemeral range's grasp for as long as it takes to start a server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Served:
    """`with Served(folder) as server:` runs it; `kill`, `start` and `stop` in between are a test's own business."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None, **environment: str) -> None:
        self.port, self.internal_port = free_port(), free_port()
        self.config = folder / "config.json"
        self.config.write_text(json.dumps(configuration() if settings is None else settings))
        self.log = folder / "server.log"
        self._environment = {**os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/connection/websocket"

    @property
    def pid(self) -> int:
        assert self.process is not None, "not started"
        return self.process.pid

    def start(self) -> None:
        """Starts it and waits until it is ready."""
        command = [sys.executable, "-m", "service", "serve", "--config", str(self.config)]
        command += ["--port", str(self.port), "--internal-port", str(self.internal_port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=self._environment)
        end = time.monotonic() + PATIENCE
        while self.status("/ready", internal=True) != 200:
            assert self.process.poll() is None, f"the server ended:\n{self.log.read_text()[-3000:]}"
            assert time.monotonic() < end, f"the server did not become ready:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.02)

    def stop(self) -> tuple[int, float]:
        """SIGTERM; the exit code and how many seconds it took."""
        assert self.process is not None, "not started"
        began = time.monotonic()
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return code, time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL, as a machine that loses power."""
        assert self.process is not None, "not started"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> "Served":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def status(self, path: str, *, internal: bool = False) -> int:
        """The HTTP status of a GET; 0 when nobody answers."""
        with contextlib.suppress(OSError):
            try:
                with urllib.request.urlopen(self._at(path, internal=internal), timeout=5) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return int(error.code)
        return 0

    def get(self, path: str, *, internal: bool = False) -> str:
        """The body of a GET."""
        with urllib.request.urlopen(self._at(path, internal=internal), timeout=5) as answer:
            body: bytes = answer.read()
        return body.decode()

    def _at(self, path: str, *, internal: bool) -> str:
        return f"http://127.0.0.1:{self.internal_port if internal else self.port}{path}"

    def api(self, method: str, **params: Any) -> dict[str, Any]:
        """One call of the server API; the `result`, or AssertionError with what it said."""
        request = urllib.request.Request(
            self._at(f"/api/{method}", internal=False),
            json.dumps(params).encode(),
            {"X-API-Key": KEY, "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
        assert "error" not in said, said
        result: dict[str, Any] = said["result"]
        return result

    def api_whole(self, method: str, **params: Any) -> dict[str, Any]:
        """One call of the server API whose answer has no `result`."""
        request = urllib.request.Request(
            self._at(f"/api/{method}", internal=False), json.dumps(params).encode(), {"X-API-Key": KEY}
        )
        with urllib.request.urlopen(request, timeout=5) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def publish(self, channel: str, data: Any, **params: Any) -> dict[str, Any]:
        """Publishes as a backend does."""
        return self.api("publish", channel=channel, data=data, **params)

    def figure(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels, 0.0 when there is none."""
        total = 0.0
        for line in self.get("/metrics", internal=True).splitlines():
            sample = line.partition(" # ")[0]  # an exemplar may follow
            if sample.split("{")[0].split(" ")[0] != name or line.startswith("#"):
                continue
            if all(f'{key}="{value}"' in sample for key, value in labels.items()):
                total += float(sample.rpartition("}")[2].split()[0] if "}" in sample else sample.split()[1])
        return total
