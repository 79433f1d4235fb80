"""The form and the signature of JSON web tokens: HMAC with a secret, RSA, ECDSA and EdDSA with a public key.

PyJWT decides. For HMAC, the everyday case, it takes some 60 microseconds, most of them for looking at each character:
so header segments that it has accepted are remembered, and a token with such a header is checked by a few lines of our
own, in some 4 microseconds. ``tests/service/access/test_signatures.py`` holds both to the same answers.
"""

import base64
import binascii
import hashlib
import hmac
import re
from typing import Any, Final, NamedTuple

import jwt
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.api_jws import PyJWS

from service.access.public_keys import PublicKey, from_pem
from service.access.refusals import InvalidToken
from service.access.token_settings import TokenSettings

_DIGESTS: Final = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_COMPACT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")  # RFC 7515: no padding, no spaces
_FOUR_FREE_BITS: Final = "AQgw"  # what a segment of 4n + 2 characters may end with, so that its unused bits are 0
_TWO_FREE_BITS: Final = "AEIMQUYcgkosw048"  # … of 4n + 3
_KNOWN_HEADERS: Final = 64  # issuers write one or two; only a valid token puts another one here


class Opened(NamedTuple):
    """What a token says of itself; nothing of it is proven."""

    algorithm: str
    kid: str
    payload: bytes


class _Prepared(HMACAlgorithm):
    """HMAC with a key that is not examined again with each token."""

    def prepare_key(self, key: str | bytes) -> bytes:
        assert isinstance(key, bytes), "the key is prepared"
        return key

    def check_key_length(self, key: bytes) -> str | None:
        del key
        return None


def _library() -> PyJWS:
    """PyJWT with just the algorithms that exist here; ``none`` is not among them."""
    jws = PyJWS(algorithms=[])
    hashes = (("256", hashlib.sha256), ("384", hashlib.sha384), ("512", hashlib.sha512))
    for bits, hash_ in hashes:
        jws.register_algorithm(f"HS{bits}", _Prepared(hash_))
        jws.register_algorithm(f"RS{bits}", RSAAlgorithm(getattr(RSAAlgorithm, f"SHA{bits}")))
        jws.register_algorithm(f"ES{bits}", ECAlgorithm(getattr(ECAlgorithm, f"SHA{bits}")))
    jws.register_algorithm("EdDSA", OKPAlgorithm())
    return jws


_JWS: Final = _library()


def opened(token: str) -> Opened:
    """Look into a token without believing it, to find the key that it must be checked with.

    Raises:
        InvalidToken: it has not the form of one.

    """
    if _COMPACT.fullmatch(token) is None:
        raise InvalidToken("not in compact form", "form")
    try:
        found = _JWS.decode_complete(token, options={"verify_signature": False})
    except jwt.PyJWTError as failure:
        raise InvalidToken(f"not in compact form: {type(failure).__name__}", "form") from None
    header: dict[str, Any] = found["header"]
    algorithm = header.get("alg")
    if not isinstance(algorithm, str):
        raise InvalidToken("the header names no algorithm", "algorithm")
    return Opened(algorithm, header.get("kid", ""), found["payload"])


def checked_with(token: str, key: PublicKey, algorithm: str) -> bytes:
    """The payload of a token that this key has signed with this algorithm.

    Raises:
        InvalidToken: it has not, or the key is not for this algorithm.

    """
    if algorithm not in key.algorithms:
        raise InvalidToken(f"the token's algorithm is not one of its key: {', '.join(key.algorithms)}", "algorithm")
    return _decoded(token, key.key, algorithm)


class Signatures:
    """Checks tokens with the configured secret and public keys."""

    __slots__ = ("_begun", "_known", "_previous", "_public", "_secret", "_until")

    def __init__(self, settings: TokenSettings) -> None:
        """Read the keys.

        Raises:
            Unusable: a public key is none.

        """
        self._secret = settings.hmac_secret_key.encode()
        self._begun: dict[str, hmac.HMAC] = {}  # by digest: the secret is worked in already
        self._previous = settings.hmac_previous_secret_key.encode()
        self._until = settings.hmac_previous_secret_key_valid_until
        self._known: dict[str, str] = {}  # header segment -> digest
        self._public: dict[str, PublicKey] = {}  # by algorithm
        for text, kind in ((settings.rsa_public_key, "RSA"), (settings.ecdsa_public_key, "ECDSA")):
            if text:
                key = from_pem(text, kind)
                self._public |= dict.fromkeys(key.algorithms, key)

    def payload(self, token: str, wall: float) -> bytes:
        """The payload of a token with a right signature; ``wall`` in Unix seconds.

        Raises:
            InvalidToken: bad form, algorithm or signature.

        """
        parts = _COMPACT.fullmatch(token)
        if parts is None:
            raise InvalidToken("not in compact form", "form")
        digest = self._known.get(parts[1])
        return self._by_library(token, parts[1], wall) if digest is None else self._lean(parts, digest, wall)

    def _lean(self, parts: re.Match[str], digest: str, wall: float) -> bytes:
        """HMAC under a header that PyJWT has accepted before. It takes canonical base64 only, and so do we."""
        signed = parts.string[: parts.end(2)].encode()
        signature = parts[3].encode()
        begun = self._begun[digest].copy()
        begun.update(signed)
        if not _matches(begun, signature) and not (
            self._previous_counts(wall) and _matches(hmac.new(self._previous, signed, digest), signature)
        ):
            raise InvalidToken("wrong signature", "signature")
        payload = parts[2]
        if not _canonical(payload):
            raise InvalidToken("not in compact form", "form")
        return base64.urlsafe_b64decode(payload + "==")

    def _by_library(self, token: str, header: str, wall: float) -> bytes:
        algorithm = opened(token).algorithm
        if algorithm not in _DIGESTS:
            key = self._public.get(algorithm)
            if key is None:
                raise InvalidToken("the token's algorithm is not switched on here", "algorithm")
            return _decoded(token, key.key, algorithm)
        payload = self._by_secret(token, algorithm, wall)
        if len(self._known) < _KNOWN_HEADERS:
            digest = self._known[header] = _DIGESTS[algorithm]
            self._begun.setdefault(digest, hmac.new(self._secret, digestmod=digest))
        return payload

    def _by_secret(self, token: str, algorithm: str, wall: float) -> bytes:
        if not self._secret:
            raise InvalidToken("no secret is configured", "no_key")
        try:
            return _decoded(token, self._secret, algorithm)
        except InvalidToken as refusal:
            if refusal.cause != "signature" or not self._previous_counts(wall):
                raise
        return _decoded(token, self._previous, algorithm)

    def _previous_counts(self, wall: float) -> bool:
        return bool(self._previous) and (self._until == 0 or wall <= self._until)


def _matches(mac: hmac.HMAC, signature: bytes) -> bool:
    right = binascii.b2a_base64(mac.digest(), newline=False)
    return hmac.compare_digest(right.translate(_TO_URL).rstrip(b"="), signature)


_TO_URL: Final = bytes.maketrans(b"+/", b"-_")


def _canonical(segment: str) -> bool:
    rest = len(segment) % 4
    if rest == 0:
        return True
    return rest != 1 and segment[-1] in (_FOUR_FREE_BITS if rest == 2 else _TWO_FREE_BITS)


def _decoded(token: str, key: Any, algorithm: str) -> bytes:
    try:
        payload: bytes = _JWS.decode_complete(token, key, algorithms=[algorithm])["payload"]
    except jwt.InvalidSignatureError:
        raise InvalidToken("wrong signature", "signature") from None
    except jwt.PyJWTError as failure:
        raise InvalidToken(f"refused: {type(failure).__name__}", "form") from None
    return payload
