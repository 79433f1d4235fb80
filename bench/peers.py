"""Who is measured: Heliograph and the servers beside it, each started the same way."""

import atexit
import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench import build, envelope
from bench.processes import CLIENT_CORE, Piped, Server

HELIOGRAPH, C, AIOHTTP, WEBSOCKETS, NODE = (
    "heliograph",
    "C send()",
    "aiohttp send_str",
    "websockets.broadcast",
    "Node ws",
)


def heliograph(*, seeing: bool = True, namespaces: int = 0) -> Server:
    """The server itself with the bench's door in its process; `seeing` is everything on, traces exported to a sink."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": _sink()} if seeing else {"BENCH_BLIND": "1"}
    return Server([sys.executable, "-m", "bench.server"], {**environment, "BENCH_NAMESPACES": str(namespaces)})


def sampling(**options: str) -> Server:
    """The same with these options of `telemetry`; without any its traces go nowhere, since there are none."""
    environment = {f"HELIOGRAPH_TELEMETRY_{name.upper()}": value for name, value in options.items()}
    if options:
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = _sink()
    return Server([sys.executable, "-m", "bench.server"], environment)


@functools.cache
def _sink() -> str:
    """One for the whole run, on the core of the clients."""
    sink = Piped([sys.executable, "-m", "bench.sink"], CLIENT_CORE)
    atexit.register(sink.stop)
    return f"http://127.0.0.1:{sink.answer().split()[1]}"


def documents() -> Server:
    """The same, publishing documents of a KiB, compressed for whoever offers it."""
    return Server(
        [sys.executable, "-m", "bench.server"], {"OTEL_EXPORTER_OTLP_ENDPOINT": _sink(), "BENCH_DOCUMENTS": "1"}
    )


def c_send() -> Server:
    """The yardstick of performance: a loop of send() in C."""
    return Server([build.built("send"), "0", envelope.CHANNEL])


def aiohttp() -> Server:
    """Idiomatic aiohttp."""
    return Server([sys.executable, "-m", "bench.baselines.aiohttp_send_str"])


def websockets() -> Server:
    """The websockets library."""
    return Server([sys.executable, "-m", "bench.baselines.websockets_broadcast"])


def node() -> Server:
    """Node's ws."""
    modules = node_modules()
    assert modules is not None, "asked before"
    return Server(["node", build.ROOT / "bench/baselines/ws.mjs"], {"HELIOGRAPH_NODE_MODULES": str(modules)})


def node_modules() -> Path | None:
    """Where npm put `ws`, installing it on first use; None, with the reason printed, where there is no Node."""
    if not shutil.which("node") or not shutil.which("npm"):
        print("Node ws is left out: no node or npm here")
        return None
    done = subprocess.run(
        [sys.executable, "-m", "deploy.npm_packages"], cwd=build.ROOT, capture_output=True, text=True, env=os.environ
    )
    if done.returncode:
        print(f"Node ws is left out: {done.stderr.strip()}")
        return None
    return Path(done.stdout.strip())


def available() -> dict[str, Callable[[], Server]]:
    """The peers that can be started here, Heliograph first."""
    peers = {HELIOGRAPH: heliograph, C: c_send, AIOHTTP: aiohttp, WEBSOCKETS: websockets, NODE: node}
    if node_modules() is None:
        del peers[NODE]
    return peers
