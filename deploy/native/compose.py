"""docker-compose.yml as values. Pure but for reading the file; what it does not understand it refuses.

Only what our file uses is known: nothing in it can be without effect natively unless it stands in ``_CONTAINED``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

#: What makes sense for a container alone: the native run has no use for it.
_CONTAINED: Final = {"build", "restart", "init", "cap_drop", "cap_add", "security_opt", "mem_limit", "user"}
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


class ComposeMistake(Exception):  # noqa: N818 - says what it is
    """The file says something that is not understood here."""


@dataclass(frozen=True, slots=True)
class Mount:
    """What a container sees at ``target``: a file or folder of the repository, or a named volume."""

    source: str  # relative to the compose file when ``bind``, else the volume's name
    target: str
    bind: bool
    read_only: bool


@dataclass(frozen=True, slots=True)
class Published:
    """A port of a container on an address of the machine."""

    host: str
    port: int
    inside: int


@dataclass(frozen=True, slots=True)
class Health:
    """The healthcheck; times in seconds."""

    test: tuple[str, ...]  # the command without the word CMD
    interval: float
    timeout: float
    retries: int
    start_period: float


@dataclass(frozen=True, slots=True)
class Service:
    """One service, with what the native run needs of it."""

    name: str
    image: str  # with its tag
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    published: tuple[Published, ...]
    health: Health | None
    after: Mapping[str, bool]  # services that must have started (False) or be healthy (True) before
    grace: float  # seconds from the order to stop until it is killed


def read(file: Path, environ: Mapping[str, str]) -> list[Service]:
    """The services of a compose file, variables filled from ``environ``.

    Raises:
        ComposeMistake: with the place.

    """
    tree = yaml.safe_load(_filled(file.read_text(encoding="utf-8"), environ))
    volumes = set(tree.get("volumes") or {})
    return [_service(name, given, volumes) for name, given in tree["services"].items()]


def _filled(text: str, environ: Mapping[str, str]) -> str:
    """``${NAME:-default}`` is the only form that is used; a variable without default would need an .env."""

    def value(found: re.Match[str]) -> str:
        return environ.get(found["name"]) or found["default"]

    text = re.sub(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}", value, text)
    if left := re.search(r"(?<!\$)\$(?:\{[^}]*\}|\w+)", text):
        raise ComposeMistake(f"{left[0]} has no default: the file must work without an .env")
    return text.replace("$$", "$")


def _service(name: str, given: Mapping[str, Any], volumes: set[str]) -> Service:
    known = {"image", "command", "environment", "volumes", "ports", "healthcheck", "depends_on", "stop_grace_period"}
    if strange := given.keys() - known - _CONTAINED:
        raise ComposeMistake(f"{name}: {', '.join(sorted(strange))} is not understood by the native run")
    return Service(
        name=name,
        image=given["image"],
        command=tuple(map(str, given.get("command", ()))),
        environment={key: str(value) for key, value in given.get("environment", {}).items()},
        mounts=tuple(_mounts(name, given.get("volumes", ()), volumes)),
        published=tuple(_published(name, text) for text in given.get("ports", ())),
        health=_health(name, given["healthcheck"]) if "healthcheck" in given else None,
        after={other: _is_healthy(name, how) for other, how in given.get("depends_on", {}).items()},
        grace=seconds(given.get("stop_grace_period", "10s")),
    )


def _mounts(name: str, given: list[str], volumes: set[str]) -> Iterator[Mount]:
    for text in given:
        source, target, *options = text.split(":")
        bind = source.startswith("./")
        if not bind and source not in volumes:
            raise ComposeMistake(f"{name}: there is no volume {source}")
        if set(options) - {"ro"} or not target.startswith("/"):
            raise ComposeMistake(f"{name}: mount {text} is not understood")
        yield Mount(source.removeprefix("./"), target, bind, "ro" in options)


def _published(name: str, text: str) -> Published:
    match = re.fullmatch(r"([\d.]+):(\d+):(\d+)", str(text))
    if match is None:
        raise ComposeMistake(f"{name}: port {text} must be written address:port:port, or it is open to every network")
    return Published(match[1], int(match[2]), int(match[3]))


def _health(name: str, given: Mapping[str, Any]) -> Health:
    how, *test = map(str, given["test"])
    if how != "CMD" or not test:
        raise ComposeMistake(f"{name}: a healthcheck is written [CMD, program, ...]")
    return Health(
        tuple(test),
        seconds(given["interval"]),
        seconds(given["timeout"]),
        int(given["retries"]),
        seconds(given["start_period"]),
    )


def _is_healthy(name: str, how: Mapping[str, str]) -> bool:
    condition = how.get("condition")
    if condition not in ("service_started", "service_healthy"):
        raise ComposeMistake(f"{name}: condition {condition} is not understood")
    return condition == "service_healthy"


def seconds(duration: str) -> float:
    """A duration as compose writes it ("1m30s") in seconds; ComposeMistake for anything else."""
    if not re.fullmatch(r"(\d+(ms|[smh]))+", str(duration)):
        raise ComposeMistake(f"{duration!r} is no duration; write it like 10s or 1m30s")
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smh])", duration))
