"""Who is on duty. Pure: a file's text and a moment in, a name out.

A shift begins at a time of day in the team's own time zone, so that it keeps its hour when clocks change; who has it
follows from the calendar alone. Overrides (holidays, swaps) go before the rotation, the last one that fits counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

from alerts.pager.reading import Form, Mistakes, from_yaml

_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_PERSON = Form(name=str, phone=str, mail=str, wecom=str)
_ROTATION = Form(every=str, weekday=str, at=str, since=date, order=list)
_OVERRIDE = Form(since=datetime, until=datetime, person=str)
_FILE = Form(time_zone=str, people=dict, rotation=dict, overrides=list)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be called, and how."""

    key: str  # the name in the file
    name: str
    phone: str = ""  # with the country's code
    mail: str = ""
    wecom: str = ""  # user id there


@dataclass(frozen=True, slots=True)
class Override:
    """One person instead of the rotation, for a while."""

    since: datetime
    until: datetime
    person: Person


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is called first, who second, until when, and why these."""

    primary: Person
    secondary: Person
    until: datetime
    why: str  # "rotation" or "override"


@dataclass(frozen=True, slots=True)
class Rota:
    """A rotation of people over days or weeks."""

    zone: ZoneInfo
    people: Mapping[str, Person]
    order: tuple[Person, ...]
    days: int  # of a shift
    first: date  # the day on which the first of the order begins
    at: time
    overrides: tuple[Override, ...] = ()

    def on_duty(self, moment: datetime) -> Duty:
        """Who has it at a moment (aware of its time zone)."""
        local = moment.astimezone(self.zone)
        shift = self._shift(local)
        primary, secondary = self._person(shift), self._person(shift + 1)
        changes = [each for override in self.overrides for each in (override.since, override.until) if each > moment]
        until = min([self._begin(shift + 1), *changes]).astimezone(self.zone)
        for override in reversed(self.overrides):
            if override.since <= moment < override.until:
                second = primary if override.person == secondary else secondary
                return Duty(override.person, second, until, "override")
        return Duty(primary, secondary, until, "rotation")

    def _shift(self, local: datetime) -> int:
        day = local.date() if local.time() >= self.at else local.date() - timedelta(days=1)
        return (day - self.first).days // self.days

    def _person(self, shift: int) -> Person:
        return self.order[shift % len(self.order)]

    def _begin(self, shift: int) -> datetime:
        return datetime.combine(self.first + timedelta(days=shift * self.days), self.at, self.zone)


def read(text: str) -> Rota:
    """A rota from YAML.

    Raises:
        Wrong: with all mistakes.

    """
    mistakes = Mistakes()
    file = mistakes.read(from_yaml(text), _FILE, "")
    zone = _zone(file.get("time_zone", "UTC"), mistakes)
    people = {
        str(key): _person(str(key), mistakes.read(given, _PERSON, f"people.{key}"))
        for key, given in file.get("people", {}).items()
    }
    rotation = mistakes.read(file.get("rotation", {}), _ROTATION, "rotation")
    order = tuple(
        _known(people, key, f"rotation.order[{n}]", mistakes) for n, key in enumerate(rotation.get("order", []))
    )
    if not order:
        mistakes.add("rotation.order names nobody: a list of keys of people")
    days, first = _shifts(rotation, mistakes)
    overrides = tuple(
        _override(mistakes.read(given, _OVERRIDE, f"overrides[{n}]"), people, zone, f"overrides[{n}]", mistakes)
        for n, given in enumerate(file.get("overrides", []))
    )
    at = _time_of_day(rotation.get("at", "09:00"), mistakes)
    mistakes.raise_if_any()
    return Rota(zone, people, order, days, first, at, overrides)


def _person(key: str, given: Mapping[str, Any]) -> Person:
    return Person(key, given.get("name", key), given.get("phone", ""), given.get("mail", ""), given.get("wecom", ""))


def _known(people: Mapping[str, Person], key: object, where: str, mistakes: Mistakes) -> Person:
    if str(key) not in people:
        mistakes.unknown(where, str(key), people, "person")
    return people.get(str(key), Person("", ""))


def _zone(name: str, mistakes: Mistakes) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        known = "such as Asia/Shanghai or UTC" if available_timezones() else "known here: install the package tzdata"
        mistakes.add(f"time_zone: {name!r} is no time zone {known}")
        return ZoneInfo("UTC")


def _shifts(rotation: Mapping[str, Any], mistakes: Mistakes) -> tuple[int, date]:
    """Days of a shift and the day of the first one."""
    every = rotation.get("every", "week")
    first: date = rotation.get("since", date(2026, 1, 5))  # a Monday
    if every == "day":
        return 1, first
    if every != "week":
        mistakes.unknown("rotation.every", every, ("day", "week"), "period")
    weekday = str(rotation.get("weekday", "monday")).lower()
    if weekday not in _DAYS:
        mistakes.unknown("rotation.weekday", weekday, _DAYS, "day")
        return 7, first
    return 7, first - timedelta(days=(first.weekday() - _DAYS.index(weekday)) % 7)


def _time_of_day(given: str, mistakes: Mistakes) -> time:
    try:
        found = time.fromisoformat(given)
    except ValueError:
        mistakes.add(f"rotation.at: {given!r} is no time of day such as '09:00'")
        return time()
    if found.tzinfo is not None:
        mistakes.add(f"rotation.at: {given!r} names a time zone; that is time_zone's")
    return found.replace(tzinfo=None)


def _override(
    given: Mapping[str, Any], people: Mapping[str, Person], zone: ZoneInfo, where: str, mistakes: Mistakes
) -> Override:
    for name in ("since", "until", "person"):
        if name not in given:
            mistakes.add(f"{where}: {name} is missing")
    person = _known(people, given["person"], f"{where}.person", mistakes) if "person" in given else Person("", "")
    since, until = (_aware(given.get(name), zone) for name in ("since", "until"))
    if "since" in given and "until" in given and until <= since:
        mistakes.add(f"{where}: it ends before it begins")
    return Override(since, until, person)


def _aware(given: datetime | None, zone: ZoneInfo) -> datetime:
    if given is None:
        return datetime.min.replace(tzinfo=UTC)
    return given if given.tzinfo is not None else given.replace(tzinfo=zone)
