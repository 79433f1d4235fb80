"""Public keys, from PEM text or from a key set, and the algorithms that each may be used with.

The key says which algorithms count, never the token: a public key is no secret, and must never serve as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

LEAST_RSA_BITS: Final = 2048  # RFC 7518, 3.3
MOST_KEYS: Final = 100  # of one set
_RSA: Final = ("RS256", "RS384", "RS512")
_CURVES: Final[tuple[tuple[type[EllipticCurve], str], ...]] = (
    (SECP256R1, "ES256"),
    (SECP384R1, "ES384"),
    (SECP521R1, "ES512"),
)
_MAKERS: Final[Mapping[str, Any]] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}


class Unusable(ValueError):  # noqa: N818 - says what is the matter
    """No key that we can check a token with; the text says why and shows nothing of it."""


@dataclass(frozen=True, slots=True, repr=False)
class PublicKey:
    """A key and the names of the algorithms that it may be used with."""

    key: Any
    algorithms: tuple[str, ...]


def from_pem(text: str, kind: str) -> PublicKey:
    """The public key, or that of the certificate, in this PEM text.

    Args:
        text: of the file.
        kind: ``RSA`` or ``ECDSA``.

    Raises:
        Unusable: it is none of that kind.

    """
    try:
        pem = text.encode()
        certificate = b"-----BEGIN CERTIFICATE" in pem
        key = load_pem_x509_certificate(pem).public_key() if certificate else load_pem_public_key(pem)
    except Exception:  # noqa: BLE001 - the library has many ways to say no
        raise Unusable(f"is no {kind} public key in PEM form") from None
    wanted = RSAPublicKey if kind == "RSA" else EllipticCurvePublicKey
    if not isinstance(key, wanted):
        raise Unusable(f"is a public key, but not of {kind}")
    return PublicKey(key, _algorithms(key))


def key_set(body: bytes) -> dict[str, PublicKey]:
    """The keys of a JSON Web Key Set (RFC 7517) by their ``kid``; those that cannot sign tokens here are left out.

    Raises:
        Unusable: it is no key set, or none of its keys is of use.

    """
    try:
        listed = msgspec.json.decode(body, type=dict[str, Any]).get("keys")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unusable("the answer is not a JSON object") from None
    if not isinstance(listed, list):
        raise Unusable("the answer has no list of keys")
    if len(listed) > MOST_KEYS:
        raise Unusable(f"the answer lists more than {MOST_KEYS} keys")
    found = {each["kid"]: key for each in listed if (key := _of_set(each)) is not None}
    if not found:
        raise Unusable("no key of the answer can check a signature and has a kid")
    return found


def _of_set(listed: object) -> PublicKey | None:
    """None for what has no kid, is not for signatures, or is no public key: a shared secret (``oct``) above all."""
    if not isinstance(listed, dict) or not isinstance(listed.get("kid"), str) or not listed["kid"]:
        return None
    if listed.get("use", "sig") != "sig" or "d" in listed:
        return None
    maker = _MAKERS.get(str(listed.get("kty")))
    if maker is None:
        return None
    try:
        key = maker.from_jwk(listed)
        algorithms = _algorithms(key)
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    named = listed.get("alg")
    if named is None:
        return PublicKey(key, algorithms)
    return PublicKey(key, (named,)) if named in algorithms else None


def _algorithms(key: object) -> tuple[str, ...]:
    if isinstance(key, RSAPublicKey):
        if key.key_size < LEAST_RSA_BITS:
            raise Unusable(f"is an RSA key of {key.key_size} bits; at least {LEAST_RSA_BITS} are needed")
        return _RSA
    if isinstance(key, EllipticCurvePublicKey):
        for curve, name in _CURVES:
            if isinstance(key.curve, curve):
                return (name,)
        raise Unusable("is of a curve other than P-256, P-384 and P-521")
    if isinstance(key, Ed25519PublicKey):
        return ("EdDSA",)
    raise Unusable("is of an unknown kind")
