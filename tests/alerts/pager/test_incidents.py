"""Incidents of a provider that calls people for each: a case has its own, a storm has a few."""

import json

import pytest

from alerts.pager import incidents
from alerts.pager import store as store_room
from alerts.pager.alert import read
from alerts.pager.calls import Calls
from alerts.pager.cases import Cases
from alerts.pager.letters import Letters
from alerts.pager.pace import RECENT
from alerts.pager.settings import read as settings_of
from alerts.pager.store import Store
from tests.alerts.pager.notices import notice, notification

NOW = 1_800_000_000.0
ROUTES = settings_of("""
channels: {duty: {type: pagerduty, routing_key_file: key}, chat: {type: webhook, url: "http://there"}}
routes: {critical: [{to: [duty, chat]}], warning: [{to: [chat]}]}""").routes


class Pager:
    """Cases and their letters; what the provider's incidents look like when all letters have gone out."""

    def __init__(self, store):
        self.letters = Letters(store, Calls(store), window=0, single=["duty"])
        self.cases = Cases(store, self.letters, ROUTES, lambda *_: ("",), "http://pager", followers=["duty"])
        self.now = NOW
        self.open: dict[str, list[str]] = {}  # what a provider knows: incident → names of its alerts
        self.calls: list[tuple[str, str]] = []  # (kind, incident), in order
        self.numbers: dict[str, int] = {}

    def take(self, name, *, over=False, route="critical"):
        alert = notice(name, ends=1060) if over else notice(name)
        body = {**notification(alert), "groupKey": f"g {name}"}
        told = self.cases.take(route, read(json.dumps(body).encode()), self.now)
        if told == "firing":
            self.numbers[name] = max(case.number for case in self.cases.open())
        self._carry()
        return told

    def acknowledge(self, name):
        self.cases.acknowledge(self.numbers[name], "ada", self.now)
        self._carry()

    def _carry(self):
        while found := self.letters.next("duty", self.now):
            (letter,) = found
            message = letter.message
            self.calls.append((message.kind, message.topic))
            if message.kind == "over":
                del self.open[message.topic]
            elif message.kind != "acknowledged":
                self.open.setdefault(message.topic, []).append(message.lines[0].name)
            self.letters.sent(found, self.now)


@pytest.fixture
def pager(store):
    return Pager(store)


def storm(pager, count=12):
    for number in range(count):
        pager.take(f"A{number}")


def test_a_case_has_its_own_and_its_end_is_told_there(pager):
    pager.take("A")
    pager.take("B")
    assert list(pager.open.values()) == [["A"], ["B"]]
    pager.take("A", over=True)
    assert list(pager.open.values()) == [["B"]]


def test_a_storm_is_four_and_each_of_its_rules_stands_in_one(pager):
    storm(pager)
    assert list(pager.open.values()) == [["A0"], ["A1"], ["A2"], [f"A{number}" for number in range(3, 12)]]
    assert len(pager.letters.channels_of(12)) == 2, "all other channels are told of each"


def test_what_comes_when_the_storm_is_older_has_its_own(pager):
    storm(pager, 5)
    pager.now += RECENT
    pager.take("later")
    assert ["later"] in pager.open.values()


def test_what_others_are_told_by_does_not_count(pager):
    for number in range(6):
        pager.take(f"W{number}", route="warning")
    pager.take("A")
    assert list(pager.open.values()) == [["A"]]


def test_it_is_over_when_all_of_it_is(pager):
    storm(pager, 6)
    shared = list(pager.open)[-1]
    for name in ("A3", "A5"):
        pager.take(name, over=True)
        assert shared in pager.open
    pager.take("A4", over=True)
    assert shared not in pager.open
    assert [kind for kind, topic in pager.calls if topic == shared] == ["firing"] * 3 + ["over"]


def test_it_is_taken_when_all_of_it_is(pager):
    storm(pager, 6)
    shared = list(pager.open)[-1]
    pager.acknowledge("A3")
    pager.acknowledge("A4")
    assert ("acknowledged", shared) not in pager.calls
    pager.acknowledge("A5")
    assert pager.calls[-1] == ("acknowledged", shared)


def test_an_end_that_leaves_only_what_somebody_has_is_an_acknowledgement(pager):
    storm(pager, 5)
    shared = list(pager.open)[-1]
    pager.acknowledge("A3")
    pager.take("A4", over=True)
    assert pager.calls[-1] == ("acknowledged", shared)
    pager.take("A3", over=True)
    assert pager.calls[-1] == ("over", shared)


def test_nothing_joins_what_somebody_has_or_what_is_over(pager):
    """Nobody would be called for it."""
    storm(pager, 4)
    pager.acknowledge("A3")
    pager.take("A2", over=True)
    pager.take("new")
    assert pager.calls[-1] == ("firing", "g A1 2")
    for name in ("A0", "A1", "new"):
        pager.take(name, over=True)
    pager.take("alone")
    assert pager.open["g alone 6"] == ["alone"]


def test_a_restart_changes_nothing(pager, store):
    storm(pager, 5)
    again = Pager(store)
    again.open, again.numbers = pager.open, pager.numbers
    again.take("A5")
    assert len(again.open) == incidents.MOST
    again.take("A3", over=True)
    again.take("A4", over=True)
    again.take("A5", over=True)
    assert len(again.open) == incidents.MOST - 1


def test_what_waits_of_an_incident_goes_before_its_end(store):
    """Its last case's end must not overtake what still waits of another one: the incident would never end."""
    letters = Letters(store, Calls(store), window=0, single=["duty"])
    pager = Pager(store)
    storm(pager, 5)
    late = notice("A5")
    body = {**notification(late), "groupKey": "g A5"}
    pager.cases.take("critical", read(json.dumps(body).encode()), NOW)
    (waiting,) = letters.next("duty", NOW)
    letters.failed([waiting], "later", NOW + 60, NOW)
    for name in ("A3", "A4"):
        pager.take(name, over=True)
    pager.take("A5", over=True)
    assert letters.next("duty", NOW) == []
    pager.now += 60
    pager._carry()
    assert [kind for kind, _ in pager.calls[-2:]] == ["firing", "over"]


def test_what_was_told_by_an_older_pager_ends_where_it_began(tmp_path, monkeypatch):
    file = tmp_path / "older.sqlite3"
    with monkeypatch.context() as past:
        past.setattr(store_room, "_FORMS", store_room._FORMS[:4])
        old = Store(file)
        with old.writing() as database:
            told = "1, 'duty', '', '{}', 1, 1, 1, 'sent', '', 1, 0"
            database.execute("INSERT INTO cases VALUES (1, 'critical', 'g A', 1, 0, 0, '', 1, '', 1, '{}', 1)")
            database.execute(f"INSERT INTO letters VALUES (1, {told})")
        old.close()
    new = Store(file)
    pager = Pager(new)
    pager.open["g A 1"] = ["A"]
    pager.take("A", over=True)
    assert pager.open == {}
    new.close()
