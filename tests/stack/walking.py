"""An engineer on call: opens the inbox, follows what is shown there, and writes each click down."""

import html
import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

from deploy.native.roots import ROOT
from faults.running import until
from grafana.questions import UNTOUCHED, Question, boards, of_panel
from tests.grafana import links

LANGUAGES = {"promql": "prometheus", "logql": "loki"}
_QUERY = re.compile(r'<code class="language-(promql|logql)">(.*?)</code>', re.DOTALL)
_ANCHOR = re.compile(r'<a href="([^"]+)"[^>]*>([^<]+)</a>')


@dataclass(frozen=True)
class Series:
    """One line of a panel: its labels and its newest value."""

    labels: dict
    value: float


class Walk:
    """Begins with a page in the inbox; every method is a click."""

    def __init__(self, running, alert, patience=60.0):
        self._running = running
        until(lambda: alert in running.inbox()["firing"], patience=patience)
        self._came = time.monotonic()
        self.clicks = []
        self._clicked("The inbox")
        page = running.text("pager", "/")
        (card,) = re.findall(
            rf'<section class="alert firing.*?<h3>{alert} .*?</section>', _cards(page, alert), re.DOTALL
        )
        self.says = html.unescape(re.sub(r"<[^>]+>", " ", card))
        self._links = {title: html.unescape(url) for url, title in _ANCHOR.findall(card)}
        self._instance = "heliograph-1"
        self._queries = []

    @property
    def took(self):
        """Seconds since the page was there."""
        return time.monotonic() - self._came

    def _clicked(self, what):
        self.clicks.append(what)

    def board(self, wanted=lambda _: True):
        """The alert's link to a panel: its series, once they are as wanted."""
        self._clicked("Board")
        url = urlsplit(self._links["Board"])
        asked = parse_qs(url.query)
        self._instance = asked["var-instance"][0]
        (board,) = (each for each in boards().values() if each["uid"] == url.path.split("/")[2])
        number = int(asked["viewPanel"][0].removeprefix("panel-"))
        (panel,) = (each for each in board["panels"] if each.get("id") == number)
        return panel["title"], self._series(list(of_panel(board["uid"], panel)), wanted)

    def panel(self, board, title):
        """Another panel that shows lines, opened from the list of boards: its lines."""
        self._clicked(f"{title}, board {board}")
        (panel,) = (each for each in boards()[board]["panels"] if each["title"] == title)
        (question,) = of_panel(board, panel)
        return self._lines(question.source, question.url(time.time() - 60, time.time(), 1.0, self._here()))

    def diamond(self, board, title, event, above):
        """The topmost diamond of a panel, above so many seconds, behind which spans have this event: the longest of them.

        What is told of a message a moment ago may still be on its way, and those far below are other messages.
        """
        self._clicked(f"The topmost diamond of {title}, board {board}")
        (panel,) = (each for each in boards()[board]["panels"] if each["title"] == title)
        question = next(each for each in of_panel(board, panel) if each.query.get("exemplar"))
        asked = {"query": question.filled(self._here()), "start": time.time() - 30}

        def found():
            path = f"/api/v1/query_exemplars?{urlencode(asked | {'end': time.time() + 1})}"
            diamonds = [each for one in self._running.get("prometheus", path)["data"] for each in one["exemplars"]]
            high = [each for each in diamonds if float(each["value"]) > above]
            for diamond in sorted(high, key=lambda each: -float(each["value"]))[:20]:
                spans = self._spans(*links.trace_of_exemplar(diamond["labels"])).values()
                if met := [each for each in spans if event in {one.get("event") for one in events(each)}]:
                    return max(met, key=lambda each: each["duration"])
            return None

        return until(found)

    def runbook(self):
        """The alert's link to its runbook: its text."""
        self._clicked("Runbook")
        page = self._running.text("pager", urlsplit(self._links["Runbook"]).path)
        self._queries = [(LANGUAGES[each], html.unescape(text).strip()) for each, text in _QUERY.findall(page)]
        return html.unescape(re.sub(r"<[^>]+>", "", page))

    def query(self, number, wanted=lambda _: True):
        """One of the runbook's three, in Explore: series or lines, once they are as wanted."""
        self._clicked(f"Its {['first', 'second', 'third'][number - 1]} query")
        source, text = self._queries[number - 1]
        question = Question("", source, text, {})
        if source == "prometheus":
            return self._series([question], wanted)
        return self._lines(source, question.url(time.time() - 60, time.time()), wanted)

    def trace(self, line):
        """The link of a line to its trace: spans by name."""
        self._clicked("Trace")
        where = links.trace_of_line(line)
        return until(lambda: self._spans(*where))

    def lines_of_span(self, span):
        """A span's link to its lines."""
        self._clicked("Logs for this span")
        began = span["startTime"] / 1e6
        return self._lines(*links.lines_of_trace(span["traceID"], began, began + span["duration"] / 1e6))

    def lines_of_connection(self, line):
        """A line's link to all lines of its connection."""
        self._clicked("Lines of this connection")
        return self._lines(*links.lines_of_connection(line, time.time() - 120, time.time()))

    def why(self, subject):
        """The command on the node, as `docker compose exec heliograph python -m service why` runs it: its JSON."""
        self._clicked("heliograph why")
        node = self._running.url("heliograph", "", 9000)
        command = [sys.executable, "-m", "service", "why", subject, "--server", node, "--json"]
        done = subprocess.run(
            [*command, "--token", self._running.key()], cwd=ROOT, capture_output=True, text=True, timeout=20
        )
        return json.loads(done.stdout)

    # --------------------------------------------------------------------- what answers

    def _here(self):
        return {**UNTOUCHED, "$instance": self._instance}

    def _series(self, questions, wanted):
        def newest():
            now = time.time()
            paths = [(each.source, each.url(now - 30, now, 1.0, self._here())) for each in questions]
            answers = [self._running.get(source, path)["data"]["result"] for source, path in paths]
            return [Series(one["metric"], float(one["values"][-1][1])) for answer in answers for one in answer]

        return until(newest, lambda found: found and wanted(found))

    def _lines(self, source, path, wanted=bool):
        def found():
            streams = self._running.get(source, path)["data"]["result"]
            return [stream["stream"] for stream in streams]

        return until(found, lambda lines: lines and wanted(lines))

    def _spans(self, source, path):
        try:
            data = self._running.get(source, path)["data"]
        except AssertionError:
            return {}  # it is on its way
        return {span["operationName"]: span for span in data[0]["spans"]} if data else {}


def _cards(page, alert):
    """From the last card's beginning before the alert's name."""
    cards = page.split('<section class="alert ')
    return "".join(f'<section class="alert {card}' for card in cards[1:] if f"<h3>{alert} " in card)


def tags(span):
    """A span's attributes."""
    return {tag["key"]: tag["value"] for tag in span["tags"]}


def events(span):
    """What happened in a span: each event's fields."""
    return [{field["key"]: field["value"] for field in event["fields"]} for event in span["logs"]]
