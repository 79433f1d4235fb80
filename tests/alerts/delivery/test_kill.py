"""A pager that is killed while letters are on their way loses nothing."""

import pytest

from faults.providers import dingtalk, hooks, pagerduty, wecom
from tests.alerts.delivery.stories import FIRING, LOGS, PAGE

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]


def test_what_waited_is_delivered_once_by_the_next_one(story):
    one = story("killed")
    for provider in (dingtalk.NAME, pagerduty.NAME):
        (message,) = one.messages(provider, PAGE, FIRING)
        assert (message.at > one.moments["killed"]) == (provider == dingtalk.NAME), provider


def test_a_call_whose_answer_nobody_heard_is_made_again(story):
    """Twice is better than never."""
    one = story("killed")
    first, *again = one.messages(hooks.SMS, PAGE, FIRING)
    assert first.at < one.moments["killed"]
    assert len(again) == 1


def test_what_fired_while_nobody_was_there_is_told_by_alertmanager_again(story):
    one = story("killed")
    for provider, name in ((dingtalk.NAME, "HeliographReconnectStorm"), (wecom.ROBOT, LOGS), (wecom.APP, LOGS)):
        (message,) = one.messages(provider, name, FIRING)
        assert message.at > one.moments["missed"]
    assert one.complaints == []


def test_every_letter_of_every_case_is_taken(story):
    one = story("killed")
    assert len(one.facts["pages"]) == 3
    for page in one.facts["pages"]:
        assert "taken" in page
        assert ">waiting" not in page
        assert "given up" not in page
