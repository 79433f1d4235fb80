"""Why a token does not count: for the program by class and ``reason``, for metrics by ``cause``, for the log in words.

No token, secret or claim of a user's stands in any of them.
"""

from typing import ClassVar, Final, Literal

Reason = Literal["expired", "invalid", "bad_info"]

CAUSES: Final = (
    "form",  # three parts of base64url, a header that is an object
    "algorithm",  # unknown, switched off, or not that of the key
    "signature",
    "no_key",  # nothing is configured that could check it
    "unknown_key",  # its kid is in no key set
    "audience",
    "issuer",
    "claims",  # of wrong types
    "kind",  # a subscription token where one for connections is wanted, or the other way round
    "info",  # b64info or b64data is not the base64 form of JSON
    "expired",
    "not_yet",  # nbf is to come
    "keys_unavailable",  # the key set cannot be had for now: no fault of the token
)
"""The closed list of ``cause``."""


class TokenRefused(Exception):  # noqa: N818 - says what happened
    """A token that does not count."""

    reason: ClassVar[Reason] = "invalid"

    def __init__(self, says: str, cause: str = "claims") -> None:
        assert cause in CAUSES, f"{cause} is not a cause of CAUSES"
        super().__init__(says)
        self.cause = cause


class TokenExpired(TokenRefused):
    """``exp`` is past or ``nbf`` is to come."""

    reason = "expired"


class InvalidToken(TokenRefused):
    """Bad form, signature, algorithm, audience, issuer or claims."""


class BadInfo(TokenRefused):
    """``b64info`` or ``b64data`` is not the base64 form of JSON."""

    reason = "bad_info"

    def __init__(self, says: str) -> None:
        super().__init__(says, "info")


class KeysUnavailable(Exception):  # noqa: N818 - says what is the matter
    """Nobody can say whether the token counts: its key set cannot be had for now. Trying again later may help."""

    cause: ClassVar[str] = "keys_unavailable"
