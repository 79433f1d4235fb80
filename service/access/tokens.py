"""JSON web tokens signed with HS256, HS384 or HS512: who the bearer is, until when, and what it may enter.

PyJWT checks form and signature; claims are read strictly by type, and time is an argument. Neither a secret nor a token
ever stands in an exception.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, TypeVar

import jwt
import msgspec
from jwt.algorithms import HMACAlgorithm
from jwt.api_jws import PyJWS
from msgspec import Raw

from service.protocol.messages import EMPTY
from service.protocol.payload import is_json

R = TypeVar("R")
Reason = Literal["expired", "invalid", "bad_info"]

_ALGORITHMS: Final = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")  # RFC 7515: no padding, no spaces


class TokenRefused(Exception):  # noqa: N818 - says what happened
    """A token that does not count. ``reason`` is for the program, the text for our log."""

    reason: ClassVar[Reason] = "invalid"


class TokenExpired(TokenRefused):
    """``exp`` is past or ``nbf`` is to come."""

    reason = "expired"


class InvalidToken(TokenRefused):
    """Bad form, signature, algorithm, audience, issuer or claims."""

    reason = "invalid"


class BadInfo(TokenRefused):
    """``b64info`` or ``b64data`` is not the base64 form of JSON."""

    reason = "bad_info"


@dataclass(frozen=True, slots=True, repr=False)
class TokenSettings:
    """Secrets and what a token must say. Names are Centrifugo's (``client.token.…``)."""

    hmac_secret_key: str = ""  # empty: no token is valid
    hmac_previous_secret_key: str = ""
    hmac_previous_secret_key_valid_until: float = 0  # Unix seconds; 0: for as long as it is configured
    audience: str = ""
    issuer: str = ""
    user_id_claim: str = ""  # the claim that names the user; empty: sub


class Granted(msgspec.Struct, frozen=True, gc=False):
    """What a token says about one channel. None: as the namespace says."""

    info: Raw = EMPTY
    data: Raw = EMPTY
    presence: bool | None = None
    join_leave: bool | None = None
    force_push_join_leave: bool | None = None
    force_recovery: bool | None = None
    force_positioning: bool | None = None


class ConnectionClaims(msgspec.Struct, frozen=True, gc=False):
    """What a connection token says. ``expire_at`` in Unix seconds, 0 for never; ``subs`` are server-side channels."""

    user: str
    expire_at: int = 0
    info: Raw = EMPTY
    subs: Mapping[str, Granted] = {}
    meta: Raw = EMPTY


class SubscriptionClaims(msgspec.Struct, frozen=True, gc=False):
    """What a subscription token says. ``client`` is empty unless the token is for one client id only."""

    user: str
    channel: str
    client: str = ""
    expire_at: int = 0
    granted: Granted = Granted()


class _Flag(msgspec.Struct):
    value: bool


class _Override(msgspec.Struct):
    presence: _Flag | None = None
    join_leave: _Flag | None = None
    force_push_join_leave: _Flag | None = None
    force_recovery: _Flag | None = None
    force_positioning: _Flag | None = None


class _Channel(msgspec.Struct):
    info: Raw = EMPTY
    b64info: str = ""
    data: Raw = EMPTY
    b64data: str = ""
    override: _Override | None = None


class _Registered(_Channel):
    """Claims of both kinds; wrong types are refused by the decoder."""

    sub: str = ""
    exp: float | None = None
    nbf: float | None = None
    iat: float | None = None
    jti: str = ""
    aud: str | list[str] = ""
    iss: str = ""
    expire_at: int | None = None
    channel: str = ""


class _Connection(_Registered):
    channels: list[str] = msgspec.field(default_factory=list)
    subs: dict[str, _Channel] = msgspec.field(default_factory=dict)
    meta: Raw = EMPTY


class _Subscription(_Registered):
    client: str = ""


class _Prepared(HMACAlgorithm):
    """HMAC with a key that is not examined again with each token, which would take half of the time."""

    def prepare_key(self, key: str | bytes) -> bytes:
        assert isinstance(key, bytes), "the key is prepared"
        return key

    def check_key_length(self, key: bytes) -> str | None:
        del key
        return None


class _Verifier:
    """Checks form, signature, audience, issuer and times."""

    __slots__ = ("_connection", "_jws", "_key", "_previous", "_settings", "_subscription")

    def __init__(self, settings: TokenSettings) -> None:
        self._settings = settings
        self._jws = PyJWS(algorithms=[])
        for name, algorithm in _ALGORITHMS.items():
            self._jws.register_algorithm(name, _Prepared(algorithm))
        self._key = settings.hmac_secret_key.encode()
        self._previous = settings.hmac_previous_secret_key.encode()
        self._connection = msgspec.json.Decoder(_Connection)
        self._subscription = msgspec.json.Decoder(_Subscription)

    def connection(self, token: str, wall: float) -> tuple[_Connection, str]:
        payload = self._payload(token, wall)
        claims = _decode(self._connection, payload)
        self._check(claims, wall)
        return claims, self._user(claims, payload)

    def subscription(self, token: str, wall: float) -> tuple[_Subscription, str]:
        payload = self._payload(token, wall)
        claims = _decode(self._subscription, payload)
        self._check(claims, wall)
        return claims, self._user(claims, payload)

    def _payload(self, token: str, wall: float) -> bytes:
        if _COMPACT.fullmatch(token) is None:
            raise InvalidToken("not in compact form")
        try:
            return self._verified(token, self._key)
        except jwt.InvalidSignatureError:
            if not self._previous_counts(wall):
                raise InvalidToken("wrong signature") from None
        try:
            return self._verified(token, self._previous)
        except jwt.InvalidSignatureError:
            raise InvalidToken("wrong signature") from None

    def _verified(self, token: str, key: bytes) -> bytes:
        if not key:
            raise InvalidToken("no secret is configured")
        try:
            payload: bytes = self._jws.decode_complete(token, key, algorithms=list(_ALGORITHMS))["payload"]
        except jwt.InvalidSignatureError:
            raise
        except jwt.PyJWTError as failure:
            raise InvalidToken(type(failure).__name__) from None
        return payload

    def _previous_counts(self, wall: float) -> bool:
        until = self._settings.hmac_previous_secret_key_valid_until
        return bool(self._previous) and (until == 0 or wall <= until)

    def _check(self, claims: _Registered, wall: float) -> None:
        settings = self._settings
        audience = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if settings.audience and settings.audience not in audience:
            raise InvalidToken("wrong audience")
        if settings.issuer and claims.iss != settings.issuer:
            raise InvalidToken("wrong issuer")
        if claims.exp is not None and claims.exp <= wall:
            raise TokenExpired("exp is past")
        if claims.nbf is not None and claims.nbf > wall:
            raise TokenExpired("nbf is to come")

    def _user(self, claims: _Registered, payload: bytes) -> str:
        name = self._settings.user_id_claim
        if not name:
            return claims.sub
        user = msgspec.json.decode(payload, type=dict[str, object]).get(name, "")
        if not isinstance(user, str):
            raise InvalidToken("the user id is not a string")
        return user


class Tokens:
    """Checks tokens of both kinds; ``wall`` is the time in Unix seconds. One check takes some 25 microseconds."""

    __slots__ = ("_for_connections", "_for_subscriptions")

    def __init__(self, connection: TokenSettings, subscription: TokenSettings | None = None) -> None:
        """``subscription``: secrets of subscription tokens where they have their own (client.subscription_token)."""
        self._for_connections = _Verifier(connection)
        self._for_subscriptions = self._for_connections if subscription is None else _Verifier(subscription)

    def connection(self, token: str, wall: float) -> ConnectionClaims:
        """The claims of a connection token.

        Raises:
            TokenRefused: one of its kinds.

        """
        claims, user = self._for_connections.connection(token, wall)
        if claims.channel:
            raise InvalidToken("a subscription token")
        try:
            subs = {channel: _granted(about) for channel, about in claims.subs.items()}
        except BadInfo as failure:  # Centrifugo: only the connection's own info is an internal error
            raise InvalidToken(str(failure)) from None
        return ConnectionClaims(
            user=user,
            expire_at=_expire_at(claims),
            info=_either(claims.b64info, claims.info),
            subs=subs or dict.fromkeys(claims.channels, Granted()),
            meta=_kept(claims.meta),
        )

    def subscription(self, token: str, wall: float) -> SubscriptionClaims:
        """The claims of a subscription token.

        Raises:
            TokenRefused: one of its kinds.

        """
        claims, user = self._for_subscriptions.subscription(token, wall)
        if not claims.channel:
            raise InvalidToken("no channel claim")
        return SubscriptionClaims(
            user=user,
            channel=claims.channel,
            client=claims.client,
            expire_at=_expire_at(claims),
            granted=_granted(claims),
        )


def _decode(decoder: "msgspec.json.Decoder[R]", payload: bytes) -> R:
    try:
        payload.decode()  # raw values would let bad UTF-8 through, and one day close somebody's connection
        return decoder.decode(payload)
    except (UnicodeDecodeError, msgspec.DecodeError):
        raise InvalidToken("claims of wrong types") from None


def _expire_at(claims: _Registered) -> int:
    """When the connection or subscription ends: ``expire_at`` goes before ``exp`` and may say never."""
    if claims.expire_at is not None:
        return max(0, claims.expire_at)
    return 0 if claims.exp is None else int(claims.exp)


def _granted(about: _Channel) -> Granted:
    override = about.override or _Override()
    return Granted(
        info=_either(about.b64info, about.info),
        data=_either(about.b64data, about.data),
        presence=_value(override.presence),
        join_leave=_value(override.join_leave),
        force_push_join_leave=_value(override.force_push_join_leave),
        force_recovery=_value(override.force_recovery),
        force_positioning=_value(override.force_positioning),
    )


def _value(flag: _Flag | None) -> bool | None:
    return None if flag is None else flag.value


def _either(b64: str, plain: Raw) -> Raw:
    """The payload given as base64, else the plain one."""
    if not b64:
        return _kept(plain)
    try:
        decoded = base64.b64decode(b64, validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if not is_json(decoded):
        raise BadInfo("not the base64 form of JSON")
    return Raw(decoded)


def _kept(raw: Raw) -> Raw:
    """A copy that does not keep the whole token alive."""
    return raw.copy() if raw else EMPTY
