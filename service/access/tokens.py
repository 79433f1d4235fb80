"""JSON web tokens: HS256, HS384, HS512. Who the bearer is, until when, and what it may enter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec


class TokenRefused(Exception):  # noqa: N818 - says what happened
    """A token that does not count; never shows a secret or the token."""

    reason: Literal["expired", "invalid", "bad_info"]


class TokenExpired(TokenRefused):
    """``exp`` is past or ``nbf`` is to come."""

    reason = "expired"


class InvalidToken(TokenRefused):
    """Bad signature, algorithm, audience, issuer or claims."""

    reason = "invalid"


class BadInfo(TokenRefused):
    """``b64info`` or ``b64data`` is not base64."""

    reason = "bad_info"


@dataclass(frozen=True, slots=True, repr=False)
class TokenSettings:
    """Secrets and what a token must say. Names are Centrifugo's (``client.token.…``)."""

    hmac_secret_key: str = ""
    hmac_previous_secret_key: str = ""
    hmac_previous_secret_key_valid_until: float = 0  # Unix seconds; 0: never
    audience: str = ""
    issuer: str = ""
    user_id_claim: str = ""  # instead of sub


class Granted(msgspec.Struct, frozen=True, gc=False):
    """Options of one channel in a token. None: as the namespace says."""

    info: msgspec.Raw = msgspec.Raw(b"")
    data: msgspec.Raw = msgspec.Raw(b"")
    presence: bool | None = None
    join_leave: bool | None = None
    force_push_join_leave: bool | None = None
    force_recovery: bool | None = None
    force_positioning: bool | None = None


class ConnectionClaims(msgspec.Struct, frozen=True, gc=False):
    """What a connection token says. ``expire_at`` in Unix seconds, 0 for never."""

    user: str
    expire_at: float
    info: msgspec.Raw
    channels: tuple[str, ...]
    subs: Mapping[str, Granted]
    meta: msgspec.Raw


class SubscriptionClaims(msgspec.Struct, frozen=True, gc=False):
    """What a subscription token says."""

    user: str
    channel: str
    client: str
    expire_at: float
    granted: Granted


class Tokens:
    """Checks tokens against one set of secrets; ``wall`` is the time in Unix seconds."""

    __slots__ = ()

    def __init__(self, settings: TokenSettings) -> None:
        raise NotImplementedError

    def connection(self, token: str, wall: float) -> ConnectionClaims:
        """The claims of a connection token.

        Raises:
            TokenRefused: one of its kinds.

        """
        raise NotImplementedError

    def subscription(self, token: str, wall: float) -> SubscriptionClaims:
        """The claims of a subscription token.

        Raises:
            TokenRefused: one of its kinds.

        """
        raise NotImplementedError
