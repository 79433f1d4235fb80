"""What the kernel is told about our sockets, and what it tells us.

By default Linux takes some 4 MB off us for a client that reads nothing: the backlog would be invisible. A small send
buffer makes the outbox speak in time, ``TCP_USER_TIMEOUT`` ends half-open peers, ``SIOCOUTQ`` counts what is not
acknowledged yet.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import termios
from dataclasses import dataclass

TCP_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", 18)
SIOCOUTQ = termios.TIOCOUTQ
_EMPTY = struct.pack("i", 0)
_NO_LINGER = struct.pack("ii", 1, 0)  # struct linger: on, for no time
_TCP_INFO = getattr(socket, "TCP_INFO", 11)
_ACKED = struct.Struct("=120xQ")  # struct tcp_info up to tcpi_bytes_acked
_MOST = 2**31 - 1  # an int of C's
_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class SocketSettings:
    """Options of a listening socket, inherited by every accepted connection."""

    send_buffer: int = 64 * 1024  # bytes; the kernel doubles it. Holds some 100 messages of 0.5 KiB
    user_timeout: float = 60.0  # seconds of unacknowledged data; above every permitted silence (ping 25 s + pong 8 s)
    backlog: int = 4096  # connections waiting for accept; a reconnect storm is taken in, not refused


def listen(host: str, port: int, settings: SocketSettings) -> socket.socket:
    """A bound, listening, non-blocking TCP socket.

    Raises:
        OSError: the address cannot be had.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, min(settings.send_buffer, _MOST))
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, int(min(settings.user_timeout * 1000, _MOST)))
        listener.bind((host, port))
        listener.listen(settings.backlog)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise OSError(error.errno, f"{host}:{port}: {error.strerror}") from error
    return listener


def unsent_bytes(fd: int) -> int:
    """Bytes the kernel still holds for the peer (not acknowledged); 0 when the socket is gone."""
    try:
        answer: bytes = fcntl.ioctl(fd, SIOCOUTQ, _EMPTY)
    except OSError:
        return 0
    return int.from_bytes(answer, "little")


def forget_unsent(fd: int) -> None:
    """Let the close that follows be a reset: the kernel gives up what it holds for the peer, who learns at once.

    Without it the kernel goes on sending for as long as the peer takes, nobody knows of the memory any more, and a
    slow reader hears of its end behind all that it is late with.
    """
    if fd >= 0:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def acknowledged_bytes(fd: int) -> int:
    """Bytes that the peer has acknowledged so far (``tcpi_bytes_acked``); 0 when the kernel does not tell."""
    length = ctypes.c_uint32(_ACKED.size)
    told = ctypes.create_string_buffer(_ACKED.size)
    if _libc.getsockopt(fd, socket.IPPROTO_TCP, _TCP_INFO, told, ctypes.byref(length)) or length.value < _ACKED.size:
        return 0
    acknowledged: int = _ACKED.unpack(told.raw)[0]
    return acknowledged


def peer_address(transport: asyncio.Transport | None) -> str:
    """The peer's; asked when it is wanted, so that a quiet connection does not keep the text."""
    name = transport.get_extra_info("peername") if transport is not None else None
    return f"{name[0]}:{name[1]}" if name else ""
