"""When a connection has to be visited next: the earliest of its deadlines decides its place in the wheel."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class DeadlineSettings:
    """Seconds."""

    linger: float = 5.0  # after our Close frame, for the peer's: an immediate close loses the code to an RST
    weather: float = 2.0  # a connection with unsent bytes, or that was sent to, is looked at again this soon


def next_visit(
    now: float,
    settings: DeadlineSettings,
    *,
    session: float,
    outbox: float = inf,
    unsettled: bool = False,
    closing_since: float | None = None,
) -> float:
    """Loop time of the next visit; inf for never.

    Args:
        now: loop time.
        settings: the two delays.
        session: ``Session.next_deadline()``.
        outbox: ``Outbox.deadline()``, inf without an outbox.
        unsettled: bytes are unsent, or messages were sent since the last visit.
        closing_since: when our Close frame went out; then only lingering counts.

    """
    if closing_since is not None:
        return closing_since + settings.linger
    visit = min(session, outbox)
    return min(visit, now + settings.weather) if unsettled else visit
