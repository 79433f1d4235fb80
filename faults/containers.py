"""``make lab ARGS=--compose``: the lab for Docker, as a second compose file to lay over the first one.

It holds what the native lab changes: hastened rules, routes and intervals, the modules that hear orders, the outsiders.
Docker then runs it, and faults are made by hand; nobody watches the alerts but the pager's page. Not tried with Docker.
"""

from pathlib import Path
from typing import Any, Final

import yaml

from deploy.native import compose
from deploy.native.compose import Mount, Service
from deploy.native.roots import ROOT
from deploy.native.stack import COMPOSE
from faults.running import Running

FOLDER: Final = ROOT / "build" / "lab"
_OVER: Final = "docker-compose.lab.yml"


def write(folder: Path = FOLDER) -> Path:
    """The file, and beside it everything that it mounts."""
    lab = Running(folder)
    before = {service.name: service for service in compose.read(COMPOSE, {})}
    changes = {service.name: _change(before.get(service.name), service) for service in lab.stack.services}
    text = yaml.safe_dump({"services": {name: change for name, change in changes.items() if change}}, sort_keys=False)
    (folder / _OVER).write_text(text, encoding="utf-8")
    return folder / _OVER


def how(file: Path) -> str:
    """What to type."""
    orders = file.parent / "lab" / "orders"
    return "\n".join(
        [
            f"docker compose -f {COMPOSE.name} -f {file} up --build -d   (not tried here: no Docker)",
            f"echo 0.5 > {orders}/broker-fails    an order breaks something; without the file it is whole again",
            "docker compose stop collector       or another service; start heals it",
            "http://localhost:9099               the pager's page shows which alerts find it",
        ]
    )


def _change(before: Service | None, after: Service) -> dict[str, Any]:
    """What one service has more, or else, in the lab; Compose replaces mounts of the same target."""
    if before is None:
        return _added(after)
    change: dict[str, Any] = {}
    if after.command != before.command:
        change["command"] = list(after.command)
    if more := {key: value for key, value in after.environment.items() if before.environment.get(key) != value}:
        change["environment"] = more
    if mounts := [_mount(mount) for mount in after.mounts if mount not in before.mounts]:
        change["volumes"] = mounts
    return change


def _added(service: Service) -> dict[str, Any]:
    added: dict[str, Any] = {"image": service.image, "command": list(service.command), "restart": "unless-stopped"}
    added["volumes"] = [_mount(mount) for mount in service.mounts]
    if service.health is not None:
        added["healthcheck"] = {"test": ["CMD", *service.health.test]}
    return added


def _mount(mount: Mount) -> str:
    return f"{ROOT / mount.source}:{mount.target}{':ro' if mount.read_only else ''}"
