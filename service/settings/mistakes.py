"""What is wrong with a configuration: each mistake with its place, the value (never a secret's) and what helps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.settings.option import Option, Section, looks_secret, walk

_LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class Mistake:
    """One finding. ``later`` is something that Centrifugo has and this server has not yet: forgiven by --lenient."""

    place: str  # a path such as channel.namespaces[2].history_size, a variable of the environment, or a flag
    says: str
    value: str = ""  # as shown to people
    later: bool = False

    def __str__(self) -> str:
        given = f" = {self.value}" if self.value else ""
        return f"{self.place}{given}: {self.says}"


class ConfigurationRefused(Exception):  # noqa: N818 - says what happened
    """The configuration cannot be used; all reasons at once."""

    def __init__(self, source: str, mistakes: Sequence[Mistake]) -> None:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        super().__init__("\n".join([f"{source}: {count}", *(f"  {mistake}" for mistake in mistakes)]))
        self.source = source
        self.mistakes = tuple(mistakes)


def shown(value: object, option: Option | None, name: str, like: str = "") -> str:
    """A value for people: never that of a secret, nor of a name that may be a misspelt secret's.

    Args:
        value: as it was given.
        option: whose it is, or whose name is nearest; None when nobody knows.
        name: the name it was given under.
        like: the nearest known name, where that is not the option's own.

    """
    if isinstance(value, dict | list):
        return ""
    hidden = looks_secret(name) or option is None or option.secret or not _surely(name, like or option.name)
    if hidden and not isinstance(value, bool | None):
        return "***"
    text = f'"{value}"' if isinstance(value, str) else _plain(value)
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _surely(name: str, like: str) -> bool:
    """Whether a name that nobody knows is meant to be this one, and not perhaps a secret's."""
    from difflib import SequenceMatcher

    return name == like or SequenceMatcher(None, name.lower(), like.lower()).ratio() > 0.8


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "nothing" if value is None else str(value)


def nearest(name: str, section: Section, root: Section) -> tuple[str, Option | None]:
    """The known name that ``name`` is most like, first in its own section, then anywhere; "" when none is like it."""
    from difflib import get_close_matches  # only needed when somebody erred

    here = get_close_matches(name.lower(), section.members, 1, 0.6)
    if here:
        found = section.members[here[0]]
        return here[0], found if isinstance(found, Option) else None
    everywhere = {path.replace(".", "_").replace("[]", ""): (path, option) for path, option in walk(root)}
    flat = name.lower().replace(".", "_")
    ends = [key for key in everywhere if key.endswith(f"_{flat}")] or get_close_matches(flat, everywhere, 1, 0.75)
    return everywhere[min(ends, key=len)] if ends else ("", None)


def unknown(place: str, name: str, value: object, section: Section, root: Section) -> Mistake:
    """An option that nobody knows, with the nearest name."""
    like, option = nearest(name, section, root)
    if like == name or (like and like.lower() == name.lower() != name):
        hint = f"; it is written {like}" if "." not in like else f"; it stands at {like}"
    else:
        hint = f"; did you mean {like}?" if like else ""
    return Mistake(place, f"there is no such option{hint}", shown(value, option, name))


def not_yet(places: Iterable[tuple[str, Option, object]]) -> list[Mistake]:
    """What Centrifugo has and this server has not, and the configuration switches on."""
    return [
        Mistake(
            place,
            "not available yet (--lenient starts without it)",
            shown(v, o, o.name),
            later=True,
        )
        for place, o, v in places
    ]
