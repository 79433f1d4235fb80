"""What people read: short enough, whole, the gravest first."""

import json

from alerts.pager.alert import read
from alerts.pager.message import Message, compose, mail, markdown, short
from tests.alerts.pager.notices import notice, notification

PAGE = "http://pager/cases/7"


def message(*given, kind="firing", case=7):
    alerts = read(json.dumps(notification(*given)).encode()).alerts
    return compose(kind, case, alerts, PAGE, "group")


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


def test_a_telephone_gets_a_sentence_and_the_page():
    text = short([message(notice())])
    assert text.startswith("[FIRING] critical: HeliographBacklog. More messages wait")
    assert text.endswith(f" {PAGE}")
    wordy = message(notice() | {"annotations": {"summary": "x" * 1000}})
    assert len(short([wordy], 200)) <= 200
    assert short([wordy], 200).endswith(PAGE)
    assert short([message(notice()), message(notice(), kind="over")]).startswith("2 cases: [FIRING]")


def test_a_chat_gets_all_with_links_and_never_more_than_it_takes():
    text = markdown([message(notice())], 4096)
    for part in (
        "### [FIRING]",
        "**HeliographBacklog** heliograph:9000",
        "[Runbook](http",
        "[Board](http",
        f"[Case 7]({PAGE})",
    ):
        assert part in text
    long = message(*(notice(instance="é" * 200 + str(n)) for n in range(20)))
    for most in (100, 1000, 4096):
        cut = markdown([long], most)
        assert len(cut.encode()) <= most
        assert cut.endswith("the pager's page has all)")
    assert "**" not in markdown([message(notice(ends=1060), kind="over")], 4096), "an end needs no details"


def test_a_mail_is_plain_and_its_subject_one_line():
    subject, text = mail([message(notice("Two\nlines"))])
    assert subject == "[FIRING] critical: Two lines"
    assert "Runbook: http" in text
    assert f"Acknowledge: {PAGE}" in text
    assert mail([message(notice()), message(notice())])[0].startswith("2 cases: ")
