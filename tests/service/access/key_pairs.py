"""Key pairs of each kind, made once a run, and tokens signed with them."""

import functools
import json

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

CURVES = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}


def private(alg, which=0):
    return _private(alg, which)


@functools.cache
def _private(alg, which):
    """A private key for an algorithm; ``which`` tells several apart."""
    if alg.startswith("RS"):
        return rsa.generate_private_key(65537, 2048)
    return ed25519.Ed25519PrivateKey.generate() if alg == "EdDSA" else ec.generate_private_key(CURVES[alg]())


def pem(alg, which=0):
    public = private(alg, which).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def token(alg, claims, which=0, **header):
    return jwt.encode(claims, private(alg, which), algorithm=alg, headers=header or None)


def jwk(kind, kid, which=0, **more):
    maker = OKPAlgorithm if kind == "EdDSA" else {"R": RSAAlgorithm, "E": ECAlgorithm}[kind[0]]
    return {**json.loads(maker.to_jwk(private(kind, which).public_key())), "kid": kid, "use": "sig", **more}


def body(*keys):
    return json.dumps({"keys": list(keys)}).encode()
