"""``heliograph why``: gathers what is known of a connection, a message or a user, ranks the causes, and says it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from service.lab.case import Case, Kind
from service.lab.causes import Finding, rank
from service.lab.evidence import Node, Silent, from_logs, joined, kinds_of

_SHOWN: Final = 3  # causes for people; --json has all


def gather(subject: str, node: Node | None, logs: Sequence[Path], kind: Kind | None = None) -> tuple[Case, list[str]]:
    """The case, and the sources that did not answer.

    Raises:
        Silent: none of the sources answered.

    """
    silent: list[str] = []
    case = Case(subject, kind or kinds_of(subject)[0])
    for guess in [kind] if kind else kinds_of(subject):
        silent = []
        found = _gathered(subject, guess, node, logs, silent)
        if len(silent) == (node is not None) + bool(logs):
            raise Silent("; ".join(silent))
        if found.known:
            return found, silent
    return case, silent


def _gathered(subject: str, kind: Kind, node: Node | None, logs: Sequence[Path], silent: list[str]) -> Case:
    case = Case(subject, kind)
    if node is not None:
        try:
            case = node.case(subject, kind)
        except Silent as reason:
            silent.append(str(reason))
    if logs:
        try:
            case = joined(case, from_logs(subject, kind, logs))
        except Silent as reason:
            silent.append(str(reason))
    return case


def as_json(case: Case, silent: Sequence[str]) -> dict[str, Any]:
    """Everything, for programs."""
    return {
        "subject": case.subject,
        "kind": case.kind,
        "known": case.known,
        "connection": case.live or case.story,
        "causes": [
            {
                "cause": each.cause,
                "title": each.title,
                "how_sure": each.how_sure,
                "weight": each.weight,
                "evidence": list(each.evidence),
                "next": each.next,
                "runbook": each.runbook,
            }
            for each in rank(case)
        ],
        "events": case.events,
        "how_often": dict(case.ends.most_common()),
        "others": case.others,
        "silent_sources": list(silent),
    }


def as_text(case: Case, silent: Sequence[str]) -> str:
    """The same for people."""
    return "\n".join([*_head(case), "", *_causes(rank(case)), *_before(case), *_how_often(case), *_silent(silent)])


def _head(case: Case) -> Iterator[str]:
    if case.live:
        user = f" of user {case.live['user']}" if case.live.get("user") else ""
        yield f"connection {case.live['id']}{user} from {case.live.get('address', '?')}: {case.live['state']}"
    elif case.story:
        story = case.story
        user = f" of user {story['user']}" if story.get("user") else ""
        ended = (
            f"{datetime.fromtimestamp(case.ended, UTC):%Y-%m-%d %H:%M:%S} UTC" if case.ended else "at a time not known"
        )
        lived = f"after {story.get('lifetime', 0):.1f} s"
        yield f"connection {story.get('connection_id', '?')}{user}: ended {ended} {lived} with {story.get('code', '?')}"
        if story.get("trace_id"):
            yield f"trace {story['trace_id']}"
    elif case.known:
        yield f"{case.kind} {case.subject}: {len(case.lines)} log lines"
    else:
        yield f"nothing is known of {case.subject}: no such connection, trace or user in what was asked and read"


def _causes(found: Sequence[Finding]) -> Iterator[str]:
    for number, each in enumerate(found[:_SHOWN], 1):
        sure = f" ({each.how_sure})" if each.weight else ""
        yield f"{number}. {each.title}{sure} [{each.cause}]"
        yield from (f"   - {sentence}" for sentence in each.evidence)
        yield f"   next: {each.next}"
        if each.runbook:
            yield f"   runbook: {each.runbook}"


def _before(case: Case) -> Iterator[str]:
    if not case.events:
        return
    yield "\nWhat happened, in seconds since the 101"
    for event in case.events:
        rest = " ".join(f"{key}={value}" for key, value in event.items() if key not in ("at", "event"))
        yield f"{event['at']:12.3f}  {event['event']} {rest}".rstrip()


def _how_often(case: Case) -> Iterator[str]:
    total, cause = sum(case.ends.values()), case.cause
    if cause and total:
        yield f"\nHow often: {cause} in {case.ends[cause]} of the last {total:,} ends that are known here"
    if case.others:
        told = [
            f"{o.get('cause') or o.get('state')} ({o.get('connection_id') or o.get('id')})" for o in case.others[:10]
        ]
        more = f" and {len(case.others) - 10} more" if len(case.others) > 10 else ""
        yield f"Others of {case.subject}: {', '.join(told)}{more}"


def _silent(silent: Sequence[str]) -> Iterator[str]:
    yield from (f"\nNot asked: {reason}" for reason in silent)
