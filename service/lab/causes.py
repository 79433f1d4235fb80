"""Pure: what may have been the cause, ranked, each with what speaks for it and what to do next.

Two closed lists: signs that say more than a close code does (who was too slow, was it the network, was it us), and
behind them a row for each close cause. The first of the ranking is the suggestion; where nothing speaks, that is said.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from service.lab.case import Case
from service.protocol import closing
from service.protocol.errors import ERRORS

_BACKLOG: Final = "alerts/runbooks/HeliographBacklog.md"
_ERRORS: Final = "alerts/runbooks/HeliographErrorRate.md"
_LATENCY: Final = "alerts/runbooks/HeliographDeliveryLatencyP99.md"
_SURE, _LIKELY, _POSSIBLE, _PLAIN = 95, 85, 60, 50
_LONG: Final = 1.0  # seconds; a stall that clients feel
_HURT_BY_A_STALL: Final = ("client_closed", "network_lost", "slow_age")  # SDKs leave when no ping comes
_SILENT: Final = 3.0  # seconds without an acknowledgement


@dataclass(frozen=True, slots=True)
class Finding:
    """One possible cause."""

    cause: str
    title: str
    weight: int  # of 100
    evidence: tuple[str, ...]
    next: str
    runbook: str = ""

    @property
    def how_sure(self) -> str:
        """In a word."""
        return "certain" if self.weight >= _SURE else "likely" if self.weight > _POSSIBLE else "possible"


Sign = Callable[[Case], tuple[int, list[str]] | None]


@dataclass(frozen=True, slots=True)
class Cause:
    """A row of the table; ``sign`` gives the weight and the evidence, or None when nothing speaks for it."""

    name: str
    title: str
    sign: Sign = field(repr=False)
    next: str
    runbook: str = ""


_NO_USER: Final = "; a client whose token was refused has no user: why of its connection, out of /debug/ended"
UNKNOWN: Final = Finding(
    "unknown",
    "Not known",
    0,
    ("neither the node nor the log says anything that would explain it",),
    "give the log of that time with --log, or ask the node that had the connection with --server",
)


def rank(case: Case) -> list[Finding]:
    """All causes for which something speaks, the likeliest first; ``UNKNOWN`` alone when none does."""
    found = []
    for row in CAUSES:
        said = row.sign(case)
        if said is not None:
            weight, evidence = said
            found.append(Finding(row.name, row.title, weight, tuple(evidence), row.next, row.runbook))
    if plain := _closed(case):
        found.append(plain)
    if not found and case.kind == "user":
        return [replace(UNKNOWN, next=UNKNOWN.next + _NO_USER)]
    return sorted(found, key=lambda finding: -finding.weight) or [UNKNOWN]


# ------------------------------------------------------------------------- what only several facts tell together


def _loop_stalled(case: Case) -> tuple[int, list[str]] | None:
    told = [
        f"the event loop stood still for {line.get('seconds', 0):g} s: {line.get('where', 'unknown')}"
        for line in case.stalls()
    ]
    excused = case.last("loop_stalled")
    if excused:
        told.append(f"the heartbeat's verdict was put off by {excused.get('ms', 0) / 1000:g} s for a stall of ours")
    told = list(dict.fromkeys(told))  # the node and its log tell the same ones
    if not told:
        return None
    longest = max((float(line.get("seconds", 0)) for line in case.stalls()), default=0.0)
    if case.live:
        return (_LIKELY + 5 if case.live.get("who") == "us" else _PLAIN - 20), told
    if case.cause == "no_pong" and case.verdict != "us":  # it was excused, and did not answer all the same
        return _POSSIBLE - 5, told
    hurts = (
        case.cause in _HURT_BY_A_STALL or (case.cause == "no_pong" and case.verdict == "us") or case.of("message.late")
    )
    return (_SURE if hurts and longest >= _LONG else _PLAIN - 10), told


def _network_dead(case: Case) -> tuple[int, list[str]] | None:
    if case.cause not in ("no_pong", "slow_kernel"):
        return None
    network = case.network
    told = _heartbeat(case)
    if network.get("resending"):
        told.append(f"TCP sent the same bytes again {network['resending']} times")
    if network.get("silence", 0) >= _SILENT and network.get("unacknowledged"):
        told.append(f"nothing was acknowledged for {network['silence']:.1f} s")
    gone = (
        case.cause == "slow_kernel"
        or network.get("resending")
        or (network.get("silence", 0) >= _SILENT and network.get("unacknowledged"))
    )
    return (_LIKELY + 3, told) if gone else None


def _client_frozen(case: Case) -> tuple[int, list[str]] | None:
    network = case.network
    if case.cause != "no_pong" or not network or network.get("resending") or network.get("unacknowledged"):
        return None
    told = _heartbeat(case)
    told.append("its kernel acknowledged everything that was sent, so the network is whole: the application is silent")
    return _LIKELY, told


def _heartbeat(case: Case) -> list[str]:
    missed = case.kinds().count("ping_missed")
    said = [f"{missed} of its pings went unanswered"] if missed else []
    if case.story.get("pongs"):
        said.append(
            f"it had answered {case.story['pongs']} pings before, the last after {_ms(case.story.get('rtt', 0))}"
        )
    return said


def _slow(who: str) -> Sign:
    def sign(case: Case) -> tuple[int, list[str]] | None:
        if case.cause not in ("slow_bytes", "slow_age") or case.verdict != who:
            return None
        limit = "bytes" if case.cause == "slow_bytes" else "age"
        told = [f"what waited for it reached the limit of {limit}: {case.story.get('reason', '')}"]
        network = case.network
        if who == "client" and network.get("probes"):
            told.append(f"its receive window was closed, {network['probes']} probes went unanswered")
        elif who == "client":
            told.append(f"its receive window was {network.get('window', 0)} bytes while {_waiting(case)} waited")
        elif who == "network":
            told.append(
                f"{network.get('resent', 0)} segments were sent again, {_ms(network.get('rtt', 0))} there and back"
            )
        return _LIKELY + 4, told

    return sign


def _reset(case: Case) -> tuple[int, list[str]] | None:
    number = case.last("socket_lost").get("errno", 0)
    named = case.story.get("reason", "")
    if case.cause != "network_lost" or not (number in (errno.ECONNRESET, errno.EPIPE) or "RESET" in named.upper()):
        return None
    return _LIKELY, [f"the socket ended with {errno.errorcode.get(number, named)}: somebody reset it"]


def _hung_up(case: Case) -> tuple[int, list[str]] | None:
    lost = case.last("socket_lost")
    quiet = (lost and not lost.get("errno")) or "without a Close frame" in case.story.get("reason", "")
    if case.cause != "network_lost" or not quiet:
        return None
    return _LIKELY, ["the peer ended the stream in order, but without a Close frame"]


def _process_died(case: Case) -> tuple[int, list[str]] | None:
    if not case.died():
        return None
    return _LIKELY, ["its log ends without an end of the connection, and the service was started again without a stop"]


def _alive(case: Case) -> tuple[int, list[str]] | None:
    if not case.live or case.live.get("who") not in ("nobody", "us", None) or case.live.get("unsent"):
        return None
    return _PLAIN, [f"it is connected since {case.live.get('age', 0):.0f} s and takes what is sent to it"]


def _alive_slow(who: str) -> Sign:
    def sign(case: Case) -> tuple[int, list[str]] | None:
        if case.live.get("who") != who or (who == "us" and not case.live.get("unsent")):
            return None
        return _LIKELY, [str(sentence) for sentence in case.live.get("evidence", ())]

    return sign


def _lines(event: str, weight: int, say: Callable[[Any], str]) -> Sign:
    def sign(case: Case) -> tuple[int, list[str]] | None:
        found = case.of(event)
        return (weight, [say(line) for line in found[-3:]]) if found else None

    return sign


def _greeting_refused(case: Case) -> tuple[int, list[str]] | None:
    """By an error reply the client is not closed: it leaves, and only this says why."""
    lines = case.of("connection.refused")
    code = case.last("greeting_refused").get("code") or (lines[-1].get("code", 0) if lines else 0)
    if not code:
        return None
    words = ERRORS[code].message if code in ERRORS else str(lines[-1].get("cause", "")) if lines else ""
    said = [f"its connect command was answered with {code}" + f" ({words})" * bool(words)]
    said += [f"its token did not count: {line.get('reason', '')}" for line in case.of("token.refused")[-1:]]
    return (_LIKELY + 2 if code in ERRORS else _POSSIBLE), said


def _published(line: Any) -> str:
    seconds = _ms(line.get("seconds", 0))
    return f"published to {line.get('channel', '?')} at offset {line.get('offset', 0)} in {seconds}"


def _waiting(case: Case) -> str:
    return f"{case.story.get('queued_bytes', 0)} bytes here and {case.network.get('unacknowledged', 0)} in the kernel"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


CAUSES: Final[tuple[Cause, ...]] = (
    Cause(
        "loop_stalled", "Our own event loop stood still", _loop_stalled,
        "what blocks at that file and line belongs into a thread or into slices; without one look at the machine "
        "(processors, memory, a paused container) or at a C extension",
    ),
    Cause(
        "network_dead", "The network lost the client", _network_dead,
        "nothing to mend here: the client reconnects and recovers; many at once point at a proxy or a provider",
    ),
    Cause(
        "client_frozen", "The client's application stopped answering", _client_frozen,
        "a suspended phone, a background tab, a blocked main thread; a profile with more misses waits longer",
    ),
    Cause(
        "slow_client", "The client reads slower than it is sent to", _slow("client"),
        "its owner has to read faster or to subscribe to less; it resumes from its position", _BACKLOG,
    ),
    Cause(
        "slow_network", "The network is too slow for what is sent", _slow("network"),
        "send less to it (deltas, fewer channels); many at once point at a proxy or a provider",
        _BACKLOG,
    ),
    Cause(
        "slow_us", "We did not write what waited", _slow("us"),
        "look for stalls of the loop (loop.stalled) and at the fan-out's lag at that time", _BACKLOG,
    ),
    Cause(
        "socket_reset", "The socket was reset", _reset,
        "a killed client, a crashed proxy or a firewall that forgot the connection: compare the times of others",
    ),
    Cause(
        "hung_up", "The client hung up without a goodbye", _hung_up,
        "a closed tab, a killed process or a proxy's idle limit: compare the lifetimes (proxies cut at round figures)",
    ),
    Cause(
        "process_died", "The server's process died", _process_died,
        "look at what ended it: the kernel's log (out of memory), the supervisor's, an operator's kill -9",
    ),
    Cause(
        "alive_slow_client", "It is connected, but reads slowly", _alive_slow("client"),
        "see /debug/slow; it will be cut by bytes or by age, and resume", _BACKLOG,
    ),
    Cause(
        "alive_slow_network", "It is connected by a poor network", _alive_slow("network"),
        "see /debug/slow; compare with other clients of its provider", _BACKLOG,
    ),
    Cause(
        "alive_slow_us", "It is connected, and waits for us", _alive_slow("us"),
        "look for stalls of the loop at /debug/node", _BACKLOG,
    ),
    Cause("alive", "It is connected and healthy", _alive, "nothing to do"),
    Cause(
        "internal_fault", "A fault of ours", _lines("internal.error", _SURE, lambda line: f"{line.get('error', '')}"),
        "the traceback is in the log line internal.error", _ERRORS,
    ),
    Cause(
        "greeting_refused", "Its greeting was refused", _greeting_refused,
        "docs/reference/errors.md says what the code means; with 109 the client has to fetch a new token",
    ),
    Cause(
        "message_failed", "The publication failed by our fault",
        _lines("message.failed", _SURE, lambda line: f"answered with {line.get('code', 0)}"),
        "look for broker.failed at that time", _ERRORS,
    ),
    Cause(
        "message_refused", "The publication was refused",
        _lines("message.refused", _SURE, lambda line: f"answered with {line.get('code', 0)}"),
        "the publisher's mistake: docs/reference/errors.md says which",
    ),
    Cause(
        "message_late", "The message came late to some",
        _lines("message.late", _LIKELY, lambda line: f"delivered after {_ms(line.get('seconds', 0))}"),
        "a slow receiver delays only itself; all late at once is the fan-out or the loop",
        _LATENCY,
    ),
    Cause(
        "message_published", "The message was published in order", _lines("message.published", _PLAIN, _published),
        "if a receiver missed it, ask why of that receiver",
    ),
)  # fmt: skip

NEXT: Final = {
    "client_closed": "nothing: the client wanted it",
    "network_lost": "compare the times of others: many at once point at a proxy or a provider",
    "shutdown": "a deploy or a stop of this node; the client reconnects elsewhere",
    "token_expired": "the client must give a fresh token: check its getToken callback and the clock that signs",
    "stale_greeting": "it never connected: a health check, a scanner, or an SDK that waits for a token",
    "no_pong": "compare with others of its network; a profile with more misses is more patient",
    "slow_bytes": "see /debug/slow for those who are slow now",
    "slow_age": "see /debug/slow for those who are slow now",
    "slow_kernel": "its network is gone: the client reconnects and recovers",
    "protocol_error": "the client broke the protocol: look at its SDK and version",
    "bad_frame": "no SDK sends that: look at what speaks there, and at proxies in between",
    "message_too_big": "the client sends more than websocket.message_size_limit in one message",
    "frame_too_big": "no SDK sends that: look at what speaks there",
    "too_many_fragments": "no SDK sends that: look at what speaks there",
    "control_flood": "a client that floods Ping frames: look at what speaks there, and at its address",
    "refused_by_hook": "your own backend refused it: look into its log at that time",
    "connection_rate": "more came at once than client.connection_rate_limit lets in: it comes back with back-off",
    "waiting_room_full": "the node was full: add nodes, or raise client.connection_limit",
    "address_limit": "too many connections of one address: an office behind one router, or an attack",
    "address_rate": "one address came too often: an office behind one router, or an attack",
    "too_many_commands": "the client sends more commands than client.command_rate or a message's limit allows",
    "bad_utf8": "no SDK sends that: look at what speaks there",
    "invalid_token": "check the secret, the algorithm and the issuer of its token",
    "no_credentials": "it came without a token, and anonymous clients are not let in",
    "forced_by_api": "a backend disconnected it: look at who called disconnect at that time",
    "connection_limit": "too many connections of one user, or too many at all",
    "channel_limit": "it wanted more channels than client.channel_limit",
    "insufficient_state": "its position was lost; it comes back and recovers what history still has",
    "internal_error": "look for internal.error in the log at that time",
    "unknown": "this should not be: keep the log and report it",
}


def _closed(case: Case) -> Finding | None:
    """The row of the close cause: what the code itself says."""
    if not case.story:
        return None
    code, cause = int(case.story.get("code", 0)), case.cause or "unknown"
    known = closing.CLOSINGS.get(code)
    by = case.story.get("initiator", "")
    said = [f"closed with {code} by the {by}" if by else f"closed with {code}"]
    if reason := case.story.get("reason", ""):
        said.append(str(reason))
    if case.cause == "token_expired" and case.story.get("lifetime"):
        said.append(f"it lived {case.story['lifetime']:.0f} s")
    title = known.when.split(". ")[0].split("; ")[0] if known is not None and known.when else cause.replace("_", " ")
    weight = _POSSIBLE if cause in _PALE else _SURE - 1
    step = NEXT.get(cause, "docs/reference/close-codes.md says what the code means")
    return Finding(cause, title.rstrip("."), weight, tuple(said), step)


_PALE: Final = frozenset(("network_lost", "no_pong", "slow_bytes", "slow_age", "slow_kernel", "unknown"))
