"""Reading what people write: all mistakes at once, each with its place and the nearest known name."""

import difflib
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final

import yaml

from service.settings.strict_yaml import StrictLoader, complaint

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_WORDS: Final = {
    str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "a mapping",
    date: "a day such as 2026-11-02", datetime: "a time such as 2026-12-24T18:00:00",
}  # fmt: skip


class Wrong(Exception):  # noqa: N818 - says what it is
    """What somebody wrote cannot be used; ``sentences`` are all reasons."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


class Form:
    """The names that a mapping may have, and the type of each."""

    def __init__(self, **types: type) -> None:
        self.types = types


class Mistakes:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def add(self, sentence: str) -> None:
        """One more."""
        self.sentences.append(sentence)

    def unknown(self, where: str, given: str, known: Iterable[str], what: str) -> None:
        """A name that is none of the known ones."""
        names = list(known)
        near = difflib.get_close_matches(given, names, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(names) or 'none'}"
        self.add(f"{where}: {given!r} is no {what}{hint}")

    def read(self, given: object, form: Form, where: str) -> dict[str, Any]:
        """What is right of a mapping; the rest is told."""
        if not isinstance(given, dict):
            self.add(f"{where or 'the file'} is no mapping")
            return {}
        found = {}
        for name, value in given.items():
            place = f"{where}.{name}" if where else str(name)
            if name not in form.types:
                self.unknown(place, str(name), form.types, "known option")
            elif not _is(value, form.types[name]):
                self.add(f"{place} should be {_WORDS[form.types[name]]}")
            else:
                found[str(name)] = value
        return found

    def seconds(self, given: str, where: str) -> float:
        """A duration such as 30s, 5m, 1h; 0 and a sentence for anything else."""
        parts = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|d)", given)
        if parts is None:
            self.add(f"{where}: {given!r} is no duration such as 30s, 5m or 1h")
            return 0.0
        return float(parts[1]) * _UNITS[parts[2]]

    def raise_if_any(self) -> None:
        """The end of reading.

        Raises:
            Wrong: something was.

        """
        if self.sentences:
            raise Wrong(self.sentences)


def from_yaml(text: str) -> object:
    """What a file's text holds.

    Raises:
        Wrong: it is no YAML.

    """
    try:
        return yaml.load(text, StrictLoader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError) as error:
        why = complaint(error) if isinstance(error, yaml.YAMLError) else str(error)
        raise Wrong([f"this is no YAML: {why}"]) from None


def _is(value: object, kind: type) -> bool:
    if kind is date:  # a datetime is a date, too
        return type(value) is date
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))
