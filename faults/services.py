"""Faults of whole services: stopped, frozen, killed, deployed; and of the files that they are told to read again."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Final

import yaml

from faults.running import Running

_CONFIG: Final = "/etc/prometheus/prometheus.yml"
_RULES: Final = "/etc/prometheus/rules"
_AMBIGUOUS: Final = "up / on () up"  # which of many belongs to which of many?
_ALIVE: Final = 1.5  # seconds that a crashing service lives: a scrape sees it


@contextlib.asynccontextmanager
async def stopped(lab: Running, *names: str) -> AsyncIterator[None]:
    """As ``docker compose stop``."""
    for name in names:
        await asyncio.to_thread(lab.stack.stop_service, name)
    try:
        yield
    finally:
        for name in names:
            await asyncio.to_thread(lab.stack.start_service, name)


@contextlib.asynccontextmanager
async def frozen(lab: Running, name: str) -> AsyncIterator[None]:
    """It is there, accepts connections, and does nothing."""
    lab.stack.signal(name, signal.SIGSTOP)
    try:
        yield
    finally:
        lab.stack.signal(name, signal.SIGCONT)


@contextlib.asynccontextmanager
async def killed(lab: Running, name: str, away: float) -> AsyncIterator[None]:
    """Killed with -9, and started anew some seconds later, as a supervisor does."""
    await asyncio.to_thread(lab.stack.stop_service, name, signal.SIGKILL)
    await asyncio.sleep(away)
    await asyncio.to_thread(lab.stack.start_service, name)
    yield


@contextlib.asynccontextmanager
async def deployed(lab: Running, name: str) -> AsyncIterator[None]:
    """Stopped in order, and started again at once."""
    await asyncio.to_thread(lab.stack.stop_service, name)
    await asyncio.to_thread(lab.stack.start_service, name)
    yield


@contextlib.asynccontextmanager
async def crashing(lab: Running, name: str) -> AsyncIterator[None]:
    """It dies as soon as it is there, and is started anew, again and again; healed it stays."""
    over = asyncio.Event()

    async def crash() -> None:
        while not over.is_set():
            await asyncio.to_thread(lab.stack.stop_service, name, signal.SIGKILL)
            await asyncio.to_thread(lab.stack.start_service, name)
            await asyncio.sleep(_ALIVE)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(crash())
        try:
            yield
        finally:
            over.set()


@contextlib.asynccontextmanager
async def misread(lab: Running) -> AsyncIterator[None]:
    """Prometheus is told to read a configuration that is none."""
    with _written(lab.mounted("prometheus", _CONFIG), lambda text: f"{text}\nscrape_configs: of somebody in a hurry\n"):
        lab.stack.signal("prometheus", signal.SIGHUP)
        yield
    lab.stack.signal("prometheus", signal.SIGHUP)


@contextlib.asynccontextmanager
async def forgotten(lab: Running) -> AsyncIterator[None]:
    """Prometheus is told to look at a program that is not there."""
    with _written(lab.mounted("prometheus", _CONFIG), _with_target):
        lab.stack.signal("prometheus", signal.SIGHUP)
        yield
    lab.stack.signal("prometheus", signal.SIGHUP)


def _with_target(text: str) -> str:
    config = yaml.safe_load(text)
    config["scrape_configs"].append({"job_name": "forgotten", "static_configs": [{"targets": ["127.0.0.1:9"]}]})
    return yaml.safe_dump(config)


@contextlib.asynccontextmanager
async def contradicting(lab: Running) -> AsyncIterator[None]:
    """A rule comes that is well written, and fails on what is there."""
    rule = lab.mounted("prometheus", _RULES) / "of_the_lab.yml"
    rule.write_text(yaml.safe_dump({"groups": [{"name": "lab", "rules": [{"record": "lab:up", "expr": _AMBIGUOUS}]}]}))
    lab.stack.signal("prometheus", signal.SIGHUP)
    try:
        yield
    finally:
        rule.unlink()
        lab.stack.signal("prometheus", signal.SIGHUP)


@contextlib.contextmanager
def _written(file: Path, change: Callable[[str], str]) -> Iterator[None]:
    """Its content is changed, meanwhile; in its place, since a container may see the file itself."""
    before = file.read_text(encoding="utf-8")
    file.write_text(change(before), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(before, encoding="utf-8")
