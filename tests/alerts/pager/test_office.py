"""What may wait is shown at once and told when Alertmanager may tell it; its end is told whichever way it comes."""

import json

import pytest

from alerts.pager.alert import read
from alerts.pager.case import FORGOTTEN
from alerts.pager.office import Office
from alerts.pager.settings import read as settings_of
from alerts.pager.store import Store
from tests.alerts.pager.notices import notice, notification
from tests.alerts.pager.offices import Clock

TEXT = """
channels: {chat: {type: webhook, url: "http://127.0.0.1:9/"}}
routes: {warning: [{to: [chat]}], critical: [{to: [chat]}]}
"""
AGAIN = 1060


@pytest.fixture
def clock():
    clock = Clock()
    clock.now = 1100.0
    return clock


@pytest.fixture
def office(tmp_path, clock):
    store = Store(tmp_path / "inbox.sqlite3")
    yield Office(store, settings_of(TEXT), clock=clock)
    store.close()


def take(office, route, *alerts, group="g"):
    body = {**notification(*alerts), "groupKey": f"{route}:{group}"}
    return office.take(route, read(json.dumps(body).encode()))


def told(office, case=1):
    return [letter.message.kind for letter in office.letters.of_case(case)]


def test_by_the_inbox_s_route_it_is_kept_and_nobody_is_told(office):
    assert take(office, "inbox", notice()) is None
    assert [entry.name for entry in office.inbox.firing()] == ["HeliographBacklog"]
    assert office.cases.open() == []
    assert take(office, "inbox", notice(ends=AGAIN)) is None
    assert office.inbox.firing() == []


def test_an_end_by_night_closes_the_case_that_was_told_by_day(office):
    take(office, "inbox", notice())
    assert take(office, "warning", notice()) == "firing"
    assert take(office, "inbox", notice(ends=AGAIN)) == "over"
    assert told(office) == ["firing", "over"]
    assert office.cases.open() == []
    assert take(office, "warning", notice(ends=AGAIN)) is None, "by day it comes the other way, too"
    assert told(office) == ["firing", "over"]


def test_a_case_is_over_with_its_last_alert(office):
    both = notice(instance="a"), notice(instance="b")
    take(office, "inbox", *both)
    take(office, "warning", *both)
    assert take(office, "inbox", notice(instance="a", ends=AGAIN), notice(instance="b")) is None
    assert len(office.cases.open()) == 1
    assert take(office, "inbox", notice(instance="b", ends=AGAIN)) == "over"
    assert told(office) == ["firing", "over"]


def test_the_end_of_one_closes_no_case_of_another(office):
    take(office, "warning", notice("Other", instance="b"), group="other")
    take(office, "critical", notice(instance="c"))
    assert take(office, "inbox", notice(instance="a", ends=AGAIN)) is None
    assert len(office.cases.open()) == 2


def test_what_fires_after_a_case_that_nobody_ended_is_a_case_of_its_own(office, clock):
    """Another alert kept it back when it ended. Somebody had acknowledged it, which is no reason to be silent now."""
    assert take(office, "critical", notice()) == "firing"
    office.cases.acknowledge(1, "Ada", clock())
    clock.now += FORGOTTEN / 2
    assert take(office, "critical", notice()) is None, "it goes on"
    clock.now += FORGOTTEN + 1
    assert take(office, "critical", notice(starts=clock.now - 10)) == "firing"
    assert (told(office, 1), told(office, 2)) == (["firing", "acknowledged", "over"], ["firing"])
    (case,) = office.cases.open()
    assert (case.number, case.steps, case.acknowledged_by) == (2, 1, "")


def test_the_inbox_s_route_is_known_where_routes_are(office):
    take(office, "inbox", notice())
    for route in ("inbox", "warning"):
        office.figures.accepted(route, 1, 0, 0)
    figures = {"firing": 0, "acknowledged": 0, "unacknowledged": 0, "waiting": 0, "rota_wrong": False}
    assert b"pager_unrouted_total 0.0" in office.figures.render(**figures)
