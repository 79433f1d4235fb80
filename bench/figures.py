"""Medians with their spread, ratios with their budgets."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Two-sided 95 % points of Student's t by degrees of freedom; beyond 30 the normal one is close enough.
_T95 = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13,
        2.12, 2.11, 2.10, 2.09, 2.09, 2.08, 2.07, 2.07, 2.06, 2.06, 2.06, 2.05, 2.05, 2.05, 2.04)  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """What design §7 asks of a figure."""

    limit: float
    at_least: bool

    def met(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


def at_least(limit: float) -> Budget:
    return Budget(limit, at_least=True)


def at_most(limit: float) -> Budget:
    return Budget(limit, at_least=False)


@dataclass(frozen=True)
class Finding:
    """One line of the printed table: a figure, its spread and its budget."""

    row: str
    what: str
    values: tuple[float, ...]
    unit: str = ""
    budget: Budget | None = None
    note: str = ""
    median_of: float | None = None
    """Set when the figure is no plain median of `values` (an estimate with an interval, a maximum)."""

    @property
    def value(self) -> float:
        return statistics.median(self.values) if self.median_of is None else self.median_of

    @property
    def verdict(self) -> str:
        if self.budget is None:
            return ""
        return "met" if self.budget.met(self.value) else "RED"


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, ...]:
    """Ours by theirs, run by run: neighbours on the machine slow both of a run."""
    return tuple(a / b for a, b in zip(ours, theirs, strict=True))


def mean_with_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean and its 95 % interval by Student's t."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return mean, -math.inf, math.inf
    t = _T95[len(values) - 2] if len(values) - 2 < len(_T95) else 1.96
    half = t * statistics.stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half


def rounded(value: float) -> str:
    """Three telling digits, thousands as k and millions as M."""
    for limit, suffix in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"
