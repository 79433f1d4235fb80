"""Pages: what is said, where the links lead, and that no text becomes markup."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from alerts.lab import seconds
from alerts.pager import inbox as inbox_room
from alerts.pager import pages, runbooks
from alerts.pager.alert import NEVER, read
from alerts.pager.case import FORGOTTEN, Case
from alerts.pager.inbox import Inbox
from alerts.pager.letters import Letter
from alerts.pager.store import Store
from tests.alerts.pager.notices import notice, notification, stamp
from tests.alerts.pager.test_message import message

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Reader(HTMLParser):
    """Checks that elements are closed in order; collects links and text."""

    def __init__(self, page):
        super().__init__()
        self.open: list[str] = []
        self.links: dict[str, str] = {}
        self.text: list[str] = []
        self.elements: list[str] = []
        self._link = None
        self.feed(page)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "a":
            self._link = dict(attrs)["href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self._link:
            self.links[data] = self._link
            self._link = None


@pytest.fixture
def shown(tmp_path):
    def show(*given, now=1100.0):
        store = Store(tmp_path / "inbox.sqlite3")
        inbox = Inbox(store)
        notice_read = read(json.dumps(notification(*given)).encode())
        inbox.take(notice_read.alerts, notice_read.alertmanager, 1010)
        page = pages.inbox(inbox.firing(), inbox.resolved(), [], now)
        store.close()
        return page

    return show


def test_an_empty_inbox_is_quiet():
    page = pages.inbox([], [], [], 1000)
    assert "All quiet" in " ".join(Reader(page).text)
    assert "<title>Pager · Heliograph</title>" in page


def test_a_firing_alert_says_what_since_when_and_where_to_go(shown):
    page = shown(notice(starts=1000, slo="backlog"))
    seen = Reader(page)
    words = " ".join(seen.text)
    for part in ("1 firing", "HeliographBacklog", "critical", "firing for 1 min 40 s", "More messages wait", "backlog"):
        assert part in words
    assert "1970-01-01 00:16:40 UTC" in words
    assert seen.links["Runbook"] == "http://localhost:9099/runbooks/HeliographBacklog"
    assert seen.links["Board"].startswith("http://localhost:3000/d/heliograph-overview")
    assert seen.links["Alertmanager"] == "http://localhost:9093/#/alerts"
    assert seen.links["Rule"] == "http://localhost:9090/graph?g0.expr=up"
    assert "<title>(1) Pager" in page


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_what_alertmanager_does_not_remind_of_is_marked(shown, severity):
    """It tells no end while another alert keeps one back."""
    marked = "Not heard of for"
    late = 1010 + pages.REPEATED.get(severity, pages.SELDOM) + 600
    one = notice(starts=1000, severity=severity)
    assert marked not in shown(one, now=late - 1)
    assert marked in shown(one, now=late)
    assert marked not in shown(one | {"status": "resolved", "endsAt": stamp(1060)}, now=late)


def test_reminders_are_as_often_as_the_page_says():
    """By the routes whose notifications the inbox gets: those of pages, and that of all else."""
    root = yaml.safe_load((Path(pages.__file__).parents[1] / "alertmanager.yml").read_text())["route"]
    (critical,) = (route for route in root["routes"] if route["receiver"] == "critical")
    (inbox,) = (route for route in root["routes"] if route["receiver"] == "inbox")
    assert seconds(critical["repeat_interval"]) == pages.REPEATED["critical"] < FORGOTTEN
    assert seconds(inbox.get("repeat_interval", root["repeat_interval"])) == pages.SELDOM < inbox_room.FORGOTTEN


def test_a_resolved_alert_says_how_long_it_lasted(shown):
    words = " ".join(Reader(shown(notice(starts=1000, ends=1060))).text)
    assert "All quiet" in words
    assert "resolved 40 s ago, lasted 1 min" in words


def test_a_case_tells_who_was_told_and_what_there_was_to_say_about_it():
    one = message(notice())
    told = [
        Letter(1, 7, "mail", "ada", one, 1000.0, 1001.0, 1, "sent", "the server does not take <gone>", 1002.0),
        Letter(2, 7, "chat", "", one, 1000.0, 1001.0, 3, "waiting", "HTTP 503", 0.0),
        Letter(3, 7, "sms", "ben", one, 1000.0, 1001.0, 9, "given_up", "HTTP 401", 0.0),
    ]
    found = Case(7, "critical", "group", 1000.0, NEVER, NEVER, "", 1, "", 1000.0)
    words = " ".join(" ".join(Reader(pages.case(found, one, told, 1100.0)).text).split())
    for part in (": the server does not take <gone>", "waiting, tried 3×: HTTP 503", "given up: HTTP 401"):
        assert part in words


def test_text_stays_text(shown):
    evil = "<script>alert(1)</script>\"' &amp;"
    page = shown(notice(evil, note=evil) | {"annotations": {"summary": evil, "description": evil}})
    seen = Reader(page)
    assert "script" not in seen.elements
    assert evil in " ".join(seen.text)


def test_only_web_addresses_become_links(shown):
    said = {"runbook_url": "javascript:alert(1)", "dashboard_url": 'http://x/"onclick="y'}
    page = shown(notice() | {"annotations": said, "generatorURL": "data:text/html,x"})
    links = Reader(page).links
    assert "Runbook" not in links
    assert "Rule" not in links
    assert links["Board"] == 'http://x/"onclick="y'


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min 59 s"), (3660, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_durations_are_readable(shown, seconds, said):
    assert f"firing for {said}" in shown(notice(starts=1000), now=1000 + seconds)


@pytest.mark.parametrize("name", runbooks.listed())
def test_each_runbook_is_a_page(name):
    seen = Reader(pages.runbook(name, runbooks.html(name) or ""))
    assert name in " ".join(seen.text)
    assert "Mitigation" in seen.text
    assert "pre" in seen.elements


def test_a_runbook_s_markup_is_markdown_s_alone(tmp_path):
    (tmp_path / "Evil.md").write_text("# Evil\n<script>x</script>\n\n| a |\n|---|\n| b |\n\n[x](javascript:alert)")
    seen = Reader(runbooks.html("Evil", tmp_path))
    assert "script" not in seen.elements
    assert "table" in seen.elements
    assert not seen.links


@pytest.mark.parametrize("name", ["..", "../README", "", "a/b", "Nothing", "x" * 100])
def test_a_name_that_is_none_finds_nothing(name):
    assert runbooks.html(name) is None


def test_the_style_has_every_class_that_the_pages_use(shown):
    style = (Path(pages.__file__).parent / "static" / "pager.css").read_text()
    for name in (
        "state",
        "bad",
        "good",
        "quiet",
        "alert",
        "firing",
        "resolved",
        "critical",
        "severity",
        "when",
        "links",
    ):
        assert f".{name}" in style
