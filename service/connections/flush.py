"""The only place in the house that writes to a socket's descriptor.

``send_many`` is the hot path: one system call a member and two integer slots, nothing else. What goes wrong is put
aside and handled after the slice, since handling it may close connections and change the member list under the loop.
"""

from collections.abc import Sequence
from errno import EIO
from os import write
from typing import Any, Protocol


class Batch(Protocol):
    """What the members of one write have in common; its owner learns from it how late a delivery was."""

    messages: int


class Writable(Protocol):
    """A member: ``fd`` is −1 while it must not be written directly (paused, queued, TLS, closing)."""

    fd: int
    sent: int

    def hold(self, data: bytes, written: int, batch: Any) -> None:
        """Take over ``data`` of which ``written`` bytes are out; below 0 the peer is gone, and it is −errno."""


def send_many(members: Sequence[Writable], data: bytes, batch: Batch) -> int:
    """Write ``data`` to every member; the number of members the kernel took all of it for.

    A descriptor may be written beside its transport because the transport's own buffer is empty whenever ``fd`` is
    not −1.
    """
    size = len(data)
    messages = batch.messages
    troubled: list[tuple[Writable, int]] | None = None
    for member in members:
        fd = member.fd
        if fd >= 0:
            try:
                written = write(fd, data)
            except BlockingIOError:
                written = 0
            except OSError as fault:
                written = _gone(fault)
            if written == size:
                member.sent += messages
                continue
        else:
            written = 0
        if troubled is None:
            troubled = []
        troubled.append((member, written))
    if troubled is None:
        return len(members)
    for member, written in troubled:
        member.hold(data, written, batch)
    return len(members) - len(troubled)


def write_some(fd: int, data: bytes) -> int:
    """Bytes of ``data`` the kernel took: 0 when its buffer is full, −errno when the peer is gone."""
    try:
        return write(fd, data)
    except BlockingIOError:
        return 0
    except OSError as fault:
        return _gone(fault)


def _gone(fault: OSError) -> int:
    return -(fault.errno or EIO)
