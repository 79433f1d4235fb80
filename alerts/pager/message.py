"""What people read: one case in a few words, for a telephone, a chat and a mail. Pure."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final, Literal

from alerts.pager.alert import Alert

Kind = Literal["firing", "news", "reminder", "escalation", "over"]
MOST: Final = 10  # alerts of a case that are told one by one
_MARKS: Final[dict[str, str]] = {
    "firing": "FIRING",
    "news": "MORE",
    "reminder": "STILL FIRING",
    "escalation": "NOT ACKNOWLEDGED",
    "over": "RESOLVED",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One alert of a case."""

    name: str
    instance: str
    summary: str
    description: str
    runbook: str
    board: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is told of a case."""

    kind: Kind
    case: int
    severity: str
    lines: tuple[Line, ...]
    more: int  # alerts that are not among the lines
    page: str  # where it can be acknowledged
    key: str  # the same for all messages of a case

    @property
    def title(self) -> str:
        """The line that a lock screen shows."""
        names = list(dict.fromkeys(line.name for line in self.lines))
        count = len(self.lines) + self.more
        what = names[0] if len(names) == 1 else f"{len(names)} alerts"
        return f"[{_MARKS[self.kind]}] {self.severity}: {what}" + (f" ×{count}" if count > 1 else "")

    def as_kind(self, kind: Kind) -> "Message":
        """The same case, for another reason."""
        return Message(kind, self.case, self.severity, self.lines, self.more, self.page, self.key)

    def with_more(self, count: int) -> "Message":
        """The same, with alerts that nobody told us one by one."""
        return Message(self.kind, self.case, self.severity, self.lines, self.more + count, self.page, self.key)

    def dump(self) -> str:
        """For the disk."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> "Message":
        """From the disk."""
        fields = json.loads(text)
        return cls(**{**fields, "lines": tuple(Line(**line) for line in fields["lines"])})


def compose(kind: Kind, case: int, alerts: Sequence[Alert], page: str, key: str) -> Message:
    """The message about these alerts of a case; the gravest severity counts."""
    grave = sorted((alert.severity for alert in alerts), key=_gravity)
    lines = tuple(
        Line(
            alert.name,
            alert.labels.get("instance", ""),
            alert.annotations.get("summary", ""),
            alert.annotations.get("description", ""),
            alert.annotations.get("runbook_url", ""),
            alert.annotations.get("dashboard_url", ""),
        )
        for alert in alerts[:MOST]
    )
    return Message(kind, case, grave[0] if grave else "none", lines, len(alerts) - len(lines), page, key)


def _gravity(severity: str) -> int:
    known = ("critical", "warning", "info")
    return known.index(severity) if severity in known else len(known)


def short(messages: Sequence[Message], most: int = 300) -> str:
    """For a telephone: what, where, and the page; at most so many characters."""
    if len(messages) > 1:
        text = f"{len(messages)} cases: " + "; ".join(message.title for message in messages)
    else:
        (message,) = messages
        first = message.lines[0] if message.lines else None
        text = message.title if first is None else f"{message.title}. {first.summary} {first.instance}".strip()
    return cut(text, most - len(messages[0].page) - 1) + f" {messages[0].page}"


def markdown(messages: Sequence[Message], most: int) -> str:
    """For a chat; at most so many bytes of UTF-8, whole lines, and it says when something is left out."""
    parts: list[str] = []
    for message in messages:
        parts.append(f"### {message.title}")
        for line in message.lines if message.kind != "over" else ():
            parts.append(f"**{line.name}** {line.instance}")
            parts += [text for text in (line.summary, line.description) if text]
            links = ((line.runbook, "Runbook"), (line.board, "Board"))
            if told := " · ".join(f"[{title}]({url})" for url, title in links if url):
                parts.append(told)
        if message.more:
            parts.append(f"… and {message.more} more")
        parts.append(f"[Case {message.case}]({message.page})")
    return _fit(parts, most)


def _fit(parts: Sequence[str], most: int) -> str:
    left_out = "… (cut; the pager's page has all)"
    room = most - len(left_out.encode()) - 2
    kept: list[str] = []
    for part in parts:
        room -= len(part.encode()) + 2
        if room < 0:
            return "\n\n".join([*kept, left_out])
        kept.append(part)
    return "\n\n".join(kept)


def cut(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"


def mail(messages: Sequence[Message]) -> tuple[str, str]:
    """Subject and plain text."""
    subject = messages[0].title if len(messages) == 1 else f"{len(messages)} cases: {messages[0].title} and others"
    parts: list[str] = []
    for message in messages:
        parts += [message.title, "=" * len(message.title)]
        for line in message.lines:
            parts += [f"\n{line.name} {line.instance}".rstrip(), line.summary, line.description]
            parts += [f"{title}: {url}" for title, url in (("Runbook", line.runbook), ("Board", line.board)) if url]
        if message.more:
            parts.append(f"\n… and {message.more} more")
        parts.append(f"\nAcknowledge: {message.page}\n")
    return " ".join(subject.split()), "\n".join(parts)
