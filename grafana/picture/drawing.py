"""A board and what its data sources answered, as plain shapes for the page: places, colours, texts, points. Pure.

What each kind of panel shows is read from the panel itself: unit, thresholds, legend, overrides, options.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana.picture import colours, units
from grafana.picture.series import Series, cells, series_of
from grafana.picture.sources import Window

WIDTH: Final = 1600  # pixels of the whole board
COLUMNS: Final = 24
ROW: Final = 30  # pixels of a row of Grafana's grid, and of the gap between panels
GAP: Final = 8

Panel = Mapping[str, Any]
Answers = Sequence[Any]  # one of each target, in the panel's order


@dataclass(frozen=True, slots=True)
class Scene:
    """What all panels share: the time that is shown, and the marks that annotations put on it."""

    when: Window
    marks: Sequence[Mapping[str, Any]] = ()


def place(grid: Mapping[str, int]) -> dict[str, int]:
    """A panel's pixels: left, top, width, height."""
    column = (WIDTH - GAP) / COLUMNS
    left, right = (round(column * grid["x"]), round(column * (grid["x"] + grid["w"])))
    height = grid["h"] * (ROW + GAP) - GAP
    return {"x": left + GAP, "y": grid["y"] * (ROW + GAP), "w": right - left - GAP, "h": height}


def panel(given: Panel, answers: Answers, scene: Scene) -> dict[str, Any]:
    """The panel as the page draws it; KeyError for a kind that is not known here."""
    return {"kind": given["type"], "title": given["title"], **place(given["gridPos"])} | _KINDS[given["type"]](
        given, answers, scene
    )


# ------------------------------------------------------------------------- numbers


def _stat(given: Panel, answers: Answers, scene: Scene) -> dict[str, Any]:
    defaults, options = given["fieldConfig"]["defaults"], given["options"]
    found = _every_series(given, answers, scene)
    shown = [_number(each, defaults, named=len(found) > 1) for each in found]
    return {
        "cells": shown or [{"text": defaults.get("noValue", "No data"), "color": "#2c3235", "points": []}],
        "area": options["graphMode"] == "area",
    }


def _number(each: Series, defaults: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    """One big number: the last one that is there (`lastNotNull`)."""
    value = next((value for value in reversed(each.values) if value is not None), None)
    name = each.name if named else ""
    if value is None:
        return {"text": "No data", "name": name, "color": "#2c3235", "points": []}
    for mapping in defaults.get("mappings", ()):
        if mapped := mapping["options"].get(f"{value:g}"):
            return {
                "text": mapped["text"],
                "name": name,
                "color": colours.NAMED[mapped["color"]],
                "points": each.values,
            }
    color = colours.by_threshold(value, defaults["thresholds"]["steps"])
    text = f"{value:.{defaults['decimals']:.0f}f}" if "decimals" in defaults else units.written(value, defaults["unit"])
    return {"text": text, "name": name, "color": color, "points": each.values}


# --------------------------------------------------------------------------- lines


def _lines(given: Panel, answers: Answers, scene: Scene) -> dict[str, Any]:
    found, overrides = _every_series(given, answers, scene), _overrides(given)
    custom = given["fieldConfig"]["defaults"]["custom"]
    right = {name for name, changed in overrides.items() if changed.get("custom.axisPlacement") == "right"}
    drawn = [
        {"name": each.name, "color": colours.of_series(n), "right": each.name in right, "values": each.values}
        for n, each in enumerate(found)
    ]
    if stacked := custom.get("stacking", {}).get("mode") == "normal":
        for each, values in zip(drawn, stack([each.values for each in found]), strict=True):
            each["values"] = values
        drawn.reverse()  # the highest first, so that the lower ones lie over it
    return {
        "times": scene.when.times, "clock": clock(scene.when), "series": drawn, "fill": custom["fillOpacity"] / 100,
        "width": custom["lineWidth"], "marks": scene.marks, "limits": _limits(given),
        "bars": custom.get("drawStyle") == "bars", "none": given["fieldConfig"]["defaults"].get("noValue", "No data"),
        "left": _axis(given, [each for each in found if each.name not in right], "", stacked=stacked),
        "right": _axis(given, [each for each in found if each.name in right], next(iter(right), "")) if right else None,
    }  # fmt: skip


def stack(rows: Sequence[Sequence[float | None]]) -> list[list[float | None]]:
    """Each row upon those before it; nothing stays nothing."""
    under, out = [0.0] * (len(rows[0]) if rows else 0), []
    for row in rows:
        under = [below + (value or 0.0) for below, value in zip(under, row, strict=True)]
        out.append([None if value is None else top for top, value in zip(under, row, strict=True)])
    return out


def _axis(given: Panel, found: Sequence[Series], overridden: str, *, stacked: bool = False) -> list[tuple[float, str]]:
    defaults = given["fieldConfig"]["defaults"]
    unit = _overrides(given).get(overridden, {}).get("unit", defaults["unit"])
    rows = [each.values for each in found]
    highest = max((v for row in (stack(rows) if stacked else rows) for v in row if v is not None), default=0.0)
    return units.ticks(max(highest, defaults["custom"].get("axisSoftMax") or 0), unit)


def _limits(given: Panel) -> list[dict[str, Any]]:
    """Thresholds that the panel wants to be drawn as lines."""
    defaults = given["fieldConfig"]["defaults"]
    if "thresholdsStyle" not in defaults["custom"]:
        return []
    steps = [step for step in defaults["thresholds"]["steps"] if step["value"] is not None]
    return [{"value": step["value"], "color": colours.NAMED[step["color"]]} for step in steps]


def _overrides(given: Panel) -> dict[str, dict[str, Any]]:
    """What single series have otherwise, by their name."""
    return {
        each["matcher"]["options"]: {changed["id"]: changed["value"] for changed in each["properties"]}
        for each in given["fieldConfig"]["overrides"]
    }


def clock(when: Window) -> list[tuple[float, str]]:
    """Round times of the axis, in UTC."""
    span = when.end - when.start
    step = next((s for s in (15, 30, 60, 120, 300, 600, 1800, 3600) if span / s <= 6), 7200)
    first = -(-when.start // step) * step
    form = "%H:%M:%S" if step < 60 else "%H:%M"
    at = [first + n * step for n in range(int((when.end - first) // step) + 1)]
    return [(t, time.strftime(form, time.gmtime(t))) for t in at]


# ---------------------------------------------------------------- heatmap and lists


def _heatmap(given: Panel, answers: Answers, scene: Scene) -> dict[str, Any]:
    bounds, columns = cells(answers[0], scene.when)
    unit, options = given["options"]["yAxis"]["unit"], given["options"]
    return {
        "bounds": [units.written(bound, unit) for bound in bounds], "columns": columns,
        "most": units.written(max((count for column in columns for count in column), default=0), "short"),
        "clock": clock(scene.when), "start": scene.when.start, "end": scene.when.end,
        "exponent": options["color"]["exponent"], "gap": options["cellGap"], "least": options["filterValues"]["le"],
    }  # fmt: skip


def _logs(given: Panel, answers: Answers, _scene: Scene) -> dict[str, Any]:
    entries = [
        (int(stamp), {**stream["stream"]}, text)
        for stream in answers[0]["result"]
        for stamp, text, *_ in stream["values"]
    ]
    entries.sort(key=lambda entry: entry[0], reverse=given["options"]["sortOrder"] == "Descending")
    return {
        "lines": [
            {"time": _moment(stamp / 1e9), "level": labels.get("level", labels.get("detected_level", "")), "text": text}
            for stamp, labels, text in entries
        ]
    }


def _traces(_given: Panel, answers: Answers, _scene: Scene) -> dict[str, Any]:
    rows = []
    for trace in answers[0] or ():
        first = min(trace["spans"], key=lambda span: span["startTime"])
        last = max(span["startTime"] + span["duration"] for span in trace["spans"])
        name = f"{trace['processes'][first['processID']]['serviceName']}: {first['operationName']}"
        start = first["startTime"] / 1e6
        rows.append(
            (start, [trace["traceID"], name, _moment(start), units.written((last - first["startTime"]) / 1e6, "s")])
        )
    rows.sort(reverse=True)
    return {"head": ["Trace ID", "Trace name", "Start time", "Duration"], "rows": [row for _, row in rows]}


def _alerts(given: Panel, answers: Answers, _scene: Scene) -> dict[str, Any]:
    """Asked of Prometheus' own list; Grafana does the same for a list with this data source."""
    wanted = given["options"]["alertName"]
    return {
        "alerts": [
            {
                "name": alert["labels"]["alertname"],
                "state": alert["state"],
                "severity": alert["labels"].get("severity", ""),
            }
            for alert in answers[0]["alerts"]
            if wanted in alert["labels"]["alertname"]
        ]
    }


def _moment(stamp: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(stamp)) + f".{int(stamp * 1000) % 1000:03d}"


def _every_series(given: Panel, answers: Answers, scene: Scene) -> list[Series]:
    return [
        each
        for target, answer in zip(given["targets"], answers, strict=True)
        for each in series_of(answer, target.get("legendFormat") or "", scene.when)
    ]


_KINDS: Final = {
    "stat": _stat,
    "timeseries": _lines,
    "heatmap": _heatmap,
    "logs": _logs,
    "table": _traces,
    "alertlist": _alerts,
}
