"""Pure: whose fault is it that bytes wait? The network's, the client's, or ours; with what speaks for it.

TCP knows more than any application: a closed receive window is a client that does not read, bytes that are sent again
are a network that loses them, bytes that wait here while the kernel has nothing to send are ours.
"""

from typing import Final, Literal, NamedTuple

Who = Literal["network", "client", "us", "nobody", "unclear"]

WINDOW_SHARE: Final = 0.5  # of the time with bytes to send, held back by the peer's window
LOSS_SHARE: Final = 0.02  # of the segments, sent again
FAR: Final = 1.0  # seconds of network round trip
LAZY: Final = 0.5  # seconds that an application takes longer than its network


class Reading(NamedTuple):
    """What is known of one connection at one time. Seconds and bytes; 0 where nothing is known, −1 for a window."""

    queued: int = 0  # bytes that wait here
    kernel: int = 0  # bytes that the kernel holds: not sent yet, or not acknowledged
    rtt: float = 0.0  # the network's, smoothed
    least_rtt: float = 0.0
    ping_rtt: float = 0.0  # of the last answered ping: network and client together
    segments: int = 0  # with data, sent so far
    resent: int = 0  # of them again
    resending: int = 0  # times that the oldest one was sent again just now
    probes: int = 0  # of a closed window, unanswered
    in_flight: int = 0  # segments
    congestion_window: int = 0  # segments
    window: int = -1  # bytes that the peer would take
    segment: int = 1  # bytes
    busy: float = 0.0  # seconds with bytes to send
    window_limited: float = 0.0  # of these, held back by the peer's window
    silence: float = 0.0  # seconds since the last acknowledgement
    stall: float = 0.0  # seconds that our own loop stood still lately


class Verdict(NamedTuple):
    """Who, and why."""

    who: Who
    evidence: tuple[str, ...]


def judge(reading: Reading) -> Verdict:
    """Name who keeps the bytes waiting; the clearest sign decides."""
    if not reading.queued and not reading.kernel and not reading.resending:
        return _nothing_waits(reading)
    for who, signs in (("client", _closed), ("network", _resending), ("us", _idle), ("client", _limited)):
        if said := signs(reading):
            return Verdict(who, (*said, *_around(reading)))  # type: ignore[arg-type]
    for who, signs in (("network", _poor), ("client", _lazy), ("network", _full), ("client", _held), ("us", _stalled)):
        if said := signs(reading):
            return Verdict(who, (*said, *_around(reading)))  # type: ignore[arg-type]
    return Verdict("unclear", (f"{reading.queued + reading.kernel} bytes wait", *_around(reading)))


def _nothing_waits(reading: Reading) -> Verdict:
    for who, signs in (("us", _stalled), ("client", _lazy), ("network", _poor)):
        if said := signs(reading):
            return Verdict(who, (*said, "nothing waits to be sent"))  # type: ignore[arg-type]
    return Verdict("nobody", ("nothing waits to be sent",))


def _closed(reading: Reading) -> tuple[str, ...]:
    waits = reading.queued or reading.kernel
    if waits and reading.probes:
        return (f"its receive window is closed and {reading.probes} probes of it went unanswered: it does not read",)
    if waits and 0 <= reading.window < reading.segment and reading.resending == 0:
        return (f"its receive window is {reading.window} bytes, less than a segment: it does not read",)
    return ()


def _resending(reading: Reading) -> tuple[str, ...]:
    if not reading.resending:
        return ()
    quiet = f", nothing acknowledged for {reading.silence:.1f} s" if reading.silence >= FAR else ""
    return (f"the same bytes were sent again {reading.resending} times{quiet}",)


def _idle(reading: Reading) -> tuple[str, ...]:
    if reading.queued and not reading.kernel:
        return (f"{reading.queued} bytes wait here while the kernel has nothing to send",)
    return ()


def _limited(reading: Reading) -> tuple[str, ...]:
    if reading.busy and reading.window_limited >= WINDOW_SHARE * reading.busy:
        share = 100 * reading.window_limited / reading.busy
        return (f"its receive window held us back {share:.0f} % of the time with bytes to send: it reads slowly",)
    return ()


def _poor(reading: Reading) -> tuple[str, ...]:
    if reading.segments >= 20 and reading.resent >= LOSS_SHARE * reading.segments:
        return (f"{reading.resent} of {reading.segments} segments had to be sent again",)
    if reading.rtt >= FAR:
        return (f"the network takes {_ms(reading.rtt)} there and back",)
    return ()


def _lazy(reading: Reading) -> tuple[str, ...]:
    if reading.ping_rtt >= reading.rtt + LAZY:
        return (f"it answered the last ping after {_ms(reading.ping_rtt)}, its network takes {_ms(reading.rtt)}",)
    return ()


def _full(reading: Reading) -> tuple[str, ...]:
    if reading.congestion_window and reading.in_flight >= reading.congestion_window:
        return (f"the path is full: {reading.in_flight} segments are under way, no more are allowed",)
    return ()


def _held(reading: Reading) -> tuple[str, ...]:
    """More could go by the path, but not by the window: what is under way fills it."""
    under_way = reading.in_flight * reading.segment
    if reading.kernel > under_way and 0 <= reading.window < under_way + reading.segment:
        return (f"its receive window of {reading.window} bytes is full: {reading.in_flight} segments are under way",)
    return ()


def _stalled(reading: Reading) -> tuple[str, ...]:
    return (f"our own loop stood still for {reading.stall:.1f} s",) if reading.stall else ()


def _around(reading: Reading) -> tuple[str, ...]:
    """What else belongs to the picture."""
    said = f"{reading.queued} bytes wait here, {reading.kernel} in the kernel"
    network = f"network {_ms(reading.rtt)}"
    if reading.least_rtt:
        network += f" (least {_ms(reading.least_rtt)})"
    return (f"{said}; {network}, {reading.resent} of {reading.segments} segments sent again",)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
