"""Who shows that a declared name is alive: ``@pytest.mark.shows("heliograph_pings_total", "websocket.close", …)``.

A test that claims names takes the fixture ``telemetry`` and lets the product run on it; at its end each claimed metric must
have left zero, each claimed span have ended, each claimed log event have been written, else the test fails. The claims are
collected from the source into docs/reference/telemetry-tests.md (``docs/pages/claims.py``).
"""

import functools
import os
import platform
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from observability import names, setup, span_names
from observability.logs import Log, LogSettings
from observability.metrics import Registry, Words
from observability.names import Handed, Metric
from observability.observers.instruments import Instruments
from observability.tracing import Span
from service.access.refusals import CAUSES
from service.api.api_methods import METHODS
from service.protocol import closing, errors

ROOT = Path(__file__).parents[2]
VALUES = Path(__file__).with_name("label_values.txt")
DECLARED = {**names.METRICS, **span_names.SPANS, **names.EVENTS}

WORDS = Words(
    namespaces=("chat", "news", "stream"),
    close_codes=[str(code) for code in closing.CLOSINGS],
    close_causes=closing.CAUSES,
    reply_errors=["0", *(str(code) for code in errors.ERRORS)],
    api_methods=METHODS,
    listeners=("public", "internal"),
    steps=("on_response_prepare", "a_middleware"),
    version=("1.2.3",),
    python=(platform.python_version(),),
    token_causes=CAUSES,
    dependencies=("default", "hooks", "billing", "jwks"),
)


class MemoryPost:
    """Keeps the spans that a Post would send."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.full = False
        self.exported = 0
        self.lost: dict[str, int] = {}

    def put(self, span: Span) -> None:
        self.spans.append(span)

    def start(self) -> None: ...
    def begin_stop(self) -> None: ...
    def abandon(self) -> None: ...

    stopped = True


class MemorySink:
    """Keeps the lines that a Sink would write."""

    name = "stdout"
    stopped = True

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.dropped = 0

    def put(self, line: bytes) -> None:
        self.raw.append(line)

    def start(self) -> None: ...
    def begin_stop(self) -> None: ...


class Told:
    """Telemetry that runs as in production, but strictly, and keeps all that it tells."""

    def __init__(self, words: Words = WORDS, settings: setup.TelemetrySettings | None = None) -> None:
        self.post = MemoryPost()
        self.sink = MemorySink()
        self._left_zero: set[str] = set()
        settings = settings or setup.TelemetrySettings(version="1.2.3")
        self.registry = Registry(words, strict=True)
        log = Log(LogSettings(level="debug"), [self.sink], strict=True)  # type: ignore[list-item]
        self.telemetry = setup.assemble(settings, self.registry, log, self.post, strict=True)  # type: ignore[arg-type]

    @property
    def instruments(self) -> Instruments:
        return self.telemetry.upgrade._all

    @property
    def spans(self) -> list[Span]:
        return self.post.spans

    def span(self, name: str) -> Span:
        """The one span of this name."""
        (found,) = [span for span in self.spans if span.name.name == name]
        return found

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line) for line in self.sink.raw]

    def line(self, event: str) -> dict[str, Any]:
        """The one line of this event."""
        (found,) = [line for line in self.lines if line["event"] == event]
        return found

    def value(self, metric: Metric, *labels: str) -> float:
        return self.registry.value(metric, *labels)

    def look(self) -> None:
        """Remember which metrics are not zero now; for gauges that will go back."""
        everything = self.registry.all_values().items()
        self._left_zero |= {name for name, series in everything if any(series.values())}

    def alive(self) -> set[str]:
        """All names that were seen alive."""
        self.look()
        return self._left_zero | {s.name.name for s in self.spans} | {line["event"] for line in self.lines}


@pytest.fixture
def telemetry(request: pytest.FixtureRequest) -> Iterator[Told]:
    """Strict telemetry in memory; checks what the test claims to show."""
    told = Told()
    yield told
    hold_to_claims(request, [told.registry])
    claimed = {name for mark in request.node.iter_markers("shows") for name in mark.args}
    assert claimed <= set(DECLARED), f"not declared in names.py: {claimed - set(DECLARED)}"
    assert claimed <= told.alive(), f"claimed, but not seen: {claimed - told.alive()}"


def hold_to_claims(request: pytest.FixtureRequest, registries: Sequence[Registry]) -> None:
    """What label_values.txt says that this test shows has left zero, in the product that it let run.

    With the variable HELIOGRAPH_LABEL_VALUES what it shows goes to the file of that name.
    """
    mine = {value for value, test in value_rows().items() if test == request.node.nodeid}
    seen = set().union(*map(values_seen, registries))
    assert mine <= seen, f"label_values.txt says that this test shows them: {mine - seen}"
    if found := os.environ.get("HELIOGRAPH_LABEL_VALUES"):
        with open(found, "a") as file:
            file.writelines(f"{value} {request.node.nodeid}\n" for value in sorted(seen))


def values_seen(registry: Registry) -> set[str]:
    """`metric label=value` of each closed label value that is not zero now."""
    seen = set()
    for name, series in registry.all_values().items():
        metric = names.METRICS[name]
        labels = [label for label, values in metric.labels.items() if not isinstance(values, Handed)]
        for found, number in series.items():
            by_label = dict(zip(metric.labels, found, strict=True))
            seen |= {f"{metric.name} {label}={by_label[label]}" for label in labels if number}
    return seen


@functools.cache
def value_rows() -> dict[str, str]:
    """`metric label=value` → the test that shows it, or the reason why none does, which begins with a dash."""
    rows = {}
    for line in VALUES.read_text().splitlines():
        metric, value, by = line.split(" ", 2)
        rows[f"{metric} {value}"] = by
    return rows


def closed_values() -> set[str]:
    """Every label value of names.py that is closed there (lists that the service hands over are checked where they are)."""
    return {
        f"{metric.name} {label}={value}"
        for metric in names.METRICS.values()
        for label, values in metric.labels.items()
        if not isinstance(values, Handed)
        for value in values
    }
