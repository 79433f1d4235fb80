"""What people read, for a telephone, a chat and a mail. Pure.

A few cases are told one by one. More are one digest: how many, how grave, which alerts and how often, and where all of
them stand. Of a case only the last word counts: what is over when it is told at last is told as over.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from alerts.pager.message import Message, cut, gravity

FEW: Final = 3  # cases that are told one by one
_LONGEST_TITLE: Final = 300


def latest(messages: Sequence[Message]) -> Sequence[Message]:
    """The last one of each case; those that fire first, and of them the gravest."""
    last = {message.case: message for message in messages}
    if len(last) <= FEW:
        return tuple(last.values())
    return sorted(last.values(), key=lambda message: (message.kind == "over", gravity(message.severity), message.case))


def title(messages: Sequence[Message], most: int = _LONGEST_TITLE) -> str:
    """One line; at most so many characters."""
    last = latest(messages)
    if len(last) == 1:
        return cut(last[0].title, most)
    if len(last) <= FEW:
        return cut(f"{len(last)} cases: " + "; ".join(message.title for message in last), most)
    return digest(last, most)


def digest(last: Sequence[Message], most: int) -> str:
    """``70 cases, 490 alerts: 68 firing (critical 60, warning 8), 2 resolved: HeliographDown ×7 and 483 more``."""
    head = f"{len(last)} cases, {sum(message.alerts for message in last)} alerts: {_states(last)}"
    counts = _counts(last)
    left = sum(counts.values())
    named: list[str] = []
    for name, count in counts.items():
        entry = f"{name} ×{count}" if count > 1 else name
        longer = len(head) + 2 + sum(len(each) + 2 for each in [*named, entry]) + len(_and_more(left - count))
        if longer > most:
            break
        named.append(entry)
        left -= count
    told = f"{head}: {', '.join(named)}" if named else head
    return cut(told + _and_more(left), most)


def _and_more(left: int) -> str:
    return f" and {left} more" if left else ""


def _states(last: Sequence[Message]) -> str:
    firing = [message for message in last if message.kind != "over"]
    parts = []
    if firing:
        grave = Counter(message.severity for message in firing)
        parts.append(f"{len(firing)} firing ({', '.join(f'{name} {count}' for name, count in grave.items())})")
    if over := len(last) - len(firing):
        parts.append(f"{over} resolved")
    return ", ".join(parts)


def _counts(last: Sequence[Message]) -> Counter[str]:
    """Alerts by name, in the order of their cases; those that a message only counts belong to its last name."""
    counts: Counter[str] = Counter()
    for message in last:
        for line in message.lines:
            counts[line.name] += 1
        if message.more:
            counts[message.lines[-1].name if message.lines else "(not named)"] += message.more
    return counts


def short(messages: Sequence[Message], most: int = 300) -> str:
    """For a telephone: what, where, and the page; at most so many characters."""
    last = latest(messages)
    if len(last) > 1:
        return f"{title(last, most - len(last[0].inbox) - 1)} {last[0].inbox}"
    (message,) = last
    first = message.lines[0] if message.lines else None
    text = message.title if first is None else f"{message.title}. {first.summary} {first.instance}".strip()
    return cut(text, most - len(message.page) - 1) + f" {message.page}"


def markdown(messages: Sequence[Message], most: int) -> str:
    """For a chat; at most so many bytes of UTF-8, whole lines, and it says when something is left out."""
    last = latest(messages)
    if len(last) > FEW:
        return _fit([f"### {digest(last, most // 4)}", *map(_entry, last)], most, f"[All cases]({last[0].inbox})")
    return _fit([part for message in last for part in _parts(message)], most)


def _parts(message: Message) -> list[str]:
    parts = [f"### {message.title}"]
    for line in message.lines if message.kind != "over" else ():
        parts.append(f"**{line.name}** {line.instance}")
        parts += [text for text in (line.summary, line.description) if text]
        links = ((line.runbook, "Runbook"), (line.board, "Board"))
        if told := " · ".join(f"[{name}]({url})" for url, name in links if url):
            parts.append(told)
    if message.more:
        parts.append(f"… and {message.more} more")
    return [*parts, f"[Case {message.case}]({message.page})"]


def _entry(message: Message) -> str:
    summary = message.lines[0].summary if message.lines and message.kind != "over" else ""
    return " ".join(part for part in (message.title, summary, f"[Case {message.case}]({message.page})") if part)


def _fit(parts: Sequence[str], most: int, end: str = "") -> str:
    left_out = "… (cut; the pager's page has all)"
    room = most - len(left_out.encode()) - 2 - (len(end.encode()) + 2 if end else 0)
    kept: list[str] = []
    for part in parts:
        room -= len(part.encode()) + 2
        if room < 0:
            kept.append(left_out)
            break
        kept.append(part)
    return "\n\n".join([*kept, end] if end else kept)


def mail(messages: Sequence[Message]) -> tuple[str, str]:
    """Subject and plain text."""
    last = latest(messages)
    parts = [f"{title(last, 2000)}\n{last[0].inbox}\n"] if len(last) > FEW else []
    for message in last:
        parts += [message.title, "=" * len(message.title)]
        for line in message.lines:
            parts += [f"\n{line.name} {line.instance}".rstrip(), line.summary, line.description]
            parts += [f"{name}: {url}" for name, url in (("Runbook", line.runbook), ("Board", line.board)) if url]
        if message.more:
            parts.append(f"\n… and {message.more} more")
        parts.append(f"\nAcknowledge: {message.page}\n")
    return " ".join(_subject(last).split()), "\n".join(parts)


def _subject(last: Sequence[Message]) -> str:
    if 1 < len(last) <= FEW:
        return f"{len(last)} cases: {last[0].title} and others"
    return title(last)
