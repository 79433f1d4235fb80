"""The observability stack's programs, as Go modules: what is built, from which module, and where it lies in the cache.

One module a tool: a common one would raise their shared dependencies to versions with which some do not compile.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_VERSION = "github.com/prometheus/common/version.Version"


@dataclass(frozen=True, slots=True)
class Program:
    """One executable. ``package`` is built in the module ``folder``; ``stamp`` puts the version into it."""

    name: str
    folder: str
    package: str
    version: str
    stamp: str = ""
    tags: str = ""

    @property
    def ldflags(self) -> str:
        """Linker flags: no symbols, the version."""
        return f"-s -w -X {self.stamp}={self.version}" if self.stamp else "-s -w"


PROGRAMS = (
    Program("alertmanager", "alertmanager", "github.com/prometheus/alertmanager/cmd/alertmanager", "0.31.1", _VERSION),
    Program("amtool", "alertmanager", "github.com/prometheus/alertmanager/cmd/amtool", "0.31.1", _VERSION),
    Program(
        "prometheus",
        "prometheus",
        "github.com/prometheus/prometheus/cmd/prometheus",
        "3.15.0",
        _VERSION,
        "remove_all_sd",
    ),
    Program(
        "promtool", "prometheus", "github.com/prometheus/prometheus/cmd/promtool", "3.15.0", _VERSION, "remove_all_sd"
    ),
    Program("otelcol", "collector", ".", "0.159.0"),
    Program(
        "jaeger",
        "jaeger",
        "github.com/jaegertracing/jaeger/cmd/jaeger",
        "v2.13.0",
        "github.com/jaegertracing/jaeger/internal/version.latestVersion",
    ),
    Program(
        "loki",
        "loki",
        "github.com/grafana/loki/v3/cmd/loki",
        "3.7.8",
        "github.com/grafana/loki/v3/pkg/util/build.Version",
    ),
)


def cache() -> Path:
    """Where built programs are kept, in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "heliograph" / "stack"


def path(program: Program) -> Path:
    """Where the program lies once it is built; the name changes with everything that decides its bytes."""
    digest = hashlib.sha256(f"{program}".encode())
    for source in sorted((HERE / program.folder).iterdir()):
        digest.update(source.read_bytes())
    return cache() / f"{program.name}-{digest.hexdigest()[:16]}" / program.name


def find(name: str) -> Path | None:
    """A built program by its name, None when it is not built (``make programs`` builds it)."""
    program = next(p for p in PROGRAMS if p.name == name)
    place = path(program)
    return place if place.is_file() else None
