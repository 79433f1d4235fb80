"""Pure: everything that is known of one connection, message or user, from whatever source, in one shape."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

Kind = Literal["connection", "trace", "user"]
Line = Mapping[str, Any]

NEAR: Final = 30.0  # seconds before an end in which a stall of ours may have to do with it
_NODE: Final = ("loop.stalled", "service.started", "service.stopped", "service.draining", "broker.failed")
NODE_EVENTS: Final = frozenset(_NODE)


@dataclass(slots=True)
class Case:
    """What speaks. Times are Unix seconds; 0 for not known."""

    subject: str
    kind: Kind
    story: dict[str, Any] = field(default_factory=dict)  # of the end: the canonical line
    events: list[dict[str, Any]] = field(default_factory=list)  # of the flight recorder
    network: dict[str, Any] = field(default_factory=dict)  # what TCP said
    verdict: str = ""
    live: dict[str, Any] = field(default_factory=dict)  # the connection as it is now
    lines: list[Line] = field(default_factory=list)  # that name it
    node: list[Line] = field(default_factory=list)  # about the node itself
    ends: Counter[str] = field(default_factory=Counter)  # of all connections that are known, by cause
    others: list[dict[str, Any]] = field(default_factory=list)  # further ends and connections of the subject

    @property
    def known(self) -> bool:
        """Whether there is anything at all."""
        return bool(self.story or self.live or self.lines)

    @property
    def cause(self) -> str:
        """Of the end, "" while there is none."""
        return str(self.story.get("cause", ""))

    @property
    def ended(self) -> float:
        """When."""
        return moment(self.story)

    def kinds(self) -> list[str]:
        """The flight recorder's events by name."""
        return [str(event.get("event", "")) for event in self.events]

    def last(self, kind: str) -> dict[str, Any]:
        """The newest event of a kind; empty when there is none."""
        return next((event for event in reversed(self.events) if event.get("event") == kind), {})

    def of(self, event: str) -> list[Line]:
        """Lines of one log event that name the subject."""
        return [line for line in self.lines if line.get("event") == event]

    def stalls(self) -> list[Line]:
        """Stalls of the node's loop near the end; of a live connection, the last ones."""
        found = [line for line in self.node if line.get("event") == "loop.stalled"]
        if self.live:
            return found[-1:]
        when = self.ended or max((moment(line) for line in self.lines), default=0.0)
        return [line for line in found if -NEAR <= moment(line) - when <= 1.0]

    def died(self) -> bool:
        """Whether the process ended without a word, by its log: it was started again, and never stopped before."""
        if self.story or self.live or not self.lines:
            return False
        last = max(moment(line) for line in self.lines)
        after = [line for line in self.node if moment(line) >= last]
        names = [line.get("event") for line in sorted(after, key=moment)]
        return "service.started" in names and "service.stopped" not in names[: names.index("service.started")]


def moment(line: Line) -> float:
    """When a line was written or a story ended, Unix seconds."""
    if "ended" in line:
        return float(line["ended"])
    try:
        return datetime.fromisoformat(str(line.get("timestamp", ""))).timestamp()
    except ValueError:
        return 0.0


def from_lines(subject: str, kind: Kind, lines: Iterable[Line], node: Iterable[Line], ends: Counter[str]) -> Case:
    """A case out of log lines that name the subject: its worst end first, the others beside it."""
    named = sorted(lines, key=moment)
    case = Case(subject, kind, lines=named, node=sorted(node, key=moment), ends=ends)
    stories = [dict(line) for line in named if line.get("event") == "connection.closed"]
    if stories:
        take(case, stories, [line for line in named if line.get("event") == "connection.recorded"])
    return case


def take(case: Case, stories: list[dict[str, Any]], records: Iterable[Line] = ()) -> None:
    """Choose the end to explain: the last one that nobody wanted, else the last one."""
    recorded = {line.get("connection_id"): line for line in records}
    unwanted = [s for s in stories if s.get("connection_id") in recorded or "events" in s]
    chosen = max(unwanted or stories, key=moment)
    record = recorded.get(chosen.get("connection_id"), chosen)
    case.story = chosen
    case.events = list(record.get("events", ()))
    case.network = dict(record.get("network") or {})
    case.verdict = str(record.get("verdict", ""))
    case.others = [story for story in stories if story is not chosen]
