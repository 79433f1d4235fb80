"""Pure: a configuration as read -> values of the options that exist here, and everything that is wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.settings.kinds import Misfit
from service.settings.mistakes import Mistake, not_yet, shown, unknown
from service.settings.option import Option, Section

Tree = dict[str, Any]


@dataclass(slots=True)
class Checked:
    """Values by section, defaults filled in, and the mistakes in the order of the file."""

    values: Tree
    mistakes: list[Mistake] = field(default_factory=list)


def check(raw: Mapping[str, object], root: Section, origins: Mapping[str, str] | None = None) -> Checked:
    """Convert and judge every value.

    Args:
        raw: nested as in the file, with what the environment and flags say already laid over it.
        root: the known options.
        origins: path -> variable or flag, for values that do not come from the file.

    """
    return _Check(root, origins or {}).run(raw)


def defaults(section: Section) -> Tree:
    """What a section is when nobody says anything."""
    filled: Tree = {}
    for name, member in section.members.items():
        if isinstance(member, Option):
            if member.here:
                filled[name] = member.convert(_as_given(member.default))
        else:
            filled[name] = [] if member.listed else defaults(member)
    return filled


class _Check:
    def __init__(self, root: Section, origins: Mapping[str, str]) -> None:
        self._root = root
        self._origins = origins
        self._mistakes: list[Mistake] = []
        self._later: list[tuple[str, Option, object]] = []

    def run(self, raw: Mapping[str, object]) -> Checked:
        values = self._section(raw, self._root, "", asleep=False)
        return Checked(values, self._mistakes + not_yet(self._later))

    def _section(self, raw: Mapping[str, object], section: Section, path: str, *, asleep: bool) -> Tree:
        values = defaults(section)
        asleep = asleep or _switched_off(raw, section)
        missing = self._switch(raw, section, path, asleep=asleep)
        for name, given in raw.items():
            place = f"{path}.{name}" if path else str(name)
            member = section.members.get(name)
            if given is None:
                if member is None:
                    self._mistakes.append(unknown(place, str(name), given, section, self._root))
            elif isinstance(member, Option):
                self._option(values, member, given, place, asleep=asleep or missing)
            elif member is None:
                self._mistakes.append(unknown(place, str(name), given, section, self._root))
            elif member.listed:
                values[name] = self._list(given, member, place, asleep=asleep)
            elif isinstance(given, Mapping):
                values[name] = self._section(given, member, place, asleep=asleep or missing)
            else:
                self._mistakes.append(Mistake(place, "takes a section of options"))
        return values

    def _switch(self, raw: Mapping[str, object], section: Section, path: str, *, asleep: bool) -> bool:
        """Whether the whole section is something that is missing here and switched on; one report is enough then."""
        option = section.members.get("enabled")
        if asleep or not isinstance(option, Option) or not option.starts or raw.get("enabled") is None:
            return False
        on = not _same(option, raw["enabled"])
        if on:
            self._later.append((f"{path}.enabled", option, raw["enabled"]))
        return on

    def _option(self, values: Tree, option: Option, given: object, place: str, *, asleep: bool) -> None:
        try:
            value = option.convert(given)
        except Misfit as misfit:
            self._mistakes.append(
                Mistake(self._origins.get(place, place), str(misfit), shown(given, option, option.name))
            )
            return
        if option.here:
            values[option.name] = value
        elif option.starts and not asleep and not _same(option, given):
            self._later.append((self._origins.get(place, place), option, given))

    def _list(self, given: object, section: Section, place: str, *, asleep: bool) -> list[Tree]:
        if not isinstance(given, list):
            self._mistakes.append(Mistake(self._origins.get(place, place), "takes a list of sections"))
            return []
        found = []
        for index, item in enumerate(given):
            if isinstance(item, Mapping):
                found.append(self._section(item, section, f"{place}[{index}]", asleep=asleep))
            else:
                self._mistakes.append(Mistake(f"{place}[{index}]", "takes a section of options"))
        return found


def _switched_off(raw: Mapping[str, object], section: Section) -> bool:
    """A section with a switch that is off: whatever else it says switches nothing on."""
    option = section.members.get("enabled")
    return isinstance(option, Option) and _same(option, raw.get("enabled"))


def _same(option: Option, given: object) -> bool:
    """Whether a value says no more than the default does."""
    if given is None:
        return True
    try:
        value = option.convert(given)
        return any(value == option.convert(_as_given(known)) for known in (option.default, *option.harmless))
    except Misfit:
        return True  # told elsewhere


def _as_given(default: object) -> object:
    return list(default) if isinstance(default, tuple) else default
