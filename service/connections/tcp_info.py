"""What TCP knows of a peer: ``TCP_INFO`` (linux/tcp.h), read for a closer look and for adaptive heartbeats."""

import ctypes
import socket
import struct
from typing import Any, Final, NamedTuple

from service.connections.slowness import Reading
from service.connections.sockopts import unsent_bytes

_TCP_INFO: Final = getattr(socket, "TCP_INFO", 11)
_SIZE: Final = 232  # of struct tcp_info up to tcpi_snd_wnd, Linux 5.4
_LEAST: Final = 192  # up to tcpi_sndbuf_limited, Linux 4.10
_libc = ctypes.CDLL(None)

# By their offsets: 2 retransmits, 3 probes, 16 snd_mss, 24 unacked, 56 last_ack_recv, 68 rtt, 72 rttvar, 80 snd_cwnd,
# 100 total_retrans, 148 min_rtt, 156 data_segs_out, 168 busy_time, 176 rwnd_limited, 228 snd_wnd.
_FIELDS: Final = struct.Struct("=2xBB12xI4xI28xI8xII4xI16xI44xI4xI8xQQ44xI")
assert _FIELDS.size == _SIZE, "the layout is that of struct tcp_info"


class TcpInfo(NamedTuple):
    """One look. Times in seconds."""

    resending: int
    probes: int
    segment: int
    in_flight: int
    silence: float
    rtt: float
    rtt_variance: float
    congestion_window: int
    resent: int
    least_rtt: float
    segments: int
    busy: float
    window_limited: float
    window: int  # −1: the kernel does not tell
    kernel: int  # bytes not acknowledged (SIOCOUTQ)

    def reading(self, queued: int = 0, ping_rtt: float = 0.0, stall: float = 0.0) -> Reading:
        """For ``slowness.judge``."""
        return Reading(
            queued=queued,
            kernel=self.kernel,
            rtt=self.rtt,
            least_rtt=self.least_rtt,
            ping_rtt=ping_rtt,
            segments=self.segments,
            resent=self.resent,
            resending=self.resending,
            probes=self.probes,
            in_flight=self.in_flight,
            congestion_window=self.congestion_window,
            window=self.window,
            segment=self.segment,
            busy=self.busy,
            window_limited=self.window_limited,
            silence=self.silence,
            stall=stall,
        )

    def told(self) -> dict[str, Any]:
        """As the log and the debug API show it."""
        return {
            "rtt": round(self.rtt, 6),
            "least_rtt": round(self.least_rtt, 6),
            "segments": self.segments,
            "resent": self.resent,
            "resending": self.resending,
            "probes": self.probes,
            "silence": self.silence,
            "window": self.window,
            "unacknowledged": self.kernel,
        }


def tcp_info(fd: int) -> TcpInfo | None:
    """What the kernel says; None when the socket is gone, no TCP, or the kernel too old."""
    if fd < 0:
        return None
    length = ctypes.c_uint32(_SIZE)
    told = ctypes.create_string_buffer(_SIZE)
    if _libc.getsockopt(fd, socket.IPPROTO_TCP, _TCP_INFO, told, ctypes.byref(length)) or length.value < _LEAST:
        return None
    (
        resending, probes, segment, in_flight, silence, rtt, variance, window, resent, least, segments, busy, limited,
        peer_window,
    ) = _FIELDS.unpack(told.raw)  # fmt: skip
    return TcpInfo(
        resending,
        probes,
        max(1, segment),
        in_flight,
        silence / 1e3,
        rtt / 1e6,
        variance / 1e6,
        window,
        resent,
        least / 1e6 if least != 0xFFFFFFFF else 0.0,
        segments,
        busy / 1e6,
        limited / 1e6,
        peer_window if length.value >= _SIZE else -1,
        unsent_bytes(fd),
    )
