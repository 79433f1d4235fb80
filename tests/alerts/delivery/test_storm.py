"""Five hundred alerts at once."""

from collections import Counter

import pytest

from faults.providers import dingtalk, hooks, pagerduty

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]


def test_five_hundred_alerts_of_many_rules_are_five_notifications_at_most(story, told):
    one = story("storm")
    counted = Counter(each.provider for each in one.taken)
    told(f"500 alerts of {len(one.facts['rules'])} rules: {dict(counted)}")
    assert len(one.facts["rules"]) >= 8
    assert 1 <= counted[dingtalk.NAME] <= 5
    assert 1 <= counted[hooks.SMS] <= 5
    assert counted[hooks.PHONE] <= 5


def test_an_incident_is_one_of_a_rule(story):
    """PagerDuty puts together by its own key; a message of several would be none of its incidents."""
    one = story("storm")
    events = [each for each in one.taken if each.provider == pagerduty.NAME]
    assert len(events) == len({each.to for each in events}) == len(one.facts["rules"])


def test_nothing_was_too_much_for_a_provider(story):
    assert story("storm").complaints == []
