"""What Prometheus and Loki answer, as series with a name and a value for every step. Pure."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from grafana.picture.sources import Window


@dataclass(frozen=True, slots=True)
class Series:
    """``values`` has one of each step of the window; None where there is none."""

    name: str
    values: list[float | None]


def series_of(answer: Mapping[str, Any], legend: str, when: Window) -> list[Series]:
    """Every series of a range query, in the order of their names."""
    found = [Series(_named(each["metric"], legend), _points(each["values"], when)) for each in answer["result"]]
    return sorted(found, key=lambda each: each.name)


def cells(answer: Mapping[str, Any], when: Window) -> tuple[list[float], list[list[float]]]:
    """A histogram's answer (``sum by (le)``) as a heatmap: upper bounds, and for every step what each got."""
    rows = sorted((float(each["metric"]["le"]), _points(each["values"], when)) for each in answer["result"])
    below = [[row[n] or 0.0 for _, row in rows] for n in range(len(when.times))]
    return [bound for bound, _ in rows], [
        [max(0.0, upper - lower) for lower, upper in pairwise([0.0, *column])] for column in below
    ]


def marks(answer: Mapping[str, Any], when: Window, *, by_value: bool) -> list[dict[str, float]]:
    """An annotation's answer as spans of time; ``by_value``: the values are the moments, in milliseconds."""
    if by_value:
        moments = {float(value) / 1000 for each in answer["result"] for _, value in each["values"]}
        return [{"start": at, "end": at} for at in sorted(moments) if when.start <= at <= when.end]
    spans: list[dict[str, float]] = []
    for at in sorted({float(t) for each in answer["result"] for t, value in each["values"] if float(value)}):
        if spans and at - spans[-1]["end"] <= when.step:
            spans[-1]["end"] = at
        else:
            spans.append({"start": at, "end": at})
    return spans


def _named(labels: Mapping[str, str], legend: str) -> str:
    if not legend:
        return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)


def _points(values: list[tuple[float, str]], when: Window) -> list[float | None]:
    points: list[float | None] = [None] * len(when.times)
    for at, text in values:
        place = round((float(at) - when.start) / when.step)
        if 0 <= place < len(points) and math.isfinite(value := float(text)):
            points[place] = value
    return points
