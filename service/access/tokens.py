"""JSON web tokens: who the bearer is, until when, and what it may enter.

Claims are read strictly by type, and time is an argument. Neither a secret nor a token ever stands in an exception.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Raw

from observability.observers.access import AccessObserver, SilentAccessObserver
from service.access.key_sets import Fetch, KeySets
from service.access.naming import Names
from service.access.public_keys import PublicKey
from service.access.refusals import BadInfo, InvalidToken, TokenExpired
from service.access.signatures import Signatures, checked_with, opened
from service.access.token_settings import TokenSettings
from service.broker.contract import Soon, then
from service.protocol.messages import EMPTY
from service.protocol.payload import is_json


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
    value: bool | None = False


class _Override(msgspec.Struct):
    presence: _Flag | None = None
    join_leave: _Flag | None = None
    force_push_join_leave: _Flag | None = None
    force_recovery: _Flag | None = None
    force_positioning: _Flag | None = None


class ChannelWords(msgspec.Struct):
    """What a token, or the answer of a hook, says about one channel. ``null`` is as if it were not there."""

    info: Raw = EMPTY
    b64info: str | None = None
    data: Raw = EMPTY
    b64data: str | None = None
    override: _Override | None = None


class _Registered(ChannelWords):
    """Claims of both kinds; wrong types are refused by the decoder, ``null`` is an absent claim."""

    sub: str | None = None
    exp: float | None = None
    nbf: float | None = None
    iat: float | None = None
    jti: str | None = None
    aud: str | list[str] | None = None
    iss: str | None = None
    expire_at: int | None = None
    channel: str | None = None


class _Connection(_Registered):
    channels: list[str | None] | None = None
    subs: dict[str, ChannelWords | None] | None = None
    meta: Raw = EMPTY


class _Subscription(_Registered):
    client: str | None = None


R = TypeVar("R", bound=_Registered)
_CONNECTION = msgspec.json.Decoder(_Connection)
_SUBSCRIPTION = msgspec.json.Decoder(_Subscription)


class _Verifier:
    """Checks signature, audience, issuer and times."""

    __slots__ = ("_key_sets", "_named", "_settings", "_signatures")

    def __init__(self, settings: TokenSettings, fetch: Fetch | None, observe: AccessObserver) -> None:
        assert fetch is not None or not settings.jwks_public_endpoint, "a key set needs somebody to fetch it"
        self._settings = settings
        self._key_sets: KeySets | None = None
        if fetch is not None and settings.jwks_public_endpoint:
            self._key_sets = KeySets(
                fetch, ttl=settings.jwks_ttl, stale_limit=settings.jwks_stale_limit, told=observe.keys_fetched
            )
        self._signatures = Signatures(settings)
        self._named = Names(settings)

    def read(self, token: str, wall: float, decoder: "msgspec.json.Decoder[R]") -> Soon[tuple[R, str]]:
        """Claims and user id of a token that counts; at once, unless its key has to be fetched first."""
        if self._key_sets is None:
            payload = self._signatures.payload(token, wall)
            claims = _decode(decoder, payload)
            self._named.check(claims.aud or "", claims.iss or "")
            return self._in_time(claims, payload, wall)
        return self._by_key_set(self._key_sets, token, wall, decoder)

    def _by_key_set(
        self, key_sets: KeySets, token: str, wall: float, decoder: "msgspec.json.Decoder[R]"
    ) -> Soon[tuple[R, str]]:
        """Audience and issuer may say which set it is: they are looked at before the signature, and bounded."""
        shown = opened(token)
        claims = _decode(decoder, shown.payload)
        endpoint = self._named.endpoint(self._named.check(claims.aud or "", claims.iss or ""))

        def signed(key: PublicKey) -> tuple[R, str]:
            return self._in_time(claims, checked_with(token, key, shown.algorithm), wall)

        return then(key_sets.key(endpoint, shown.kid), signed)

    def _in_time(self, claims: R, payload: bytes, wall: float) -> tuple[R, str]:
        if claims.channel and isinstance(claims, _Connection):
            raise InvalidToken("a subscription token", "kind")
        if claims.exp is not None and claims.exp <= wall:
            raise TokenExpired("exp is past", "expired")
        if claims.nbf is not None and claims.nbf > wall:
            raise TokenExpired("nbf is to come", "not_yet")
        return claims, self._user(claims, payload)

    def _user(self, claims: _Registered, payload: bytes) -> str:
        name = self._settings.user_id_claim
        if not name:
            return claims.sub or ""
        user = msgspec.json.decode(payload, type=dict[str, object]).get(name)
        if isinstance(user, int) and not isinstance(user, bool):
            return str(user)  # issuers write their own claim as their database has it; Centrifugo takes it, too
        if user is not None and not isinstance(user, str):
            raise InvalidToken("the user id is neither a string nor a whole number")
        return user or ""


class Tokens:
    """Checks tokens of both kinds; ``wall`` is the time in Unix seconds."""

    __slots__ = ("_for_connections", "_for_subscriptions", "observe")

    def __init__(
        self,
        connection: TokenSettings,
        subscription: TokenSettings | None = None,
        fetch: Fetch | None = None,
        observe: AccessObserver | None = None,
    ) -> None:
        """Read the keys.

        Args:
            connection: keys of connection tokens.
            subscription: of subscription tokens where they have their own (client.subscription_token).
            fetch: gets key sets, where one is configured.
            observe: hears of key sets; who asks here tells it of refusals.

        Raises:
            Unusable: a public key is none.

        """
        self.observe = observe or SilentAccessObserver()
        self._for_connections = _Verifier(connection, fetch, self.observe)
        self._for_subscriptions = (
            self._for_connections if subscription is None else _Verifier(subscription, fetch, self.observe)
        )

    def connection(self, token: str, wall: float) -> Soon[ConnectionClaims]:
        """The claims of a connection token.

        Raises:
            TokenRefused: one of its kinds.
            KeysUnavailable: nobody can say for now.

        """
        return then(self._for_connections.read(token, wall, _CONNECTION), _connection_claims)

    def subscription(self, token: str, wall: float) -> Soon[SubscriptionClaims]:
        """The claims of a subscription token.

        Raises:
            TokenRefused: one of its kinds.
            KeysUnavailable: nobody can say for now.

        """
        return then(self._for_subscriptions.read(token, wall, _SUBSCRIPTION), _subscription_claims)


def _connection_claims(read: tuple[_Connection, str]) -> ConnectionClaims:
    claims, user = read
    try:
        subs = {channel: granted(about or ChannelWords()) for channel, about in (claims.subs or {}).items()}
    except BadInfo as failure:  # Centrifugo: only the connection's own info is an internal error
        raise InvalidToken(str(failure), "info") from None
    return ConnectionClaims(
        user=user,
        expire_at=_expire_at(claims),
        info=payload_of(claims.b64info, claims.info),
        subs=subs or {channel or "": Granted() for channel in claims.channels or ()},
        meta=_kept(claims.meta),
    )


def _subscription_claims(read: tuple[_Subscription, str]) -> SubscriptionClaims:
    claims, user = read
    if not claims.channel:
        raise InvalidToken("no channel claim", "kind")
    return SubscriptionClaims(
        user=user,
        channel=claims.channel,
        client=claims.client or "",
        expire_at=_expire_at(claims),
        granted=granted(claims),
    )


def _decode(decoder: "msgspec.json.Decoder[R]", payload: bytes) -> R:
    try:
        payload.decode()  # raw values would let bad UTF-8 through, and one day close somebody's connection
        return decoder.decode(payload)
    except msgspec.ValidationError as wrong:  # names the claim and the types, never the value
        raise InvalidToken(f"a claim is of the wrong type: {wrong}") from None
    except (UnicodeDecodeError, msgspec.DecodeError):
        raise InvalidToken("the claims are not a JSON object") from None


def _expire_at(claims: _Registered) -> int:
    """When the connection or subscription ends: ``expire_at`` goes before ``exp`` and may say never."""
    if claims.expire_at is not None:
        return max(0, claims.expire_at)
    return 0 if claims.exp is None else int(claims.exp)


def granted(about: ChannelWords) -> Granted:
    """What was said, as rules take it.

    Raises:
        BadInfo: a base64 field is not what it should be.

    """
    override = about.override or _Override()
    return Granted(
        info=payload_of(about.b64info, about.info),
        data=payload_of(about.b64data, about.data),
        presence=_value(override.presence),
        join_leave=_value(override.join_leave),
        force_push_join_leave=_value(override.force_push_join_leave),
        force_recovery=_value(override.force_recovery),
        force_positioning=_value(override.force_positioning),
    )


def _value(flag: _Flag | None) -> bool | None:
    return None if flag is None else bool(flag.value)


def payload_of(b64: str | None, plain: Raw) -> Raw:
    """The payload given as base64, else the plain one.

    Raises:
        BadInfo: it is not the base64 form of JSON.

    """
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
