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


def test_they_are_five_incidents_at_most_and_every_rule_stands_in_one(story, told):
    """PagerDuty calls people for an incident, not for an event; the rules beyond the first ones share one."""
    one = story("storm")
    events = [each for each in one.taken if each.provider == pagerduty.NAME]
    incidents = {each.to for each in events}
    told(f"500 alerts: {len(events)} events in {len(incidents)} incidents")
    assert 1 <= len(incidents) <= 5
    assert len(events) == len(one.facts["rules"])
    assert {name for name in one.facts["rules"] for each in events if name in each.text} == set(one.facts["rules"])


def test_nothing_was_too_much_for_a_provider(story):
    assert story("storm").complaints == []
