"""What the supervisor is told: which programs to start, how, and when each is ready. Plain values, sent as JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Bind:
    """A file or folder of this machine at a place of the root."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """The file system that a program sees; made for it alone out of binds."""

    binds: tuple[Bind, ...]
    folders: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)  # place -> content
    links: Mapping[str, str] = field(default_factory=dict)  # place -> where it points


@dataclass(frozen=True, slots=True)
class Probe:
    """When a program is ready: its ``url`` answers 200, its ``command`` ends with 0, or (neither) it lives."""

    url: str = ""
    command: tuple[str, ...] = ()
    listens: bool = False  # it is enough that it listens on some port


@dataclass(frozen=True, slots=True)
class Task:
    """One program."""

    name: str
    argv: tuple[str, ...]  # the first is a path, inside the root where there is one
    environment: Mapping[str, str]
    folder: str
    root: Root | None
    probe: Probe
    after: Mapping[str, bool]
    patience: float  # seconds until it must be ready
    grace: float  # seconds from SIGTERM to SIGKILL
    log: str  # file for both of its outputs


@dataclass(frozen=True, slots=True)
class Forward:
    """Connections to a listening socket that the supervisor inherits go on to ``host:port``."""

    descriptor: int
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything. ``roots`` is an empty folder for the roots; empty when the programs run on the machine as it is."""

    tasks: tuple[Task, ...]
    forwards: tuple[Forward, ...] = ()
    roots: str = ""
    network: bool = False  # the supervisor is in a network namespace of its own


def write(plan: Plan) -> str:
    """As JSON."""
    return json.dumps(asdict(plan))


def read(text: str) -> Plan:
    """What ``write`` wrote."""
    tree = json.loads(text)
    return Plan(
        tuple(read_task(task) for task in tree["tasks"]),
        tuple(Forward(**forward) for forward in tree["forwards"]),
        tree["roots"],
        tree["network"],
    )


def read_task(tree: dict[str, Any]) -> Task:
    """One task out of its JSON."""
    root = tree["root"]
    if root is not None:
        binds = tuple(Bind(**bind) for bind in root["binds"])
        root = Root(binds, tuple(root["folders"]), root["files"], root["links"])
    probe = Probe(tree["probe"]["url"], tuple(tree["probe"]["command"]), tree["probe"]["listens"])
    return Task(**{**tree, "argv": tuple(tree["argv"]), "root": root, "probe": probe})
