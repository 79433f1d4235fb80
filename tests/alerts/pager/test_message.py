"""What is told of a case: its title, and that it survives the disk."""

import json

from alerts.pager.alert import read
from alerts.pager.message import Message, compose
from tests.alerts.pager.notices import notice, notification

PAGE = "http://pager/cases/7"


def message(*given, kind="firing", case=7):
    alerts = read(json.dumps(notification(*given)).encode()).alerts
    return compose(kind, case, alerts, PAGE if case == 7 else f"http://pager/cases/{case}", "group")


def test_the_title_says_what_how_grave_and_how_many():
    assert message(notice()).title == "[FIRING] critical: HeliographBacklog"
    many = message(*(notice(instance=str(n), severity="warning") for n in range(12)), notice(instance="x"))
    assert many.title == "[FIRING] critical: HeliographBacklog ×13"
    assert (len(many.lines), many.more) == (10, 3)
    both = message(notice("HeliographBacklog"), notice("HeliographErrorRate"), kind="over")
    assert both.title == "[RESOLVED] critical: 2 alerts ×2"


def test_it_survives_the_disk():
    one = message(notice(), notice(instance="ü"))
    assert Message.load(one.dump()) == one
    before = {name: value for name, value in json.loads(one.dump()).items() if name != "by"}
    assert Message.load(json.dumps(before)) == one, "written by a version that did not know it"


def test_the_gravest_alerts_are_told_one_by_one():
    many = message(*(notice(instance=str(n), severity="warning") for n in range(12)), notice(instance="grave"))
    assert many.lines[0].instance == "grave"
    assert many.alerts == 13
    assert many.inbox == "http://pager/"
