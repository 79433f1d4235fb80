"""Services of the compose file as tasks in roots of their own: the native form of a container.

A foreign image's root holds its program, the mounts and nothing else, as such images do. Ours holds this machine's
Python and what the Dockerfile copies. Every service has an address of 127.0.0.0/8; a hosts file says which.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.native import images, programs
from deploy.native.compose import Health, Service
from deploy.native.plan import Bind, Probe, Root, Task

ROOT: Final = Path(__file__).parents[2]  # of the repository
_SYSTEM: Final = ("bin", "lib", "lib32", "lib64", "libx32", "sbin", "usr")  # where a Python's libraries may be
_ZONES: Final = "/usr/share/zoneinfo"  # time zones, which such images have, too
_NAMES: Final = {
    "/etc/passwd": "root:x:0:0:root:/:/bin/sh\n",
    "/etc/group": "root:x:0:\n",
    "/etc/nsswitch.conf": "hosts: files\n",
    "/etc/resolv.conf": "",
}
_PATIENCE: Final = 30.0  # seconds for a service without a healthcheck


class NotBuilt(Exception):  # noqa: N818 - says what is missing
    """A program of the stack is not in the cache; ``python -m deploy.native.build`` makes it."""


def startable(services: Sequence[Service]) -> list[Service]:
    """The services that can be had natively; all but Grafana."""
    return [service for service in services if images.FOREIGN.get(images.name_of(service.image), True) is not None]


def addresses(services: Sequence[Service]) -> dict[str, str]:
    """An address a service."""
    return {service.name: f"127.0.0.{number}" for number, service in enumerate(services, 2)}


def hosts(services: Sequence[Service]) -> str:
    """/etc/hosts of all of them."""
    return "".join(
        f"{address}\t{name}\n" for name, address in {"localhost": "127.0.0.1", **addresses(services)}.items()
    )


def task(service: Service, names: str, state: Path) -> Task:
    """A service as a task; ``names`` is its hosts file, ``state`` the folder for volumes and logs.

    Raises:
        NotBuilt: its program is not there.

    """
    foreign = images.FOREIGN.get(images.name_of(service.image))
    if foreign is None:
        return _ours(service, names, state)
    zones = [Bind(_ZONES, _ZONES, read_only=True)] if Path(_ZONES).is_dir() else []
    binds = (Bind(program(foreign), foreign.entry, read_only=True), *zones, *_binds(service, state))
    root = Root(binds, (foreign.folder,), {**_NAMES, "/etc/hosts": names})
    return _assembled(service, state, (foreign.entry, *service.command), {"HOME": "/"}, root)


def _ours(service: Service, names: str, state: Path) -> Task:
    image = images.read_dockerfile(ROOT / "deploy" / "Dockerfile")
    copied = [Bind(str(ROOT / source), target, read_only=True) for source, target in image.copies.items()]
    system, links = _system()
    binds = (*system, *copied, *_binds(service, state))
    root = Root(binds, (image.folder,), {**_NAMES, "/etc/hosts": names}, links)
    environment = {"HOME": image.folder, **image.environment}
    return _assembled(service, state, (sys.executable, *service.command[1:]), environment, root)


def _assembled(service: Service, state: Path, argv: tuple[str, ...], image: Mapping[str, str], root: Root) -> Task:
    health = service.health
    return Task(
        name=service.name,
        argv=argv,
        environment={"PATH": "/bin", **image, **service.environment},
        folder=root.folders[0],
        root=root,
        probe=probe(health, argv[0]),
        after=service.after,
        patience=health.start_period + health.interval * health.retries if health else _PATIENCE,
        grace=service.grace,
        log=str(state / "logs" / f"{service.name}.log"),
    )


def program(foreign: images.Foreign) -> str:
    """Where a program of the stack lies.

    Raises:
        NotBuilt: it does not.

    """
    found = programs.find(foreign.program)
    if found is None:
        raise NotBuilt(f"{foreign.program} is not built yet: make programs")
    return str(found)


def probe(health: Health | None, entry: str) -> Probe:
    """A healthcheck natively: our and Loki's own commands are run as they are, for wget we ask ourselves."""
    if health is None:
        return Probe(listens=entry != sys.executable)  # the Collector listens; the load does not
    if health.test[0] == "wget":
        return Probe(url=health.test[-1])
    return Probe(command=(entry, *health.test[1:]))


def _binds(service: Service, state: Path) -> Iterator[Bind]:
    for mount in service.mounts:
        source = ROOT / mount.source if mount.bind else state / "volumes" / mount.source
        yield Bind(str(source), mount.target, mount.read_only)


def _system() -> tuple[list[Bind], dict[str, str]]:
    """The machine's Python with the libraries that it needs: folders, and links such as /bin -> usr/bin."""
    top = {name: Path("/", name) for name in _SYSTEM}
    links = {f"/{name}": str(path.readlink()) for name, path in top.items() if path.is_symlink()}
    folders = [str(path) for path in top.values() if path.is_dir() and not path.is_symlink()]
    outside = {os.path.realpath(sys.base_prefix), sys.base_prefix, sys.prefix}
    own = sorted(place for place in outside if not place.startswith(("/usr/", "/usr")))
    return [Bind(place, place, read_only=True) for place in (*folders, *own)], links
