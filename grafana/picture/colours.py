"""Colours of Grafana's dark theme, by the names that boards use. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

NAMED: Final = {
    "green": "#73BF69",
    "yellow": "#FADE2A",
    "orange": "#FF9830",
    "red": "#F2495C",
    "blue": "#5794F2",
}
#: The classic palette: a series gets the next one.
PALETTE: Final = (
    "#73BF69", "#FADE2A", "#5794F2", "#FF9830", "#F2495C", "#B877D9", "#8AB8FF", "#FFA6B0", "#96D98D", "#CA95E5",
)  # fmt: skip


def of_series(number: int) -> str:
    """The colour of a panel's series, counted from 0."""
    return PALETTE[number % len(PALETTE)]


def by_threshold(value: float, steps: Sequence[Mapping[str, Any]]) -> str:
    """The colour of the last step that the value reaches; the first step has no value and is reached always."""
    reached = [step for step in steps if step.get("value") is None or value >= step["value"]]
    return NAMED[reached[-1]["color"]]
