"""What stands in for an image natively: a program of the cache, or our own Dockerfile on this machine's Python."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Foreign:
    """Somebody else's image: its entry point is one of our built programs."""

    program: str  # by its name in ``programs.PROGRAMS``
    entry: str  # where the image has it
    folder: str = "/"  # the image's working folder


#: By the image's name without its tag. None: cannot be had natively.
FOREIGN: Final[Mapping[str, Foreign | None]] = {
    "otel/opentelemetry-collector-contrib": Foreign("otelcol", "/otelcol-contrib"),
    "jaegertracing/jaeger": Foreign("jaeger", "/cmd/jaeger/jaeger-linux"),
    "grafana/loki": Foreign("loki", "/usr/bin/loki"),
    "prom/prometheus": Foreign("prometheus", "/bin/prometheus", "/prometheus"),
    "prom/alertmanager": Foreign("alertmanager", "/bin/alertmanager", "/alertmanager"),
    "grafana/grafana": None,
}
OURS: Final = "heliograph"


@dataclass(frozen=True, slots=True)
class Ours:
    """What the last stage of our Dockerfile says."""

    copies: Mapping[str, str]  # path in the repository -> path in the image
    environment: Mapping[str, str]
    folder: str


def name_of(image: str) -> str:
    """The image's name without its tag."""
    return image.rpartition(":")[0]


def read_dockerfile(file: Path) -> Ours:
    """COPY, ENV and WORKDIR of the last stage."""
    stage = file.read_text(encoding="utf-8").replace("\\\n", " ").rpartition("\nFROM ")[2]
    copies: dict[str, str] = {}
    environment: dict[str, str] = {}
    folder = "/"
    for instruction, rest in re.findall(r"^(COPY|ENV|WORKDIR) +(.*)$", stage, re.MULTILINE):
        words = rest.split()
        if instruction == "WORKDIR":
            folder = rest.strip()
        elif instruction == "ENV":
            environment |= dict(word.split("=", 1) for word in words)
        elif not words[0].startswith("--from"):
            copies |= _copied(words[:-1], words[-1])
    return Ours(copies, {key: value for key, value in environment.items() if key != "PATH"}, folder)


def _copied(sources: list[str], target: str) -> dict[str, str]:
    if target.endswith("/"):
        return {source: target + source.rpartition("/")[2] for source in sources}
    return dict.fromkeys(sources, target)
