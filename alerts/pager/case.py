"""A case: one time that a group of alerts fires, from the first notice to the last. Pure: what to tell, and when.

Alertmanager repeats itself, after a lost answer at once and by its ``repeat_interval`` later. The same content is told
again only as a reminder, and not when somebody has acknowledged the case. That some of a group's alerts are over is
told by nobody: the page has it, and the end of the last one is told. Of an alert that another one keeps back it tells
neither reminders nor the end; what fires of the group later is a case of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alerts.pager.alert import NEVER, Alert
from alerts.pager.message import Kind

AGAIN: Final = 60.0  # seconds in which the same content is Alertmanager's second try, not its reminder
FORGOTTEN: Final = 35 * 60.0  # seconds without a word of a case: longer than a page waits for its reminder


@dataclass(frozen=True, slots=True)
class Case:
    """What is kept of one."""

    number: int
    route: str
    group_key: str
    opened_at: float
    closed_at: float  # NEVER while it is open
    acknowledged_at: float  # NEVER while nobody has
    acknowledged_by: str
    steps: int  # of the route that were taken
    state: str  # what fires, as heard last
    told_at: float  # when that was told, or fewer were heard of
    heard_at: float = NEVER  # when Alertmanager spoke of it last


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a route: whom to tell how, when nobody has acknowledged by then."""

    after: float  # seconds since the case was opened
    channels: tuple[str, ...]
    whom: str = "primary"  # primary, secondary or everybody; for channels that reach persons


def state_of(alerts: Sequence[Alert]) -> str:
    """What fires, comparable."""
    return ",".join(sorted(f"{alert.fingerprint}@{alert.starts_at:.3f}" for alert in alerts if alert.firing))


def heard(case: Case | None, alerts: Sequence[Alert], now: float) -> Kind | None:
    """What a notification means for the open case of its group: what is to be told, or nothing."""
    state = state_of(alerts)
    if case is None:
        return "firing" if state else None
    if not state:
        return "over" if alerts else None  # a notification of nothing ends nothing
    now_firing, before = set(state.split(",")), set(case.state.split(","))
    if now_firing - before:
        return "news"
    if now_firing != before:
        return None
    if case.acknowledged_at != NEVER or now - case.told_at < AGAIN:
        return None
    return "reminder"


def forgotten(case: Case, alerts: Sequence[Alert], now: float) -> bool:
    """Whether nothing was heard of a case for long, and what fires now is none of what it is about."""
    now_firing, before = set(state_of(alerts).split(",")), set(case.state.split(","))
    return state_of(alerts) != "" and not now_firing & before and now - case.heard_at > FORGOTTEN


def due(case: Case, route: Sequence[Step], now: float) -> Sequence[Step]:
    """Steps whose time has come; none once it is acknowledged or over."""
    if case.closed_at != NEVER or case.acknowledged_at != NEVER:
        return ()
    count = sum(case.opened_at + step.after <= now for step in route)
    return route[case.steps : count]


def next_step(case: Case, route: Sequence[Step]) -> float:
    """When the next step is due, seconds since the epoch; infinity for never."""
    if case.closed_at != NEVER or case.acknowledged_at != NEVER or case.steps >= len(route):
        return float("inf")
    return case.opened_at + route[case.steps].after
