"""What people read: short enough, whole, the gravest first."""

from alerts.pager.wording import FEW, latest, mail, markdown, short, title
from tests.alerts.pager.notices import notice
from tests.alerts.pager.test_message import PAGE, message


def test_a_telephone_gets_a_sentence_and_the_page():
    text = short([message(notice())])
    assert text.startswith("[FIRING] critical: HeliographBacklog. More messages wait")
    assert text.endswith(f" {PAGE}")
    wordy = message(notice() | {"annotations": {"summary": "x" * 1000}})
    assert len(short([wordy], 200)) <= 200
    assert short([wordy], 200).endswith(PAGE)
    assert short([message(notice()), message(notice(), kind="over", case=8)]).startswith("2 cases: [FIRING]")


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
    assert mail([message(notice()), message(notice(), case=8)])[0].startswith("2 cases: ")


def storm(count, each=2, **more):
    """Cases of as many groups; every third one is a ticket, the last one is over."""
    return [
        message(
            *(
                notice(f"Heliograph{n:02d}", instance=str(i), severity="critical" if n % 3 else "warning")
                for i in range(each)
            ),
            case=n,
            kind="over" if n == count else "firing",
            **more,
        )
        for n in range(1, count + 1)
    ]


def test_many_cases_are_counted_weighed_and_named_the_gravest_first():
    head = "7 cases, 14 alerts: 6 firing (critical 4, warning 2), 1 resolved: "
    assert title(storm(7)) == head + ", ".join(f"Heliograph0{n} ×2" for n in (1, 2, 4, 5, 3, 6, 7))
    assert title(storm(7), 110) == head + "Heliograph01 ×2 and 12 more"
    assert len(title(storm(7), 60)) == 60
    big = [message(*(notice("HeliographDown", instance=str(n)) for n in range(500)), case=n) for n in range(FEW + 1)]
    assert title(big) == "4 cases, 2000 alerts: 4 firing (critical 4): HeliographDown ×2000"


def test_a_storm_fits_everywhere_and_says_where_all_of_it_is():
    many = storm(70, 7)
    for most in (140, 300):
        text = short(many, most)
        assert len(text) <= most
        assert text.startswith("70 cases, 490 alerts: 69 firing (critical 46, warning 23), 1 resolved")
        assert text.endswith(" more http://pager/")
    for most in (2048, 4096, 18_000):
        text = markdown(many, most)
        assert len(text.encode()) <= most
        assert text.startswith("### 70 cases")
        assert (
            "[FIRING] critical: Heliograph01 ×7 More messages wait than 1.5 for each connection. [Case 1](http://pager"
            in text
        )
        assert text.endswith("[All cases](http://pager/)")
        assert ("(cut; the pager's page has all)" in text) == (most < 18_000)
    subject, text = mail(many)
    assert subject.startswith("70 cases, 490 alerts")
    assert "\n" not in subject
    assert all(f"Acknowledge: {each.page}" in text for each in many)


def test_of_a_case_the_last_word_counts():
    opened, over, other = message(notice(), case=1), message(notice(), case=1, kind="over"), message(notice(), case=2)
    assert list(latest([opened, other, over])) == [over, other]
    assert short([opened, over]).startswith("[RESOLVED] critical: HeliographBacklog")
    assert title([opened, over, other]) == (
        "2 cases: [RESOLVED] critical: HeliographBacklog; [FIRING] critical: HeliographBacklog"
    )
    assert len(title([opened, other], 40)) == 40
