"""The same rules at a quicker pace: a lab cannot wait five minutes for "for: 5m".

Only time is changed. Names, thresholds, labels and annotations stay those of production, so that what a lab proves
is said about the rules that page people. A recorded name keeps its window ("rate5m") although the lab's is shorter.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

#: 5 minutes become 10 seconds: an alert is in the inbox within a minute of its fault.
PACE = 30.0
#: A range needs a few samples: four scrapes of one second.
SHORTEST_WINDOW = 4.0

#: What is absent is so at the start of a Prometheus, too: it hears of its targets after five seconds, at any pace.
SHORTEST_ABSENCE = 8.0

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
#: How far a line is drawn out is a time, too, although it is written as a number of seconds.
#: So is what makes a rate of what a new counter began with, and the age of a process.
_NUMBERS = re.compile(
    r"(\bpredict_linear\([^\[\]]*\[[^\]]*\]\s*,\s*)(\d+)(?=\s*\))"
    r"|(\)\) / )(\d+)(?=\s+or rate\()"
    r"|(\btime\(\) - )(\d+)\b"
)
# Quoted text is matched first and kept: a label value may look like a window.
_TIMES = re.compile(
    rf"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
    rf"""|(?P<open>\[\s*)(?P<window>{_DURATION})(?P<step>\s*:\s*(?:{_DURATION})?)?(?P<close>\s*\])"""
    rf"""|(?P<word>\boffset\s+-?)(?P<offset>{_DURATION})"""
)


def seconds(duration: str) -> float:
    """A Prometheus duration ("1h30m") in seconds. Raises ValueError for anything else."""
    if not re.fullmatch(_DURATION, duration):
        raise ValueError(f"{duration!r} is no duration; write it like 90s, 5m or 1h30m")
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def hastened(rules: dict[str, Any], pace: float = PACE, shortest_window: float = SHORTEST_WINDOW) -> dict[str, Any]:
    """The rule file's content with every window, offset, `for`, `keep_firing_for` and interval divided by `pace`.

    No range gets shorter than `shortest_window` seconds, no `for` of an absence than `SHORTEST_ABSENCE`.
    The argument is not changed.
    """
    return {**rules, "groups": [_hastened_group(group, pace, shortest_window) for group in rules["groups"]]}


def write_hastened(rules: Path, into: Path) -> list[Path]:
    """Writes each `*.yml` of the folder `rules` into the folder `into`, hastened; returns what it wrote."""
    into.mkdir(parents=True, exist_ok=True)
    return list(_written(rules, into))


def _written(rules: Path, into: Path) -> Iterator[Path]:
    for source in sorted(rules.glob("*.yml")):
        content = hastened(yaml.safe_load(source.read_text()))
        target = into / source.name
        target.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120))
        yield target


def _hastened_group(group: dict[str, Any], pace: float, shortest_window: float) -> dict[str, Any]:
    quick = {**group, "rules": [_hastened_rule(rule, pace, shortest_window) for rule in group["rules"]]}
    return _with_quick_times(quick, ("interval", "query_offset"), pace)


def _hastened_rule(rule: dict[str, Any], pace: float, shortest_window: float) -> dict[str, Any]:
    quick = {**rule, "expr": _hastened_expression(rule["expr"], pace, shortest_window)}
    quick = _with_quick_times(quick, ("for", "keep_firing_for"), pace)
    if "absent(" in rule["expr"] and "for" in rule:
        quick["for"] = _duration(max(SHORTEST_ABSENCE, seconds(rule["for"]) / pace))
    return quick


def _with_quick_times(fields: dict[str, Any], keys: tuple[str, ...], pace: float) -> dict[str, Any]:
    quick = {key: _duration(seconds(fields[key]) / pace) for key in keys if key in fields}
    return {**fields, **quick}


def _hastened_expression(expression: str, pace: float, shortest_window: float) -> str:
    def quick(found: re.Match[str]) -> str:
        if found["window"]:
            window = _duration(max(shortest_window, seconds(found["window"]) / pace))
            return f"{found['open']}{window}{_quick_step(found['step'], pace)}{found['close']}"
        if found["offset"]:
            return f"{found['word']}{_duration(seconds(found['offset']) / pace)}"
        return found[0]

    return _TIMES.sub(quick, _NUMBERS.sub(lambda found: _divided(found, pace), expression))


def _divided(found: re.Match[str], pace: float) -> str:
    before, number = (part for part in found.groups() if part is not None)
    return f"{before}{int(number) / pace:g}"


def _quick_step(step: str | None, pace: float) -> str:
    width = (step or "").strip(" \t\n:")
    return f":{_duration(seconds(width) / pace)}" if width else (step or "")


def _duration(value: float) -> str:
    milliseconds = max(1, round(value * 1000))
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"
