"""Pure: how much of anything a stranger may make us hold before it is known, each with the reason for its default."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """Of one listener, before a socket is taken over."""

    url_length: int = 8192  # bytes; tokens in a query have room, and proxies cut there, too
    header_count: int = 100  # nginx, Envoy and Go's net/http stay below
    header_bytes: int = 32 * 1024  # of a whole head; what nginx's large_client_header_buffers hold
    pipelined: int = 16  # requests that wait for their turn on one socket; browsers send none ahead
    idle: int = 1024  # kept-alive sockets between two requests: a proxy's pool is 32 a worker
    visitors: int = 10_000  # sockets that are not taken over yet: twice the storm that is planned for
    keepalive: float = 75.0  # seconds; above the 65 s of a usual proxy, so that it is the proxy who closes


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLimits:
    """Of one WebSocket."""

    message: int = 65_536  # bytes; Centrifugo's websocket.message_size_limit
    frame: int = 0  # bytes of one frame; 0: as a message
    fragments: int = 64  # frames of one message: at 1 KiB each the largest message
    control_frames: int = 20  # pings, pongs and the like in one second: SDKs send one in 25 s


@dataclass(slots=True)
class Pace:
    """Counts what happens in the running second. Made when the first thing happens: most peers never need one."""

    started: float  # loop time
    count: int = 1

    def another(self, now: float) -> int:
        """One more; how many there were in this second."""
        if now - self.started >= 1.0:
            self.started, self.count = now, 0
        self.count += 1
        return self.count
