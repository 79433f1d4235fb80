"""Tokens: whatever a stranger sends as one, and whatever an issuer may have signed."""

import base64
import hashlib
import hmac
import json

import jwt

from service.access.public_keys import Unusable, key_set
from service.access.refusals import CAUSES, TokenRefused
from service.access.token_settings import TokenSettings
from service.access.tokens import Tokens
from service.protocol.payload import is_json
from tests.fuzz.dice import Dice

SECRET = "the secret of the fuzzer is sixty-four characters or more, as SHA-512 wants"
OTHER, NOW = "another secret of many a character", 1.7e9
ALGORITHMS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
CLAIMS = (
    b"sub exp nbf iat jti aud iss expire_at channel channels subs info b64info data b64data override presence value "
    b"join_leave force_recovery meta client caps x Sub"
).split()
VALUES = (
    rb'"ann" "" "news" "bmV3cw==" "e30=" "/w==" "!" 1 0 -1 1.5 1699999999 1700000001 1e300 99999999999999999999 true false'
    rb' null {} [] ["news"] ["a","a"] {"news":{}} {"news":{"info":{"a":1}}} {"value":true} "\u0041" "\ud83d" 1E5'
).split()
HEADER_KEYS = b"alg typ kid jku jwk crit b64 x5c enc zip".split()
HEADER_VALUES = (
    rb'"HS256" "HS384" "HS512" "none" "RS256" "ES256" "EdDSA" "JWT" "" null 1 true ["b64"] ["exp"] {} "k"'.split()
)
KEY_KEYS = b"keys kty kid use alg n e x y crv k d".split()
KEY_VALUES = (
    rb'"RSA" "EC" "OKP" "oct" "sig" "enc" "RS256" "ES256" "P-256" "Ed25519" "AQAB" "AAAA" "k" 1 null [{}] [] {}'.split()
)
TOKENS = Tokens(TokenSettings(hmac_secret_key=SECRET, audience="", issuer=""))


def tokens(data: bytes) -> None:
    """A token counts only when somebody with the secret signed just these bytes, and says what its claims say."""
    if not data:
        return
    dice = Dice(data[1:])
    shape = (_whatever, _claims, _header, _changed, _keys)[data[0] % 5]
    shape(dice)


def _whatever(dice: Dice) -> None:
    """Nobody guesses a signature."""
    assert not _read(dice.rest().decode("latin-1")), "a token out of nothing counts"


def _claims(dice: Dice) -> None:
    payload = dice.rest() if dice.chance(4) else dice.object(CLAIMS, VALUES)
    name = dice.pick(tuple(ALGORITHMS))
    for claims in _read(_signed(b'{"alg":"%s"}' % name.encode(), payload, SECRET, name)):
        _means(claims, json.loads(payload))
    assert not _read(_signed(b'{"alg":"%s"}' % name.encode(), payload, OTHER, name)), "signed with another secret"


def _header(dice: Dice) -> None:
    """A header counts only where PyJWT, asked by itself, takes it."""
    header = dice.rest() if dice.chance(4) else dice.object(HEADER_KEYS, HEADER_VALUES, 4)
    name = dice.pick(tuple(ALGORITHMS))
    token = _signed(header, b'{"sub":"ann"}', SECRET, name)
    assert bool(_read(token)) == _library_takes(token), "PyJWT says otherwise"


def _changed(dice: Dice) -> None:
    token = _signed(b'{"alg":"HS256"}', b'{"sub":"ann","exp":1700000001}', SECRET, "HS256")
    letters = list(token)
    for _ in range(dice.throw() % 3 + 1):
        letters[dice.throw() % len(letters)] = chr(dice.throw())
    changed = "".join(letters)
    assert bool(_read(changed)) == (changed == token), "it was changed"


def _keys(dice: Dice) -> None:
    """The body of a key set."""
    body = dice.rest() if dice.chance(2) else b'{"keys":[%s]}' % dice.object(KEY_KEYS, KEY_VALUES)
    try:
        found = key_set(body)
    except Unusable:
        return
    assert found
    assert all(isinstance(kid, str) and kid and key.algorithms for kid, key in found.items())
    assert not any(name.startswith("HS") for key in found.values() for name in key.algorithms), "a public secret"


def _read(token):
    """What it says as a token of either kind; a refusal has a cause and shows nothing."""
    said = []
    for read in (TOKENS.connection, TOKENS.subscription):
        try:
            said.append(read(token, NOW))
        except TokenRefused as refusal:
            assert refusal.cause in CAUSES
            assert SECRET not in str(refusal)
            assert len(token) < 8 or token not in str(refusal)
    return said


def _means(claims, plain) -> None:
    assert claims.user == ("" if plain.get("sub") is None else plain["sub"]), "somebody else"  # null is absent
    assert plain.get("exp") is None or plain["exp"] > NOW, "expired"
    assert plain.get("nbf") is None or plain["nbf"] <= NOW, "not yet"
    infos = (
        [claims.info, claims.meta, *(each for g in claims.subs.values() for each in (g.info, g.data))]
        if hasattr(claims, "subs")
        else [claims.granted.info, claims.granted.data]
    )
    assert all(not bytes(info) or is_json(bytes(info)) for info in infos), "would close who reads it"
    if hasattr(claims, "subs"):
        named = {name or "" for name in plain.get("subs") or plain.get("channels") or ()}
        assert set(claims.subs) == named, "other channels"
    else:
        assert claims.channel == plain["channel"], "another channel"


def _library_takes(token: str) -> bool:
    options = {"verify_exp": False, "verify_aud": False}
    try:
        jwt.decode(token, SECRET, algorithms=list(ALGORITHMS), options=options)
    except (jwt.PyJWTError, UnicodeError):
        return False
    return True


def _signed(header: bytes, payload: bytes, secret: str, name: str) -> str:
    said = f"{_b64(header)}.{_b64(payload)}"
    return f"{said}.{_b64(hmac.new(secret.encode(), said.encode(), ALGORITHMS[name]).digest())}"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
