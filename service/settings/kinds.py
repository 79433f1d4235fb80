"""Pure: the kinds of values an option takes, from a file (typed) or from the environment (text)."""

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

Convert = Callable[[object], object]

_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_STEP = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")


class Misfit(ValueError):  # noqa: N818 - says what is wrong with the value
    """A value that its option cannot take; the text says what it takes."""


def seconds(text: str) -> float:
    """A duration as Go writes it: ``300s``, ``1m30s``, ``500ms``, ``0``.

    Raises:
        Misfit: it is none.

    """
    rest = text.strip().removeprefix("+")
    if rest.startswith("-"):
        raise Misfit('takes a duration with its unit, such as "25s", and none below 0')
    if rest == "0":
        return 0.0
    total, place = 0.0, 0
    while step := _STEP.match(rest, place):
        total += float(step[1]) * _UNITS[step[2]]
        place = step.end()
    if not rest or place != len(rest) or total == float("inf"):
        raise Misfit('takes a duration with its unit, such as "25s", "1m30s" or "500ms"')
    return total


def duration(value: object) -> float:
    """Seconds out of a Go duration. A bare number is refused: Centrifugo would take it for nanoseconds."""
    if value == 0 and not isinstance(value, bool):
        return 0.0
    return seconds(value if isinstance(value, str) else "")


def switch(value: object) -> bool:
    """True or false, also as text."""
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise Misfit("takes true or false")


def whole(value: object) -> int:
    """A whole number from 0 on, also as text."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        return int(value)
    raise Misfit("takes a whole number, 0 or more")


def rate(value: object) -> float:
    """A number from 0 on, with or without a fraction."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else -1.0
    except (ValueError, OverflowError):
        number = -1.0
    if not 0 <= number < float("inf"):
        raise Misfit("takes a number, 0 or more")
    return number


def port(value: object) -> int:
    """A TCP port; 0 takes any free one."""
    number = whole(value)
    if number > 65535:
        raise Misfit("takes a port, 0 to 65535 (0: any free one)")
    return number


def port_or(usual: int) -> Convert:
    """A TCP port; "" is the usual one, as Centrifugo writes its default of ports that are texts there."""

    def port_or_empty(value: object) -> int:
        return usual if value == "" else port(value)

    return port_or_empty


def text(value: object) -> str:
    """Text. Numbers are refused: YAML may have changed what was written (``0123`` is 83)."""
    if not isinstance(value, str):
        raise Misfit("takes text: write it in quotes")
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list of texts; a single text is a list of one."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise Misfit("takes a list of texts")
    return tuple(items)


def headers(value: object) -> dict[str, str]:
    """Names with texts; as text, a JSON object of them."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, dict) or not all(isinstance(each, str) for pair in value.items() for each in pair):
        raise Misfit("takes names with texts")
    return dict(value)


def anything(value: object) -> object:
    """Not looked into."""
    return value


def one_of(*words: str, elsewhere: Mapping[str, str] = MappingProxyType({})) -> Convert:
    """A text out of a closed list; "" stands for the first of them where the list has it.

    Args:
        words: the list.
        elsewhere: words that somebody may well write here, and the setting that takes them.

    """

    def convert(value: object) -> object:
        if value not in words:
            right = f'; "{value}" is for {elsewhere[value]}' if isinstance(value, str) and value in elsewhere else ""
            raise Misfit("takes " + " or ".join(f'"{word}"' for word in words if word) + right)
        return value

    return convert
