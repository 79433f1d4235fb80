"""Tokens made by ourselves: for the quick start, the demo page and the command line. Backends make their own."""

import warnings
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.warnings import InsecureKeyLengthWarning

from service.access.token_settings import TokenSettings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the token shall say."""

    user: str
    channel: str = ""  # a subscription token for this channel; "": a connection token
    expire_at: float = 0.0  # Unix seconds; 0: never
    info: Any = None  # JSON that others see beside what the bearer does


def issue(settings: TokenSettings, wanted: Wanted) -> str:
    """A token that these settings accept, signed with HS256.

    Raises:
        ValueError: there is no secret to sign with.

    """
    if not settings.hmac_secret_key:
        raise ValueError("no secret is configured to sign tokens with")
    claims: dict[str, Any] = {settings.user_id_claim or "sub": wanted.user}
    if wanted.channel:
        claims["channel"] = wanted.channel
    if wanted.expire_at:
        claims["exp"] = int(wanted.expire_at)
    if wanted.info is not None:
        claims["info"] = wanted.info
    if settings.audience:
        claims["aud"] = settings.audience
    if settings.issuer:
        claims["iss"] = settings.issuer
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InsecureKeyLengthWarning)  # the configuration's reader has told it
        return jwt.encode(claims, settings.hmac_secret_key, algorithm="HS256")
