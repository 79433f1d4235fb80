"""When a connection has to be visited next: the earliest of its deadlines decides its place in the wheel."""

from math import inf


def next_visit(
    *, session: float, outbox: float = inf, unsettled_until: float = inf, linger_until: float | None = None
) -> float:
    """Loop time of the next visit; inf for never.

    Args:
        session: ``Session.next_deadline()``.
        outbox: ``Outbox.deadline()``, inf without an outbox.
        unsettled_until: when to look again at a connection that was written to or has unsent bytes.
        linger_until: once our Close frame is out only this counts.

    """
    if linger_until is not None:
        return linger_until
    return min(session, outbox, unsettled_until)
