"""Pure: what the end of a socket says when nobody said goodbye."""

import errno
from typing import NamedTuple

from service.protocol import closing
from service.protocol.closing import Closing


class Story(NamedTuple):
    """Why a connection ended: the code (sent or not), a sentence for the log, and who began it."""

    closing: Closing
    why: str
    initiator: str  # client, server or network


def lost(number: int, name: str = "") -> Story:
    """The story of a socket that the kernel gave up.

    ``ETIMEDOUT`` is TCP_USER_TIMEOUT's word (RFC 5482): the peer acknowledged nothing of what was sent for that long.

    Args:
        number: the system call's error number, 0 when the peer ended the stream without a Close frame.
        name: the exception's class, when that is all there is.

    """
    if number == errno.ETIMEDOUT:
        return Story(closing.SLOW_KERNEL, "nothing was acknowledged for http_server.tcp_user_timeout", "network")
    why = errno.errorcode.get(number, name) if number or name else "closed without a Close frame"
    return Story(closing.CONNECTION_CLOSED, why, "network")


def lost_by(exc: BaseException | None) -> Story:
    """The same, of what ``connection_lost`` is called with."""
    if exc is None:
        return lost(0)
    return lost(getattr(exc, "errno", None) or 0, type(exc).__name__)
