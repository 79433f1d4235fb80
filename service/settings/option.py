"""One option of the configuration, and the sections they stand in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from service.settings.kinds import Convert

_SECRET = re.compile(r"secret|pass(w|$)|pwd|(^|_)key($|_)|api_key|token$|dsn|pem$|credential|connection_string|_value$")


@dataclass(frozen=True, slots=True)
class Option:
    """A name, what it takes, and what it is when nobody says anything.

    ``here`` is false for what Centrifugo has and this server has not; ``starts`` marks those of them that switch
    something on when they differ from their default. The others are parameters of something that is off.
    """

    name: str
    convert: Convert
    default: object  # as a configuration would write it
    doc: str = ""
    here: bool = True
    starts: bool = False
    harmless: tuple[object, ...] = ()  # other values that switch nothing on

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown."""
        return looks_secret(self.name)


def looks_secret(name: str) -> bool:
    """Whether a name sounds like a secret's: unknown names are judged by their sound."""
    return _SECRET.search(name.lower()) is not None


@dataclass(slots=True)
class Section:
    """Options and sections by name; ``listed`` when the configuration has a list of them."""

    members: "dict[str, Option | Section]" = field(default_factory=dict)
    listed: bool = False
    doc: str = ""


Member: TypeAlias = Option | Section


def insert(root: Section, path: str, member: Member) -> None:
    """Put a member at a dotted path; sections on the way are made, ``[]`` makes a listed one."""
    *way, name = path.split(".")
    section = root
    for step in way:
        found = section.members.setdefault(step.removesuffix("[]"), Section(listed=step.endswith("[]")))
        assert isinstance(found, Section), f"{path}: {step} is an option"
        section = found
    assert name not in section.members, f"{path} stands in the tables twice"
    section.members[name] = member


def walk(section: Section, path: str = "") -> "list[tuple[str, Option]]":
    """All options with their dotted paths, listed sections as ``name[]``."""
    found: list[tuple[str, Option]] = []
    for name, member in section.members.items():
        place = f"{path}.{name}" if path else name
        if isinstance(member, Section):
            found += walk(member, place + "[]" if member.listed else place)
        else:
            found.append((place, member))
    return found


Values: TypeAlias = Mapping[str, object]
