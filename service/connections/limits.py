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
