"""Each alert reaches whom it must, within its time, signed, in its form, once; so does its end."""

import statistics

import pytest

from faults.providers import dingtalk, hooks, pagerduty, smtp, wecom
from tests.alerts.delivery.stories import FIRING, GOES_ON, LATENCY, NEWS, OVER, PAGES, TICKETS, TROUBLE

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]
PAIRS = [(name, provider) for name, providers in {**PAGES, **TICKETS}.items() for provider in providers]
WOKEN = [(name, provider) for name, providers in PAGES.items() for provider in providers]


@pytest.mark.parametrize(("name", "provider"), PAIRS)
def test_a_pair_is_delivered_at_the_pace_of_production_though_the_provider_says_no_at_first(story, name, provider):
    one = story("production")
    assert len(one.messages(provider, name, FIRING)) == 1
    assert one.took(provider, name) <= (30.0 if name in PAGES else 60.0)


def test_pages_are_with_their_people_within_thirty_seconds(story, told):
    one = story("production")
    took = {pair: one.took(pair[1], pair[0]) for pair in WOKEN}
    for (name, provider), seconds in took.items():
        told(f"production: {name} → {provider} after {seconds:.1f} s")
    assert statistics.median(took.values()) <= 30.0


def test_everybody_did_say_no_first_and_nothing_was_wrong(story):
    one = story("production")
    ordered = [each.provider for each in one.refused if each.ordered]
    assert sorted(ordered) == sorted(provider for provider, answers in TROUBLE.items() for _ in answers)
    assert one.complaints == []


@pytest.mark.parametrize(("name", "provider"), PAIRS)
def test_a_pair_is_delivered_at_the_pace_of_a_lab(story, told, name, provider):
    one = story("quick")
    assert len(one.messages(provider, name, FIRING)) == 1
    took = one.took(provider, name)
    told(f"lab: {name} → {provider} after {took:.1f} s")
    assert took <= 7.0


@pytest.mark.parametrize(("name", "provider"), PAIRS)
def test_its_end_arrives_too_and_once(story, name, provider):
    one = story("quick")
    begin = one.messages(provider, name, FIRING)[0]
    (end,) = one.messages(provider, name, OVER)
    assert end.at > begin.at
    assert end.to == begin.to, "whoever heard of the beginning"


def test_a_late_message_is_a_mail_and_within_five_minutes_a_call(story, told):
    """The lab's five minutes are ten seconds."""
    one = story("quick")
    (mail,) = one.messages(smtp.NAME, LATENCY, FIRING)
    (call,) = one.messages(hooks.PHONE, LATENCY, GOES_ON)
    assert (mail.to, call.to) == ((one.duty.primary.mail,), (one.duty.primary.phone,))
    told(f"lab: {LATENCY} → phone after {one.took(hooks.PHONE, LATENCY, GOES_ON):.1f} s of 10")
    assert one.took(hooks.PHONE, LATENCY, GOES_ON) <= 300 / 30


def test_what_nobody_waits_for_is_a_webhook(story):
    one = story("quick")
    (message,) = one.messages(hooks.WEBHOOK, NEWS)
    assert message.body["cases"][0]["severity"] == "info"


def test_all_was_signed_and_in_its_form(story):
    one = story("quick")
    assert one.refused == []
    assert {each.provider for each in one.taken} == {
        dingtalk.NAME,
        wecom.ROBOT,
        wecom.APP,
        pagerduty.NAME,
        hooks.SMS,
        hooks.PHONE,
        hooks.WEBHOOK,
        smtp.NAME,
    }


def test_the_person_on_duty_is_the_one_who_hears_it(story):
    one = story("quick")
    ada = one.duty.primary
    (robot,) = one.messages(dingtalk.NAME, "HeliographBacklog", FIRING)
    assert robot.to == (ada.phone.removeprefix("+86"),), "mentioned, as DingTalk knows her"
    assert all(each.to == (ada.wecom,) for each in one.messages(wecom.APP, "HeliographErrorLogs"))
    assert all(each.to == (ada.phone,) for each in one.messages(hooks.SMS, "HeliographErrorLogs"))
