"""By night: what may wait waits for working hours where the team is; a page goes on until somebody has it."""

import pytest

from faults.providers import dingtalk, hooks, pagerduty
from tests.alerts.delivery.stories import FIRING, GOES_ON, PAGE, REMINDER, TICKET

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]


def test_a_warning_waits_for_the_morning_and_is_told_then(story, told):
    one = story("night")
    assert one.facts["told by night"] == []
    (message,) = one.messages(dingtalk.NAME, TICKET, FIRING)
    late = message.at - one.moments["begins"]
    told(
        f"a warning was told {late:.1f} s after the hours began, {one.took(dingtalk.NAME, TICKET):.1f} s after it fired"
    )
    assert 0 <= late <= 20.0, "Alertmanager looks at a group every five minutes, here every ten seconds"


def test_it_was_in_the_inbox_all_the_time(story):
    one = story("night")
    assert one.moments["shown"] - one.posted[TICKET] <= 7.0


def test_what_is_over_before_the_morning_is_told_to_nobody(story):
    assert not [each for each in story("night").taken if "HeliographLoopLag" in each.text]


def test_a_page_is_not_held(story):
    one = story("night")
    assert one.took(dingtalk.NAME, PAGE) <= 7.0
    assert one.took(pagerduty.NAME, PAGE) <= 7.0
    assert one.messages(hooks.SMS, PAGE)


def test_a_page_that_nobody_takes_goes_on_to_the_next_person(story, told):
    """After five minutes a call, after fifteen the second one is called and gets an SMS: ten and thirty seconds here."""
    one = story("night")
    duty = one.duty
    first, second = one.messages(hooks.PHONE, PAGE, GOES_ON)[:2]
    (sms,) = [each for each in one.messages(hooks.SMS, PAGE, GOES_ON) if each.to == (duty.secondary.phone,)]
    assert (first.to, second.to) == ((duty.primary.phone,), (duty.secondary.phone,))
    after = [each.at - one.posted[PAGE] for each in (first, second, sms)]
    told(f"nobody took it: {after[0]:.1f}, {after[1]:.1f}, {after[2]:.1f} s after it fired")
    assert 10 <= after[0] <= 17
    assert all(30 <= each <= 37 for each in after[1:])


def test_whoever_was_told_is_reminded_at_alertmanagers_pace(story):
    """Every half an hour, every minute here; the story ends sooner or later than that, by the hour it was begun at."""
    one = story("night")
    for provider in (dingtalk.NAME, hooks.SMS, hooks.PHONE):
        reminders = one.messages(provider, PAGE, REMINDER)
        assert all(each.at - one.posted[PAGE] >= 60 for each in reminders), provider


def test_a_page_that_somebody_took_goes_no_further(story):
    one = story("night")
    assert one.messages(dingtalk.NAME, "HeliographReconnectStorm", FIRING)
    assert not one.messages(hooks.PHONE, "HeliographReconnectStorm")


def test_nothing_was_wrong(story):
    assert story("night").complaints == []
