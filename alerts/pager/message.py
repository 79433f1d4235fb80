"""What is told of a case. Pure; ``wording`` says it in words."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from alerts.pager.alert import Alert

Kind = Literal["firing", "news", "reminder", "escalation", "acknowledged", "over"]
MOST: Final = 10  # alerts of a case that are told one by one
_MARKS: Final[dict[str, str]] = {
    "firing": "FIRING",
    "news": "MORE",
    "reminder": "STILL FIRING",
    "escalation": "NOT ACKNOWLEDGED",
    "acknowledged": "ACKNOWLEDGED",
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
    by: str = ""  # who has acknowledged it, in the message that says so
    incident: str = ""  # topic of the case in whose incident it is told (``incidents.py``)

    @property
    def alerts(self) -> int:
        """How many alerts it is about."""
        return len(self.lines) + self.more

    @property
    def topic(self) -> str:
        """What providers know an incident by: the same for all that is told in it."""
        return self.incident or f"{self.key} {self.case}"

    @property
    def inbox(self) -> str:
        """Where all cases are."""
        return self.page.rpartition("/cases/")[0] + "/"

    @property
    def title(self) -> str:
        """The line that a lock screen shows."""
        names = list(dict.fromkeys(line.name for line in self.lines))
        what = names[0] if len(names) == 1 else f"{len(names)} alerts"
        return f"[{_MARKS[self.kind]}] {self.severity}: {what}" + (f" ×{self.alerts}" if self.alerts > 1 else "")

    def as_kind(self, kind: Kind) -> "Message":
        """The same case, for another reason."""
        return replace(self, kind=kind)

    def with_more(self, count: int) -> "Message":
        """The same, with alerts that nobody told us one by one."""
        return replace(self, more=self.more + count)

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
    alerts = sorted(alerts, key=lambda alert: gravity(alert.severity))
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
    grave = alerts[0].severity if alerts else "none"
    return Message(kind, case, grave, lines, len(alerts) - len(lines), page, key)


def gravity(severity: str) -> int:
    """The gravest is 0."""
    known = ("critical", "warning", "info")
    return known.index(severity) if severity in known else len(known)


def cut(text: str, most: int) -> str:
    """At most so many characters."""
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"
