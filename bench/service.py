"""The very process an operator starts: `python -m service serve --config …`, on core 0, watched from outside."""

import http.client
import socket
import sys
import time
from pathlib import Path

import jwt
import msgspec

from bench import build
from bench.processes import SERVER_CORE, Running, Silent

SECRET = "the-bench-signs-with-32-bytes-or-more"
LOG = build.OUT / "service.log"
KEY = "the-bench-publishes-with-this"
CHANNEL_OPTIONS = {"allow_subscribe_for_client": True, "allow_subscribe_for_anonymous": True,
                   "allow_publish_for_client": True, "allow_publish_for_anonymous": True}  # fmt: skip
CONFIGURATION = {
    "client": {"token": {"hmac_secret_key": SECRET}, "allow_anonymous_connect_without_token": True},
    "http_api": {"key": KEY},
    "channel": {
        "without_namespace": CHANNEL_OPTIONS,
        "namespaces": [{"name": "present", "presence": True, **CHANNEL_OPTIONS}],
    },
    "health": {"enabled": True},
    "log": {"level": "info"},
}


def configuration_file(namespaces: int = 0) -> Path:
    """The configuration of all rows: anybody may subscribe and publish, no history; with further namespaces."""
    build.OUT.mkdir(parents=True, exist_ok=True)
    target = build.OUT / f"config{namespaces or ''}.json"
    whole = msgspec.json.decode(msgspec.json.encode(CONFIGURATION))
    further = {"history_size": 10, "history_ttl": "60s", "force_recovery": True, **CHANNEL_OPTIONS}
    whole["channel"]["namespaces"] += [{"name": f"n{number:03}", **further} for number in range(namespaces)]
    target.write_bytes(msgspec.json.encode(whole))
    return target


def token(user: str = "ada") -> str:
    """A connection token, HS256, one hour."""
    return jwt.encode({"sub": user, "exp": int(time.time()) + 3600}, SECRET, "HS256")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service(Running):
    """The server as its users run it; `started` is the time from exec to the first 200, in seconds."""

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        self.port, self.internal_port = free_port(), free_port()
        began = time.perf_counter()
        configuration = configuration_file()
        command = [sys.executable, "-m", "service", "serve", "--config", str(configuration)]
        command += ["--port", str(self.port), "--internal-port", str(self.internal_port)]
        with LOG.open("wb") as log:
            super().__init__(command, SERVER_CORE, environment, stdout=log)
        try:
            self._await_answer(began + 30)
        except BaseException:
            self.stop()
            raise
        self.started = time.perf_counter() - began

    def _await_answer(self, end: float) -> None:
        while self.status("/health") != 200:
            if self.process.poll() is not None or time.perf_counter() > end:
                raise Silent(f"the server did not start; see {LOG}")
            time.sleep(0.001)

    def status(self, path: str) -> int:
        """The status of a GET on the public port, 0 if nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()
