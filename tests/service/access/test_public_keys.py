"""Public keys: from PEM, from a key set, and what is refused there."""

import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from service.access.public_keys import Unusable, from_pem, key_set
from tests.service.access import key_pairs


def pem_of(private):
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("alg", "kind", "algorithms"),
    [
        ("RS256", "RSA", ("RS256", "RS384", "RS512")),
        ("ES256", "ECDSA", ("ES256",)),
        ("ES384", "ECDSA", ("ES384",)),
        ("ES512", "ECDSA", ("ES512",)),
    ],
)
def test_a_key_says_what_it_is_for(alg, kind, algorithms):
    assert from_pem(key_pairs.pem(alg), kind).algorithms == algorithms


def test_a_certificate_holds_a_key():
    key = key_pairs.private("RS256")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(day).not_valid_after(day + dt.timedelta(1))
    text = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()
    assert from_pem(text, "RSA").key.public_numbers() == key.public_key().public_numbers()


@pytest.mark.parametrize(
    ("text", "kind", "says"),
    [
        ("", "RSA", "is no RSA public key in PEM form"),
        ("secret", "ECDSA", "is no ECDSA public key in PEM form"),
        (key_pairs.pem("ES256"), "RSA", "is a public key, but not of RSA"),
        (key_pairs.pem("RS256"), "ECDSA", "is a public key, but not of ECDSA"),
        (pem_of(rsa.generate_private_key(65537, 1024)), "RSA", "is an RSA key of 1024 bits; at least 2048 are needed"),
        (pem_of(ec.generate_private_key(ec.SECP256K1())), "ECDSA", "is of a curve other than P-256, P-384 and P-521"),
        (pem_of(dsa.generate_private_key(2048)), "RSA", "is a public key, but not of RSA"),
    ],
)
def test_what_is_no_such_key_says_so(text, kind, says):
    with pytest.raises(Unusable) as refusal:
        from_pem(text, kind)
    assert str(refusal.value) == says
    assert refusal.value.__cause__ is None


# ---------------------------------------------------------------------------------- key sets


def test_a_set_gives_its_keys_by_kid():
    algs = ("RS256", "ES256", "ES384", "ES512", "EdDSA")
    found = key_set(key_pairs.body(*(key_pairs.jwk(alg, f"k-{alg}") for alg in algs)))
    assert set(found) == {f"k-{alg}" for alg in algs}
    assert found["k-EdDSA"].algorithms == ("EdDSA",)
    assert found["k-RS256"].algorithms == ("RS256", "RS384", "RS512")


def test_a_key_that_names_its_algorithm_is_for_that_alone():
    found = key_set(key_pairs.body(key_pairs.jwk("RS256", "k", alg="RS512")))
    assert found["k"].algorithms == ("RS512",)


GOOD = key_pairs.jwk("RS256", "good")
SMALL = json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key()))
PRIVATE = json.loads(ECAlgorithm.to_jwk(key_pairs.private("ES256")))


@pytest.mark.parametrize(
    "useless",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "x", "use": "sig", "alg": "HS256"},
        {**GOOD, "kid": "x", "use": "enc"},
        {**GOOD, "kid": "x", "alg": "HS256"},
        {**GOOD, "kid": "x", "alg": "ES256"},
        {**GOOD, "kid": "x", "alg": 5},
        {**GOOD, "kid": 5},
        {**GOOD, "kid": ""},
        {"kty": "RSA", "kid": "x"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "x"},
        {"kty": "new", "kid": "x"},
        {"kty": ["RSA"], "kid": "x"},
        {**SMALL, "kid": "x"},
        {**PRIVATE, "kid": "x"},
        "x",
        None,
    ],
)
def test_keys_that_must_not_serve_are_left_out(useless):
    assert set(key_set(key_pairs.body(GOOD, useless))) == {"good"}
    with pytest.raises(Unusable):
        key_set(key_pairs.body(useless))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "the answer is not a JSON object"),
        (b"<html>", "the answer is not a JSON object"),
        (b"[]", "the answer is not a JSON object"),
        (b"\xff", "the answer is not a JSON object"),
        (b"{}", "the answer has no list of keys"),
        (b'{"keys":{}}', "the answer has no list of keys"),
        (b'{"keys":[]}', "no key of the answer can check a signature and has a kid"),
        (b'{"keys":[' + b"1," * 100 + b"1]}", "the answer lists more than 100 keys"),
    ],
)
def test_garbage_is_no_set(answer, says):
    with pytest.raises(Unusable) as refusal:
        key_set(answer)
    assert str(refusal.value) == says
