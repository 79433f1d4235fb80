"""The pager's pages: HTML from values, nothing else. Every text is escaped; only http and https become links."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from alerts.pager.inbox import Entry

REFRESH: Final = 5  # seconds between two looks of an open page
_SHOWN_ELSEWHERE: Final = ("alertname", "severity")
_MARK: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E"
    "%3Ccircle cx='8' cy='8' r='7' fill='%23{colour}'/%3E%3C/svg%3E"
)


def inbox(firing: Sequence[Entry], resolved: Sequence[Entry], now: float) -> str:
    """The inbox: what fires, then what is over."""
    state = f"{len(firing)} firing" if firing else "All quiet"
    body = [
        f'<p class="state {"bad" if firing else "good"}">{state}</p>',
        *(_card(entry, now) for entry in firing),
    ]
    if not firing:
        body.append('<p class="quiet">Nothing is wrong, as far as Alertmanager has told.</p>')
    body.append("<h2>Resolved</h2>")
    body += [_card(entry, now) for entry in resolved] or ['<p class="quiet">Nothing yet.</p>']
    title = f"({len(firing)}) Pager" if firing else "Pager"
    return _page(title, "\n".join(body), colour="d64545" if firing else "2f9e6e", refresh=REFRESH)


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
<p>{escape(said.get("description", ""))}</p>
<ul class="labels">{labels}</ul>
<p class="links">{_links(entry)}</p>
<p class="times">{_times(entry)}</p>
</section>"""


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
    return " ".join(f'<a href="{escape(url)}" rel="noopener">{title}</a>' for title, url in links(entry).items())


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
