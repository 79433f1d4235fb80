"""``make stack``: the whole stack without Docker. Everything up, addresses printed, Ctrl-C stops all."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from deploy.native import build, memory
from deploy.native.compose import ComposeMistake, Service
from deploy.native.roots import ROOT, NotBuilt
from deploy.native.stack import Stack, StackFailed

_PAGES: Final = (
    ("heliograph", 8000, "/demo", "the server and its demo page"),
    ("jaeger", 16686, "", "traces (API and a placeholder page: the built program has no assets of the page)"),
    ("prometheus", 9090, "/api/v1/alerts", "metrics and rules (API; no page, likewise)"),
    ("alertmanager", 9093, "", "alerts and silences"),
    ("pager", 9099, "", "the inbox, and the runbooks"),
)
_GRAFANA: Final = (
    "Grafana is not started: no package here brings it (docker compose up does). Its boards are in grafana/generated."
)


def main(arguments: list[str] | None = None) -> int:
    """Until Ctrl-C or SIGTERM; the exit code."""
    parser = argparse.ArgumentParser(prog="make stack ARGS=...", description=__doc__)
    parser.add_argument("--lab", action="store_true", help="alerts within a minute: all waits divided by thirty")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs kept")
    parser.add_argument("--any-port", action="store_true", help="publish at free ports")
    parser.add_argument("--state", type=Path, default=ROOT / "build" / "stack", help="volumes and logs")
    parser.add_argument("--measure", type=float, metavar="SECONDS", help="tell what each service takes in this time")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="of the server's environment; repeatable"
    )
    asked = parser.parse_args(arguments)
    if strange := [each for each in asked.set if "=" not in each]:
        parser.error(f"--set takes NAME=VALUE, not {strange[0]}")
    more = dict(each.split("=", 1) for each in asked.set)
    if build.main([]):
        return 1
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    try:
        stack = Stack(
            asked.state.resolve(), lab=asked.lab, any_port=asked.any_port, change=lambda each: _with(each, more)
        )
        if asked.fresh:
            stack.wipe_volumes()
        return _run(stack, over, asked.measure)
    except (StackFailed, NotBuilt, ComposeMistake) as reason:
        _say(f"heliograph: {reason}")
    except OSError as error:
        _say(f"heliograph: {error}. Is a port of the stack taken? --any-port takes free ones.")
    return 1


def _with(service: Service, more: Mapping[str, str]) -> Service:
    if service.name != "heliograph":
        return service
    return replace(service, environment={**service.environment, **more})


def _run(stack: Stack, over: threading.Event, measured: float | None) -> int:
    where = "in namespaces of its own" if stack.spaces else "on this machine as it is: no namespaces can be had"
    _say(f"starting {len(stack.services)} services, {where}")
    for line in stack.differences:
        _say(f"  changed: {line}")
    began = time.monotonic()
    with stack:
        _say(f"up after {time.monotonic() - began:.1f} s\n")
        for service, port, page, what in _PAGES:
            _say(f"  {service:13} http://{stack.address(service, port)}{page}\n  {'':13} {what}")
        _say(f"\n{_GRAFANA}")
        _say(f"API key        {stack.volume('keys') / 'api_key'}\nlogs           {stack.state / 'logs'}")
        log = stack.volume("logs") / "heliograph.log"
        _say(f"why            .venv/bin/heliograph why --server '' --log {log} USER")
        if measured is not None:
            _measure(stack, over, measured)
        _say("\nCtrl-C stops all.")
        while not over.wait(1.0):
            stack.check()
        _say("stopping")
    _say("all stopped")
    return 0


def _measure(stack: Stack, over: threading.Event, seconds: float) -> None:
    """What the services take from now on; a signal makes it shorter."""
    pids = stack.pids()
    began, before = time.monotonic(), {name: memory.taken(pid) for name, pid in pids.items()}
    while not over.wait(1.0) and time.monotonic() < began + seconds:
        stack.check()
    after = {name: memory.taken(pid) for name, pid in pids.items()}
    took = time.monotonic() - began
    _say(f"\nover {took:.0f} s\n{memory.table(before, after, took)}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
