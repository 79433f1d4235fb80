"""Where no namespaces can be had: the services run on the machine as it is, and names and paths in their files change.

A name becomes 127.0.0.1 (no two services share a port), 0.0.0.0 likewise, and a place in a container becomes the place
on this machine. Nothing else changes; every changed line is told.
"""

import difflib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deploy.native import images
from deploy.native.compose import Mount, Service
from deploy.native.plan import Task
from deploy.native.roots import ROOT, probe, program, task

Change = Callable[[str], str]


def tasks(services: Sequence[Service], state: Path) -> tuple[list[Task], list[str]]:
    """The services as tasks without roots, and the lines that were changed for it.

    Raises:
        NotBuilt: a program is not there.

    """
    done: list[Task] = []
    told: list[str] = []
    for service in services:
        change = _change(services, service, state)
        told += _rewrite(service, state, change)
        done.append(_task(service, state, change, told))
    return done, told


def _change(services: Sequence[Service], service: Service, state: Path) -> Change:
    names = "|".join(re.escape(each.name) for each in services)
    hosts = re.compile(rf"(?<![\w./-])(?:{names}|0\.0\.0\.0)(?=:\d)|(?<=//)(?:{names})(?=:\d)|\b0\.0\.0\.0\b")
    places = {mount.target: str(_place(service, mount, state)) for mount in service.mounts}
    if images.name_of(service.image) == images.OURS:
        places |= {"/app": str(ROOT)}
    inside = "|".join(re.escape(target) for target in sorted(places, key=len, reverse=True))
    paths = re.compile(rf"(?<![\w./-])(?:{inside})(?![\w.-])") if places else None

    def change(text: str) -> str:
        text = hosts.sub("127.0.0.1", text)
        return paths.sub(lambda found: places[found[0]], text) if paths else text

    return change


def _place(service: Service, mount: Mount, state: Path) -> Path:
    """Where the machine has what the container sees: the changed copy of a file, or the folder itself."""
    if not mount.bind:
        return state / "volumes" / mount.source
    source = ROOT / mount.source
    return state / "replaced" / service.name / source.name if source.is_file() else source


def _rewrite(service: Service, state: Path, change: Change) -> Iterator[str]:
    for mount in service.mounts:
        source = ROOT / mount.source
        if mount.bind and source.is_file():
            given = source.read_text(encoding="utf-8")
            target = _place(service, mount, state)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(change(given), encoding="utf-8")
            yield from difference(given, change(given), mount.source)


def difference(before: str, after: str, name: str) -> Iterator[str]:
    """The changed lines, with the file's name."""
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    yield from (f"{name}: {line}" for line in lines if not line.startswith("@@"))


def _task(service: Service, state: Path, change: Change, told: list[str]) -> Task:
    contained = task(service, "", state)
    foreign = images.FOREIGN.get(images.name_of(service.image))
    entry = program(foreign) if foreign else sys.executable
    argv = (entry, *map(change, contained.argv[1:]))
    environment = {key: change(value) for key, value in contained.environment.items()}
    folder = state / "folders" / service.name
    folder.mkdir(parents=True, exist_ok=True)
    for mount in service.mounts:  # what lies in the working folder, such as .heliograph, is there as a link
        if not mount.bind and mount.target.startswith(contained.folder.rstrip("/") + "/"):
            _link(folder / mount.target.removeprefix(contained.folder).lstrip("/"), _place(service, mount, state))
    told += difference(" ".join(contained.argv[1:]), " ".join(argv[1:]), f"{service.name}, command")
    told += difference(_lines(contained.environment), _lines(environment), f"{service.name}, environment")
    return replace(
        contained,
        argv=argv,
        environment=environment,
        folder=str(folder),
        root=None,
        probe=probe(service.health, entry),
    )


def _lines(environment: Mapping[str, str]) -> str:
    return "\n".join(f"{key}={value}" for key, value in environment.items())


def _link(place: Path, target: Path) -> None:
    if not place.is_symlink():
        place.symlink_to(target)
