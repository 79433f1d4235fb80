"""Metrics of our own: plain integer slots on the hot path, text at the scrape.

Nothing here locks: all counting happens on the event loop's thread, or is a number that one other thread writes alone.
Label values outside the declared closed set become ``other``; no input can make a new series.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from time import time
from typing import Any, Generic, TypeVar, cast

from observability import names
from observability.names import Figure, Handed, Metric

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
LINES_A_STEP = 250  # some 0.3 ms; between steps the server goes back to its loop
PRESET = 40  # closed sets up to this size begin at 0, so that the first increment is seen by rate()

Source = Callable[[], Iterable[Figure | None]]


@dataclass(frozen=True, slots=True)
class Words:
    """Closed label values that the service owns; each list exists once, there."""

    namespaces: Sequence[str] = ()  # those that are told by name
    other_namespaces: Sequence[str] = ()  # the others: known, and told together
    close_codes: Sequence[str] = ()
    close_causes: Sequence[str] = ()
    reply_errors: Sequence[str] = ("0",)
    api_methods: Sequence[str] = ()
    steps: Sequence[str] = ()
    listeners: Sequence[str] = ()
    version: Sequence[str] = ()
    python: Sequence[str] = ()
    token_causes: Sequence[str] = ()
    dependencies: Sequence[str] = ()
    ends: Sequence[tuple[str, str, str]] = ()  # usual rows of closed connections: code, cause, initiator

    def of(self, values: names.Values) -> tuple[str, ...]:
        """The allowed values of a label."""
        if not isinstance(values, Handed):
            return values
        if values in _NAMESPACES:
            return (*self.namespaces, *self.other_namespaces, "", names.NO_NAMESPACE)
        return tuple(getattr(self, values.what))

    def shown(self, values: names.Values) -> dict[str, str]:
        """Each allowed value of a label as the scrape shows it."""
        shown = {value: value or names.NO_NAMESPACE for value in self.of(values)}
        return shown | dict.fromkeys(self.other_namespaces, names.OTHER) if values is names.NAMESPACES else shown


_NAMESPACES = (names.NAMESPACES, names.EVERY_NAMESPACE)


class Counter:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, count: int = 1) -> None:
        """Add ``count`` ≥ 0."""
        self.value += count


class Gauge:
    """A number that goes up and down."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def set(self, value: float) -> None:
        """It is now ``value``."""
        self.value = value

    def add(self, difference: float) -> None:
        """It changed by ``difference``."""
        self.value += difference


class Histogram:
    """Counts by bucket, and for each bucket the last trace that fell into it (exemplar).

    ``soon`` takes a value that counts once and has no trace, for what happens thousands of times a second: a quarter of
    the price of ``observe``. Such values are sorted into buckets together: at each look, and ten times a second.
    """

    __slots__ = ("_counts", "_sum", "_unsorted", "bounds", "exemplars", "soon")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.exemplars: list[tuple[str, float, float] | None] = [None] * (len(bounds) + 1)
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._unsorted: list[float] = []
        self.soon = self._unsorted.append

    def observe(self, value: float, count: int = 1, trace_id: str | None = None) -> None:
        """Count ``value`` ``count`` times; ``trace_id`` (32 hex digits) becomes its bucket's exemplar."""
        index = bisect_left(self.bounds, value)
        self._counts[index] += count
        self._sum += value * count
        if trace_id is not None:
            self.exemplars[index] = (trace_id, value, time())

    def settle(self) -> None:
        """Sort what ``soon`` took into the buckets."""
        values = self._unsorted
        if not values:
            return
        values.sort()
        self._sum += sum(values)
        below = 0
        for index, bound in enumerate(self.bounds):
            upto = bisect_right(values, bound, below)
            self._counts[index] += upto - below
            below = upto
        self._counts[-1] += len(values) - below
        values.clear()

    @property
    def counts(self) -> list[int]:
        """By bucket; the last one is for what is above all bounds."""
        self.settle()
        return self._counts

    @property
    def sum(self) -> float:
        """Of all values."""
        self.settle()
        return self._sum

    @property
    def value(self) -> int:
        """How many were counted."""
        return sum(self.counts)


Child = TypeVar("Child", bound=Counter | Gauge | Histogram)


class Children(dict[Any, Child]):
    """Children by label value (a tuple for several labels), for callers that learn it only now: one look-up."""

    def __init__(self, enter: Callable[[tuple[str, ...]], Child]) -> None:
        super().__init__()
        self._enter = enter

    def __missing__(self, values: str | tuple[str, ...]) -> Child:
        """Not remembered here unless it is declared: unknown values cost time, never memory."""
        return self._enter(values if isinstance(values, tuple) else (values,))


class Family(Generic[Child]):
    """A metric with its children, one for each combination of label values that was used.

    ``child(*values)`` is for values known beforehand, ``by[value]`` for the others.
    """

    def __init__(self, metric: Metric, make: Callable[[], Child], words: Words, *, strict: bool) -> None:
        self.metric = metric
        self.series: dict[tuple[str, ...], Child] = {}
        self._make = make
        self._strict = strict
        self._closed = tuple(words.shown(values) for values in metric.labels.values())
        self.by = Children(self._enter)
        self._begin()

    def child(self, *values: str) -> Child:
        """The child of these label values, in the declaration's order; bind it once where it is known."""
        return self._enter(values)

    def total(self) -> float:
        """The sum of all children."""
        return sum(child.value for child in self.series.values())

    def closed(self, values: tuple[str, ...]) -> tuple[str, ...]:
        """The values as they are shown: ``other`` for each that is not in its closed set."""
        assert len(values) == len(self._closed), f"{self.metric.name} has the labels {list(self.metric.labels)}"
        assert not self._strict or self._declared(values), f"{self.metric.name}: {values} is not in its closed set"
        return tuple(allowed.get(value, names.OTHER) for value, allowed in zip(values, self._closed, strict=True))

    def _declared(self, values: tuple[str, ...]) -> bool:
        """Of the closed sets, or what stands for all others: whoever counts a backend's own code says so."""
        return all(
            value in allowed or value == names.OTHER for value, allowed in zip(values, self._closed, strict=True)
        )

    def _enter(self, values: tuple[str, ...]) -> Child:
        shown = self.closed(values)
        child = self.series.get(shown)
        if child is None:
            child = self.series[shown] = self._make()
        if self._declared(values):
            self.by[values[0] if len(values) == 1 else values] = child  # bounded: declared ones only
        return child

    def _begin(self) -> None:
        handed = [values for values in self.metric.labels.values() if isinstance(values, Handed)]
        if self.metric.kind == "gauge" or any(values not in _NAMESPACES for values in handed):
            return
        if prod(len(set(shown.values())) for shown in self._closed) <= PRESET:
            for values in product(*self._closed):
                self._enter(values)


AnyFamily = Family[Counter] | Family[Gauge] | Family[Histogram]


class Registry:
    """All metrics of a process, and the rooms that tell figures at the scrape. Nothing global: it is passed in."""

    def __init__(self, words: Words | None = None, *, strict: bool = False) -> None:
        """``strict`` is for tests: a label value outside its closed set is an AssertionError."""
        self._words = words or Words()
        self._strict = strict
        self._families: dict[str, AnyFamily] = {}
        self._sources: list[Source] = []
        self._failures = self.counter(names.SCRAPE_FAILURES).child()

    @property
    def words(self) -> Words:
        """What was handed over."""
        return self._words

    def counter(self, metric: Metric) -> Family[Counter]:
        """The family of a declared counter."""
        return self._family(metric, "counter", Family(metric, Counter, self._words, strict=self._strict))

    def gauge(self, metric: Metric) -> Family[Gauge]:
        """The family of a declared gauge."""
        return self._family(metric, "gauge", Family(metric, Gauge, self._words, strict=self._strict))

    def histogram(self, metric: Metric) -> Family[Histogram]:
        """The family of a declared histogram."""
        return self._family(
            metric, "histogram", Family(metric, lambda: Histogram(metric.buckets), self._words, strict=self._strict)
        )

    def add_source(self, source: Source) -> None:
        """Ask ``source`` at each scrape. One that has much to count gives None now and then: a pause for the loop."""
        self._sources.append(source)

    def settle(self) -> None:
        """Let no histogram keep values that are not sorted yet: called ten times a second."""
        for family in self._families.values():
            if family.metric.kind == "histogram":
                for child in family.series.values():
                    cast("Histogram", child).settle()

    def values(self, metric: Metric) -> dict[tuple[str, ...], float]:
        """All series of a metric now (a histogram's counts), figures of the rooms included."""
        return self.all_values().get(metric.name, {})

    def all_values(self) -> dict[str, dict[tuple[str, ...], float]]:
        """The same of every metric that has series, by its name; each room is asked once."""
        told: Told = {}
        for _ in self._ask(told):
            pass
        for name, family in self._families.items():
            series = told.setdefault(name, {})
            for labels, child in family.series.items():
                series[labels] = series.get(labels, 0) + child.value
        return told

    def value(self, metric: Metric, *labels: str) -> float:
        """One series' number now; 0 when there is none."""
        return self.values(metric).get(labels, 0)

    def render(self, *, openmetrics: bool = True) -> Iterator[bytes]:
        """The scrape in steps of at most ``LINES_A_STEP`` lines (some are empty); return to the loop between them."""
        told: Told = {}
        yield from self._ask(told)
        for name in (name for name in names.METRICS if name in self._families or name in told):
            lines = _family_lines(names.METRICS[name], self._families.get(name), told.get(name, {}), om=openmetrics)
            yield from _steps(lines)
        if openmetrics:
            yield b"# EOF\n"

    def _family(self, metric: Metric, kind: str, family: Family[Child]) -> Family[Child]:
        assert names.METRICS.get(metric.name) is metric, f"{metric.name} is not declared in names.py"
        assert metric.kind == kind, f"{metric.name} is a {metric.kind}"
        return cast("Family[Child]", self._families.setdefault(metric.name, cast("AnyFamily", family)))

    def _ask(self, told: "Told") -> Iterator[bytes]:
        yield from self._make_ready()
        for source in self._sources:
            try:
                for figure in source():
                    if figure is None:
                        yield b""
                    else:
                        self._take(figure, told)
            except Exception:  # a room that cannot count must not hide the others
                if self._strict:
                    raise
                self._failures.inc()
            yield b""

    def _make_ready(self) -> Iterator[bytes]:
        """Each family of namespaces, of which there may be hundreds, is made in a step of its own."""
        for metric in names.METRICS.values():
            if metric.name not in self._families and names.NAMESPACES in metric.labels.values():
                self._make(metric)
                yield b""

    def _make(self, metric: Metric) -> None:
        (self.gauge if metric.kind == "gauge" else self.counter)(metric)

    def _take(self, figure: Figure, told: "Told") -> None:
        if figure.name not in self._families:
            self._make(names.METRICS[figure.name])
        series = told.setdefault(figure.name, {})
        shown = self._families[figure.name].closed(figure.labels)
        series[shown] = series.get(shown, 0) + figure.value


Told = dict[str, dict[tuple[str, ...], float]]


def content_type(accept: str) -> tuple[str, bool]:
    """The answer's content type for an ``Accept`` header, and whether that is OpenMetrics."""
    wanted = "application/openmetrics-text" in accept
    return (OPENMETRICS if wanted else TEXT), wanted


def _steps(lines: Iterable[str]) -> Iterator[bytes]:
    step: list[str] = []
    for line in lines:
        step.append(line)
        if len(step) >= LINES_A_STEP:
            yield "".join(step).encode()
            step.clear()
    if step:
        yield "".join(step).encode()


def _family_lines(
    metric: Metric, family: AnyFamily | None, told: dict[tuple[str, ...], float], *, om: bool
) -> Iterator[str]:
    yield from _head(metric, om=om)
    series = family.series if family is not None else {}
    for values, child in series.items():
        labels = _labels(metric, values)
        if isinstance(child, Histogram):
            yield from _histogram_lines(metric.name, labels, child, om=om)
        else:
            yield f"{metric.name}{_braced(labels)} {child.value + told.get(values, 0)}\n"
    for values, value in told.items():
        if values not in series:
            yield f"{metric.name}{_braced(_labels(metric, values))} {value}\n"


def _head(metric: Metric, *, om: bool) -> Iterator[str]:
    name = metric.name.removesuffix("_total") if om and metric.kind == "counter" else metric.name
    yield f"# HELP {name} {metric.help}\n# TYPE {name} {metric.kind}\n"
    if om and metric.unit and name.endswith(f"_{metric.unit}"):
        yield f"# UNIT {name} {metric.unit}\n"


def _histogram_lines(name: str, labels: str, histogram: Histogram, *, om: bool) -> Iterator[str]:
    seen = 0
    bounds = (*map(repr, histogram.bounds), "+Inf")
    for bound, count, exemplar in zip(bounds, histogram.counts, histogram.exemplars, strict=True):
        seen += count
        tail = ""
        if om and exemplar is not None:
            tail = f' # {{trace_id="{exemplar[0]}"}} {exemplar[1]} {exemplar[2]:.3f}'
        yield f'{name}_bucket{{{labels}{"," if labels else ""}le="{bound}"}} {seen}{tail}\n'
    yield f"{name}_sum{_braced(labels)} {histogram.sum}\n{name}_count{_braced(labels)} {seen}\n"


def _labels(metric: Metric, values: tuple[str, ...]) -> str:
    return ",".join(f'{label}="{_escaped(value)}"' for label, value in zip(metric.labels, values, strict=True))


def _braced(labels: str) -> str:
    return f"{{{labels}}}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
