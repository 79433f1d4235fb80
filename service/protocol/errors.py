"""Errors of replies: one row a code. The table of the documentation is made from these rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from service.protocol.messages import Error


@dataclass(frozen=True, slots=True)
class ReplyError:
    """A numbered error. ``temporary`` asks the client to try again by itself; the rest is for people."""

    code: int
    message: str
    temporary: bool = False
    meaning: str = ""
    client_action: str = ""

    def to_wire(self) -> Error:
        """The message that a reply carries."""
        return Error(self.code, self.message, self.temporary)


class ClientMistake(Exception):  # noqa: N818 - says whose fault it is
    """The client asked for something that it cannot have; the reply says so and the connection lives on."""

    def __init__(self, error: ReplyError) -> None:
        super().__init__(f"{error.code} {error.message}")
        self.error = error


_RETRY = "retries with back-off"
_GIVE_UP = "ends the connection (connect) or the subscription (subscribe); any other call fails with this error"

INTERNAL = ReplyError(
    100, "internal server error", True, "A fault of ours, or a dependency that does not answer in time.", _RETRY
)
UNAUTHORIZED = ReplyError(
    101, "unauthorized", False, "The credentials are not accepted, a hook of the backend says.", _GIVE_UP
)
UNKNOWN_CHANNEL = ReplyError(
    102, "unknown channel", False, "The channel's namespace stands in no configuration.", _GIVE_UP
)
PERMISSION_DENIED = ReplyError(
    103, "permission denied", False, "The namespace's options or the token do not allow it.", _GIVE_UP
)
METHOD_NOT_FOUND = ReplyError(104, "method not found", False, "Nobody answers this RPC method.", _GIVE_UP)
ALREADY_SUBSCRIBED = ReplyError(
    105, "already subscribed", False, "The connection is subscribed to this channel.", _GIVE_UP
)
LIMIT_EXCEEDED = ReplyError(
    106, "limit exceeded", False, "More channels than one connection may have (client.channel_limit).", _GIVE_UP
)
BAD_REQUEST = ReplyError(
    107, "bad request", False, "A field is missing or does not fit, or the channel's name breaks a rule.", _GIVE_UP
)
NOT_AVAILABLE = ReplyError(108, "not available", False, "The feature is off for this channel or server.", _GIVE_UP)
TOKEN_EXPIRED = ReplyError(
    109,
    "token expired",
    False,
    "The token's exp has passed or its nbf has not come.",
    "fetches a new token and retries",
)
EXPIRED = ReplyError(110, "expired", False, "The token is valid, but its expire_at has passed.", _GIVE_UP)
TOO_MANY_REQUESTS = ReplyError(
    111,
    "too many requests",
    True,
    "The server is overloaded, or the client sends more than client.command_rate.",
    _RETRY,
)
UNRECOVERABLE_POSITION = ReplyError(
    112,
    "unrecoverable position",
    False,
    "The stream does not reach back to the position asked for, or its epoch is another one.",
    _GIVE_UP,
)
CONCURRENT_PAGINATION = ReplyError(
    113, "concurrent pagination", True, "Only for map subscriptions, which do not exist here.", _RETRY
)

ERRORS: Mapping[int, ReplyError] = MappingProxyType(
    {
        error.code: error
        for error in (
            INTERNAL,
            UNAUTHORIZED,
            UNKNOWN_CHANNEL,
            PERMISSION_DENIED,
            METHOD_NOT_FOUND,
            ALREADY_SUBSCRIBED,
            LIMIT_EXCEEDED,
            BAD_REQUEST,
            NOT_AVAILABLE,
            TOKEN_EXPIRED,
            EXPIRED,
            TOO_MANY_REQUESTS,
            UNRECOVERABLE_POSITION,
            CONCURRENT_PAGINATION,
        )
    }
)
