"""Why a connection or a subscription ends: one row a code. The table of the documentation is made from these rows.

SDKs read the code alone: below 3500, 4000-4499 and from 5000 on they come back, else they stay away. ``cause`` says
more than the code does (three kinds of slow share 3008); it is the label of metrics and logs, and its list is closed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from service.protocol import errors

CAUSES = (
    "client_closed",
    "network_lost",
    "shutdown",
    "token_expired",
    "stale_greeting",
    "no_pong",
    "slow_bytes",
    "slow_age",
    "slow_kernel",
    "memory_pressure",
    "protocol_error",
    "bad_frame",
    "message_too_big",
    "frame_too_big",
    "too_many_fragments",
    "control_flood",
    "bad_utf8",
    "invalid_token",
    "no_credentials",
    "forced_by_api",
    "refused_by_hook",
    "connection_limit",
    "connection_rate",
    "waiting_room_full",
    "address_limit",
    "address_rate",
    "channel_limit",
    "too_many_commands",
    "insufficient_state",
    "internal_error",
    "unknown",
)
EXPECTED = (  # somebody wanted it, or its code says all there is to say: no record of what came before is written
    "client_closed",
    "shutdown",
    "token_expired",
    "invalid_token",
    "no_credentials",
    "forced_by_api",
    "connection_limit",
    "connection_rate",
    "waiting_room_full",
    "address_limit",
    "address_rate",
    "channel_limit",
)
ABNORMAL = frozenset(CAUSES) - frozenset(EXPECTED)
"""Ends that nobody wanted: the flight recorder's events go to the log."""

_SDK_MESSAGE_TOO_BIG = 1009
_UNSAID = 3000  # the code that means: the connection ends without a word
LONGEST_REASON = 123  # bytes of a Close frame's reason (RFC 6455, 5.5)


def may_return(code: int) -> bool:
    """Whether SDKs reconnect after a close frame with ``code`` (the same rule in all six)."""
    return code != _SDK_MESSAGE_TOO_BIG and (code < 3500 or 4000 <= code < 4500 or code >= 5000)


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a connection: what the close frame says, and what we know beside it.

    ``client_action`` is what an SDK does then, ``when`` is for people.
    """

    code: int
    reason: str
    reconnect: bool
    cause: str
    client_action: str = ""
    when: str = ""
    instead: errors.ReplyError | None = field(default=None, compare=False)  # which error this stands for

    def because(self, cause: str) -> "Closing":
        """The same code with another cause out of ``CAUSES``."""
        assert cause in CAUSES, f"{cause} is not a cause of CAUSES"
        return replace(self, cause=cause)


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """The end of a subscription that the client did not ask for; sent as a push."""

    code: int
    reason: str
    resubscribe: bool = False
    client_action: str = ""
    when: str = ""


def _closing(code: int, reason: str, cause: str, when: str, client_action: str = "") -> Closing:
    back = may_return(code)
    usual = "reconnects with back-off, then recovers" if back else "stays disconnected"
    return Closing(code, reason, back, cause, client_action or usual, when)


def forced(code: int, reason: str) -> Closing:
    """A closing that a backend asked for by API with a code of its own."""
    return _closing(code, reason, "forced_by_api", "A backend disconnected this user by API.")


def by_hook(code: int, reason: str) -> Closing:
    """A closing that a backend answered a hook with; never without a reason: the JavaScript SDK obeys no code alone."""
    return _closing(code, reason or "refused", "refused_by_hook", "The backend refused in its answer to a hook.")


def is_silent(closing: Closing) -> bool:
    """Whether the client is told nothing at all: only a backend that names this code can want it."""
    return closing.code == _UNSAID


def fits_a_frame(closing: Closing) -> bool:
    """Whether a Close frame has room for the reason."""
    return len(closing.reason.encode()) <= LONGEST_REASON


# ------------------------------------------------- RFC 6455: what the WebSocket itself gives as a reason

NORMAL = _closing(1000, "", "client_closed", "The client closed; its own code is echoed.", "nothing, it wanted this")
PROTOCOL_ERROR = _closing(
    1002, "protocol error", "protocol_error", "A frame breaks RFC 6455: unmasked, reserved bits, wrong order, …"
)
BAD_UTF8 = _closing(1007, "invalid UTF-8", "bad_utf8", "A text message or a close reason is not UTF-8.")
MESSAGE_TOO_BIG = _closing(
    1009,
    "",
    "message_too_big",
    "A message is longer than websocket.message_size_limit, a frame than frame_size_limit, or its fragments too many.",
    "stays disconnected",
)

# ---------------------------------------------------------------- Centrifuge: the client may come back

CONNECTION_CLOSED = _closing(3000, "connection closed", "network_lost", "The peer is gone. No frame has this code.")
SHUTDOWN = _closing(3001, "shutdown", "shutdown", "This node stops.")
INTERNAL_ERROR = _closing(3004, "internal server error", "internal_error", "A fault of ours ended the connection.")
EXPIRED = _closing(
    3005,
    "connection expired",
    "token_expired",
    "The token's lifetime and the grace have passed, or a refresh came with an expired token.",
    "reconnects with a new token",
)
SUBSCRIPTION_EXPIRED = _closing(
    3006, "subscription expired", "token_expired", "A server-side subscription's lifetime and the grace have passed."
)
SLOW = _closing(
    3008,
    "slow",
    "slow_bytes",
    "The client reads slower than it is sent to. Its socket is dropped: the frame could not pass.",
)
SLOW_AGE = SLOW.because("slow_age")
SLOW_KERNEL = SLOW.because("slow_kernel")
WRITE_ERROR = _closing(
    3009, "write error", "network_lost", "Not used here: what a socket refuses is told as 3000 or 3008."
)
INSUFFICIENT_STATE = _closing(
    3010,
    "insufficient state",
    "insufficient_state",
    "The position in a server-side subscription is lost, or a refreshed token names other channels.",
)
FORCE_RECONNECT = _closing(
    3011, "force reconnect", "forced_by_api", "A backend asked the client to reconnect, by API or hook."
)
NO_PONG = _closing(3012, "no pong", "no_pong", "A ping was not answered in time.")
TOO_MANY_REQUESTS = _closing(3013, "too many requests", "connection_limit", "The node has no place; others may.")
STATE_INVALIDATED = _closing(
    3014,
    "state invalidated",
    "insufficient_state",
    "All the client knows is out of date, a backend says.",
    "drops its token and all positions, then reconnects",
)

# ------------------------------------------------------------------ Centrifuge: the client stays away

INVALID_TOKEN = _closing(3500, "invalid token", "invalid_token", "A token is malformed, forged, or for somebody else.")
BAD_REQUEST = _closing(
    3501, "bad request", "protocol_error", "A command out of order, malformed, or without what it needs."
)
BAD_FRAME = BAD_REQUEST.because("bad_frame")
NO_CREDENTIALS = BAD_REQUEST.because("no_credentials")
STALE = _closing(3502, "stale", "stale_greeting", "No successful connect within client.stale_close_delay.")
FORCE_DISCONNECT = _closing(3503, "force disconnect", "forced_by_api", "A backend disconnected this user by API.")
CONNECTION_LIMIT = _closing(
    3504,
    "connection limit",
    "connection_limit",
    "The user has client.user_connection_limit connections already, or a new one where only one may be.",
)
CHANNEL_LIMIT = _closing(
    3505, "channel limit", "channel_limit", "More server-side subscriptions than client.channel_limit."
)
INAPPROPRIATE_PROTOCOL = _closing(
    3506, "inappropriate protocol", "protocol_error", "A payload cannot be said in the connection's encoding."
)
PERMISSION_DENIED = _closing(3507, "permission denied", "no_credentials", "This user may not connect.")
NOT_AVAILABLE = _closing(3508, "not available", "protocol_error", "The server has not what was asked, such as send.")
TOO_MANY_ERRORS = _closing(
    3509,
    "too many errors",
    "too_many_commands",
    "Commands went on beyond client.command_rate, twice client.command_burst of them.",
)

CONTROL_FLOOD = TOO_MANY_ERRORS.because("control_flood")

CLOSINGS: Mapping[int, Closing] = MappingProxyType(
    {
        closing.code: closing
        for closing in (
            NORMAL,
            PROTOCOL_ERROR,
            BAD_UTF8,
            MESSAGE_TOO_BIG,
            CONNECTION_CLOSED,
            SHUTDOWN,
            INTERNAL_ERROR,
            EXPIRED,
            SUBSCRIPTION_EXPIRED,
            SLOW,
            WRITE_ERROR,
            INSUFFICIENT_STATE,
            FORCE_RECONNECT,
            NO_PONG,
            TOO_MANY_REQUESTS,
            STATE_INVALIDATED,
            INVALID_TOKEN,
            BAD_REQUEST,
            STALE,
            FORCE_DISCONNECT,
            CONNECTION_LIMIT,
            CHANNEL_LIMIT,
            INAPPROPRIATE_PROTOCOL,
            PERMISSION_DENIED,
            NOT_AVAILABLE,
            TOO_MANY_ERRORS,
        )
    }
)

_INSTEAD: Mapping[int, Closing] = MappingProxyType(
    {
        errors.PERMISSION_DENIED.code: PERMISSION_DENIED,
        errors.TOKEN_EXPIRED.code: EXPIRED,
        errors.EXPIRED.code: EXPIRED,
        errors.TOO_MANY_REQUESTS.code: TOO_MANY_REQUESTS,
    }
)


def instead_of(error: errors.ReplyError, otherwise: Mapping[int, tuple[int, str]] = MappingProxyType({})) -> Closing:
    """How a connection ends where an error cannot be told, on unidirectional transports; as in Centrifugo.

    Args:
        error: that cannot be told.
        otherwise: error code -> close code and reason, for those that a configuration wants to end in another way.

    """
    usual = _INSTEAD.get(error.code, INTERNAL_ERROR)
    if error.code not in otherwise:
        return replace(usual, instead=error)
    code, reason = otherwise[error.code]
    return replace(usual, code=code, reason=reason, reconnect=may_return(code), instead=error)


# ---------------------------------------------------------------------------- ends of subscriptions


def _unsubscribing(code: int, reason: str, when: str) -> Unsubscribing:
    again = code >= 2500
    action = "subscribes again at once, with its position" if again else "ends the subscription"
    return Unsubscribing(code, reason, again, action, when)


UNSUBSCRIBED_BY_SERVER = _unsubscribing(2000, "server unsubscribe", "A backend unsubscribed this user by API.")
POSITION_LOST = _unsubscribing(
    2500, "insufficient state", "The client's position in the channel cannot be kept: it must recover."
)
SUBSCRIPTION_ENDED = _unsubscribing(
    2501, "subscription expired", "The subscription token's lifetime and the grace have passed."
)
SUBSCRIPTION_INVALIDATED = _unsubscribing(2502, "state invalidated", "Not used here: only map subscriptions have it.")

UNSUBSCRIBINGS: Mapping[int, Unsubscribing] = MappingProxyType(
    {each.code: each for each in (UNSUBSCRIBED_BY_SERVER, POSITION_LOST, SUBSCRIPTION_ENDED, SUBSCRIPTION_INVALIDATED)}
)

_FROM_AFAR = {"client_closed": "client", "network_lost": "network", "slow_kernel": "network"}
USUAL_ENDS = tuple(
    (str(each.code), each.cause, _FROM_AFAR.get(each.cause, "server"))
    for each in (*CLOSINGS.values(), SLOW_AGE, SLOW_KERNEL, BAD_FRAME, NO_CREDENTIALS)
)
"""Code, cause and initiator of the ends that occur: counted from 0 on, so that the first one is seen as an increase."""
