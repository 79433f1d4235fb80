"""The same files at a lab's pace: alerts within a minute of their fault. Times change and nothing else; each is told.

Rules go through ``alerts.lab``; Prometheus looks every second; Alertmanager's waits are divided like the windows.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from alerts.lab import PACE, seconds, write_hastened
from deploy.native.compose import Mount, Service
from deploy.native.replaced import difference
from deploy.native.roots import ROOT

_ALERTMANAGER: Final = "alerts/alertmanager.yml"
_INTERVALS: Final = re.compile(r"^(\s*(?:scrape|evaluation)_interval: )(\w+)\b", re.MULTILINE)
_WAITS: Final = re.compile(r"^(\s*(?:group_wait|group_interval|repeat_interval): )(\w+)$", re.MULTILINE)
_RESENT: Final = re.compile(r"(--rules\.alert\.resend-delay=)(\w+)")
_STEPS: Final = re.compile(r"(\bafter: )(\w+)\b")


def waits(text: str, pace: float = PACE) -> str:
    """Alertmanager's file with its waits divided."""
    return _WAITS.sub(lambda found: f"{found[1]}{max(1, round(seconds(found[2]) / pace))}s", text)


def quickened(services: Sequence[Service], state: Path) -> tuple[list[Service], list[str]]:
    """The services with quick copies of their files in place of them, and the lines that differ."""
    folder = state / "quick"
    told = list(_copies(folder))
    copies = {
        "observability/stack/prometheus.yml": folder / "prometheus.yml",
        _ALERTMANAGER: folder / "alertmanager.yml",
        "alerts/pager.yml": folder / "pager.yml",
        "alerts/rules": folder / "rules",
        "alerts/loki": folder / "loki",
        "observability/stack/loki.yaml": folder / "loki.yaml",
    }
    told += [line for service in services for line in _resent(service)]
    return [
        replace(
            service,
            mounts=tuple(_redirected(mount, copies) for mount in service.mounts),
            command=tuple(_RESENT.sub(r"\g<1>1s", word) for word in service.command),
        )
        for service in services
    ], told


def _resent(service: Service) -> list[str]:
    words = filter(_RESENT.match, service.command)
    return [f"{service.name}: {word} becomes {_RESENT.sub(r'1s', word)}" for word in words]


def _redirected(mount: Mount, copies: Mapping[str, Path]) -> Mount:
    return replace(mount, source=str(copies[mount.source])) if mount.source in copies else mount


def _copies(folder: Path) -> Iterator[str]:
    for rules in ("rules", "loki"):
        for written in write_hastened(ROOT / "alerts" / rules, folder / rules):
            yield f"alerts/{rules}/{written.name}: every window and wait divided by {PACE:.0f}"
    for name, pattern, quick in (
        ("observability/stack/prometheus.yml", _INTERVALS, lambda _: "1s"),
        ("observability/stack/loki.yaml", _INTERVALS, lambda _: "1s"),
        ("alerts/pager.yml", _STEPS, lambda given: f"{max(1, round(seconds(given) / PACE))}s"),
    ):
        given = (ROOT / name).read_text(encoding="utf-8")
        changed = pattern.sub(lambda found, quick=quick: f"{found[1]}{quick(found[2])}", given)  # type: ignore[misc]
        yield from _written(folder, name, given, changed)
    given = (ROOT / _ALERTMANAGER).read_text(encoding="utf-8")
    yield from _written(folder, _ALERTMANAGER, given, waits(given))


def _written(folder: Path, name: str, given: str, changed: str) -> Iterator[str]:
    (folder / Path(name).name).write_text(changed, encoding="utf-8")
    yield from difference(given, changed, name)
