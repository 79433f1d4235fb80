"""What a notification and the passing of time mean for a case."""

import json
from dataclasses import replace

import pytest

from alerts.pager.alert import read
from alerts.pager.case import AGAIN, FORGOTTEN, Case, Step, due, forgotten, heard, next_step, state_of
from tests.alerts.pager.notices import notice, notification

OPEN = Case(1, "critical", "group", 1000.0, 0.0, 0.0, "", 1, "", 1000.0)
ROUTE = (Step(0.0, ("chat",)), Step(300.0, ("phone",)), Step(900.0, ("phone",), "secondary"))


def alerts(*given):
    return read(json.dumps(notification(*given)).encode()).alerts


A, B = notice(instance="a"), notice(instance="b")
A_OVER = notice(instance="a", ends=1060)


def told(*given):
    return replace(OPEN, state=state_of(alerts(*given)))


@pytest.mark.parametrize(
    ("case", "given", "after", "kind"),
    [
        (None, [A], 0, "firing"),
        (None, [A_OVER], 0, None),  # an end whose begin nobody told
        (told(A), [A], 1, None),  # a second try of Alertmanager
        (told(A), [A], AGAIN, "reminder"),
        (told(A), [A, B], 1, "news"),
        (told(A, B), [A_OVER, B], 1, None),  # less is no news
        (told(A, B), [A_OVER, B], AGAIN + 1, None),  # nor is it a reminder, however late it comes
        (told(A, B), [B], 3600, None),
        (told(B), [B], AGAIN, "reminder"),
        (told(B), [A, B], AGAIN, "news"),
        (told(A), [A_OVER], 1, "over"),
        (told(A), [], 3600, None),
        (replace(told(A), acknowledged_at=1001.0), [A], 3600, None),
        (replace(told(A), acknowledged_at=1001.0), [A, B], 3600, "news"),
        (replace(told(A), acknowledged_at=1001.0), [A_OVER], 3600, "over"),
        (told(A), [notice(instance="a", starts=2000.0)], 1, "news"),  # it was over in between
    ],
)
def test_what_a_notification_means(case, given, after, kind):
    assert heard(case, alerts(*given), 1000.0 + after) == kind


@pytest.mark.parametrize(
    ("given", "silence", "is_it"),
    [
        ([notice(instance="a", starts=2000.0)], FORGOTTEN + 1, True),  # it was over while another one kept it back
        ([B], FORGOTTEN + 1, True),
        ([notice(instance="a", starts=2000.0)], FORGOTTEN, False),  # over and back within a reminder: goes on
        ([A], FORGOTTEN + 1, False),
        ([A, B], FORGOTTEN + 1, False),
        ([A_OVER], FORGOTTEN + 1, False),  # an end is told
        ([], FORGOTTEN + 1, False),
    ],
)
def test_a_case_is_forgotten_when_something_else_fires_after_a_long_silence(given, silence, is_it):
    assert forgotten(replace(told(A), heard_at=1000.0), alerts(*given), 1000.0 + silence) is is_it


def test_steps_come_one_after_the_other():
    fresh = replace(OPEN, steps=0)
    assert list(due(fresh, ROUTE, 1000)) == [ROUTE[0]]
    assert list(due(OPEN, ROUTE, 1299)) == []
    assert list(due(OPEN, ROUTE, 1300)) == [ROUTE[1]]
    assert list(due(OPEN, ROUTE, 5000)) == [ROUTE[1], ROUTE[2]]  # the pager was away meanwhile
    assert next_step(fresh, ROUTE) == 1000
    assert next_step(OPEN, ROUTE) == 1300
    assert next_step(replace(OPEN, steps=3), ROUTE) == float("inf")


@pytest.mark.parametrize("end", [{"acknowledged_at": 1100.0}, {"closed_at": 1100.0}])
def test_no_step_after_somebody_looks_after_it(end):
    case = replace(OPEN, **end)
    assert list(due(case, ROUTE, 9999)) == []
    assert next_step(case, ROUTE) == float("inf")
