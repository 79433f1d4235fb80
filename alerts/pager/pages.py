"""The pager's pages: HTML from values, nothing else. Every text is escaped; only http and https become links."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from alerts.pager.alert import NEVER
from alerts.pager.case import Case
from alerts.pager.inbox import Entry
from alerts.pager.letters import Letter
from alerts.pager.message import Message
from alerts.pager.rota import Duty

REFRESH: Final = 5  # seconds between two looks of an open page
#: Seconds after which Alertmanager speaks again of what fires, by its severity (its ``repeat_interval``).
REPEATED: Final = {"critical": 1800.0}
SELDOM: Final = 12 * 3600.0  # of any other severity
_LATE: Final = 600.0  # seconds that a reminder may take longer: it looks at a group each five minutes
_SHOWN_ELSEWHERE: Final = ("alertname", "severity")
_MARK: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='7' fill='%23{colour}'/%3E%3C/svg%3E"
)


def inbox(
    firing: Sequence[Entry],
    resolved: Sequence[Entry],
    cases: Sequence[Case],
    now: float,
    *,
    duty: Duty | None = None,
    wrong: Sequence[str] = (),
    heard: float = NEVER,
) -> str:
    """The inbox: who is on duty, the open cases, what fires, then what is over.

    ``wrong``: the rota's mistakes; ``heard``: when the watchdog came last.
    """
    state = f"{len(firing)} firing" if firing else "All quiet"
    body = [
        f'<p class="state {"bad" if firing else "good"}">{state}</p>',
        *(f'<p class="duty">{line}</p>' for line in _duty(duty)),
        *(f'<p class="wrong">rota.yml: {escape(sentence)}; the last good one counts</p>' for sentence in wrong),
        *(
            [f'<p class="duty">Prometheus and Alertmanager were heard {_duration(now - heard)} ago</p>']
            if heard
            else []
        ),
        *(_case_line(case, now) for case in cases),
        *(_card(entry, now) for entry in firing),
    ]
    if not firing:
        body.append('<p class="quiet">Nothing is wrong, as far as Alertmanager has told.</p>')
    body.append("<h2>Resolved</h2>")
    body += [_card(entry, now) for entry in resolved] or ['<p class="quiet">Nothing yet.</p>']
    title = f"({len(firing)}) Pager" if firing else "Pager"
    return _page(title, "\n".join(body), colour="d64545" if firing else "2f9e6e", refresh=REFRESH)


def _duty(duty: Duty | None) -> Sequence[str]:
    if duty is None:
        return ()
    until = f"{duty.until:%A %Y-%m-%d %H:%M %Z}"
    return (f"On duty: <b>{escape(duty.primary.name)}</b>, then {escape(duty.secondary.name)}; until {until}",)


def _case_line(case: Case, now: float) -> str:
    state = (
        f"acknowledged by {escape(case.acknowledged_by)}"
        if case.acknowledged_at != NEVER
        else f'<b>not acknowledged</b> for {_duration(now - case.opened_at)}, <a href="/cases/{case.number}">look</a>'
    )
    return f'<p class="case"><a href="/cases/{case.number}">Case {case.number}</a> ({escape(case.route)}): {state}</p>'


def case(found: Case, message: Message, letters: Sequence[Letter], now: float) -> str:
    """One case: what it is about, the button, and who was told when."""
    body = [f"<h2>{escape(message.title)}</h2>", f'<p class="times">{_case_times(found, now)}</p>']
    if found.acknowledged_at != NEVER:
        body.append(f"<p>Acknowledged by <b>{escape(found.acknowledged_by)}</b> {_clock(found.acknowledged_at)}</p>")
    elif found.closed_at == NEVER:
        body.append(
            f'<form method="post" action="/cases/{found.number}/acknowledge">'
            '<label>I am <input name="by" required maxlength="64" autocomplete="nickname"></label> '
            "<button>Acknowledge: I look after it</button></form>"
        )
    for line in message.lines:
        links = {"Runbook": line.runbook, "Board": line.board}
        body.append(
            f"<h3>{escape(line.name)} {escape(line.instance)}</h3><p>{escape(line.summary)}</p>"
            f'<p>{escape(line.description)}</p><p class="links">{_anchors(links)}</p>'
        )
    if message.more:
        body.append(f"<p>… and {message.more} more</p>")
    body.append("<h2>Told</h2>")
    told = "".join(
        f"<tr><td>{_clock(letter.written_at)}</td><td>{escape(letter.channel)}</td><td>{escape(letter.person)}</td>"
        f"<td>{escape(letter.message.kind)}</td><td>{_letter_state(letter)}</td></tr>"
        for letter in letters
    )
    nobody = '<p class="quiet">Nobody: no channel is configured for this route.</p>'
    body.append(f"<table><tbody>{told}</tbody></table>" if told else nobody)
    return _page(f"Case {found.number}", "\n".join(body))


def _case_times(found: Case, now: float) -> str:
    if found.closed_at == NEVER:
        return f"open for {_duration(now - found.opened_at)}, since {_clock(found.opened_at)}"
    return f"{_clock(found.opened_at)} to {_clock(found.closed_at)}, {_duration(found.closed_at - found.opened_at)}"


def _letter_state(letter: Letter) -> str:
    if letter.state == "sent":
        return f"taken {_clock(letter.sent_at)}{': ' if letter.why else ''}{escape(letter.why)}"
    if letter.state == "given_up":
        return f"given up: {escape(letter.why)}"
    return f"waiting, tried {letter.tries}×{': ' if letter.why else ''}{escape(letter.why)}"


def runbook(name: str, text: str) -> str:
    """A runbook; ``text`` is HTML already."""
    return _page(name, f'<article class="runbook">{text}</article>')


def runbooks(names: Sequence[str]) -> str:
    """The list of all runbooks."""
    links = "\n".join(f'<li><a href="/runbooks/{escape(name)}">{escape(name)}</a></li>' for name in names)
    return _page("Runbooks", f"<h2>Runbooks</h2><ul>{links}</ul>")


def missing(what: str) -> str:
    """The page for what is not there."""
    return _page("Not found", f'<p class="quiet">There is no {escape(what)} here.</p>')


def _page(title: str, body: str, *, colour: str = "3b6ea5", refresh: int = 0) -> str:
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{again}
<title>{escape(title)} · Heliograph</title>
<link rel="icon" href="{_MARK.format(colour=colour)}"><link rel="stylesheet" href="/static/pager.css">
</head>
<body>
<header><h1><a href="/">Pager</a></h1><nav><a href="/">Inbox</a> <a href="/runbooks">Runbooks</a></nav></header>
<main>
{body}
</main>
</body>
</html>
"""


def _card(entry: Entry, now: float) -> str:
    said = entry.annotations
    labels = "".join(
        f"<li><b>{escape(key)}</b> {escape(value)}</li>"
        for key, value in sorted(entry.labels.items())
        if key not in _SHOWN_ELSEWHERE
    )
    return f"""<section class="alert {"firing" if entry.firing else "resolved"} {_class(entry.severity)}">
<h3>{escape(entry.name)} <span class="severity">{escape(entry.severity)}</span>
<span class="when">{_span(entry, now)}</span></h3>
<p class="summary">{escape(said.get("summary", ""))}</p>
<p>{escape(said.get("description", ""))}</p>{_unheard(entry, now)}
<ul class="labels">{labels}</ul>
<p class="links">{_links(entry)}</p>
<p class="times">{_times(entry)}</p>
</section>"""


def _unheard(entry: Entry, now: float) -> str:
    """What must be said of an alert that Alertmanager does not remind of: it tells no end of what it keeps back."""
    silent = now - entry.heard_at
    ours = not entry.alertmanager  # the pager's own word, which it repeats to nobody
    if ours or not entry.firing or silent < REPEATED.get(entry.severity, SELDOM) + _LATE:
        return ""
    words = f"Not heard of for {_duration(silent)}: it may be over, or another alert keeps it back; Alertmanager knows."
    return f'\n<p class="wrong">{words}</p>'


def _class(severity: str) -> str:
    return severity if severity in {"critical", "warning", "info"} else "other"


def _span(entry: Entry, now: float) -> str:
    if entry.firing:
        return f"firing for {_duration(now - entry.starts_at)}"
    return f"resolved {_duration(now - entry.ends_at)} ago, lasted {_duration(entry.ends_at - entry.starts_at)}"


def _times(entry: Entry) -> str:
    parts = [f"began {_clock(entry.starts_at)}", f"paged {_clock(entry.told_at)}"]
    if not entry.firing:
        parts += [f"ended {_clock(entry.ends_at)}", f"told {_clock(entry.told_over_at)}"]
    parts.append(f"{entry.notices} {'notice' if entry.notices == 1 else 'notices'}")
    return " · ".join(parts)


def links(entry: Entry) -> Mapping[str, str]:
    """Where to go from an alert: title -> URL, those that the alert has."""
    said = entry.annotations
    offered = {
        "Runbook": said.get("runbook_url", ""),
        "Board": said.get("dashboard_url", ""),
        "Alertmanager": entry.alertmanager and f"{entry.alertmanager}/#/alerts",
        "Rule": entry.source,
    }
    return {title: url for title, url in offered.items() if url.startswith(("http://", "https://"))}


def _links(entry: Entry) -> str:
    return _anchors(links(entry))


def _anchors(offered: Mapping[str, str]) -> str:
    good = {title: url for title, url in offered.items() if url.startswith(("http://", "https://"))}
    return " ".join(f'<a href="{escape(url)}" rel="noopener">{title}</a>' for title, url in good.items())


def _clock(moment: float) -> str:
    there = datetime.fromtimestamp(moment, UTC)
    return f'<time datetime="{there.isoformat(timespec="seconds")}">{there:%Y-%m-%d %H:%M:%S} UTC</time>'


def _duration(seconds: float) -> str:
    whole = max(0, round(seconds))
    for size, unit, next_size, next_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // next_size
            return f"{whole // size} {unit}" + (f" {rest} {next_unit}" if rest else "")
    return f"{whole} s"
