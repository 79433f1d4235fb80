"""Signatures: the lean way and PyJWT say the same, and no key serves where it must not."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.api_jws import PyJWS

from service.access import signatures
from service.access.public_keys import PublicKey, Unusable, from_pem
from service.access.refusals import InvalidToken
from service.access.signatures import Signatures, checked_with, opened
from service.access.token_settings import TokenSettings
from tests.service.access import key_pairs

SECRET = "a secret that is long enough for sixty-four bytes of SHA-512: 0123456789"
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
HEADERS = ({"alg": "HS256", "typ": "JWT"}, {"typ": "JWT", "alg": "HS384", "kid": "1"}, {"alg": "HS512"})
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NOW = 1_700_000_000.0


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header, payload, secret=SECRET, hash_=None):
    """A token made by hand; ``header`` and ``payload`` are bytes, or text that is taken as the segment itself."""
    head = header if isinstance(header, str) else b64(header)
    body = payload if isinstance(payload, str) else b64(payload)
    hash_ = hash_ or hashlib.sha256
    return f"{head}.{body}.{b64(hmac.new(secret.encode(), f'{head}.{body}'.encode(), hash_).digest())}"


def warm(**more):
    """Signatures that know the usual headers by heart."""
    known = Signatures(TokenSettings(hmac_secret_key=SECRET, **more))
    for header in HEADERS:
        known.payload(signed(json.dumps(header).encode(), b"{}", hash_=HASHES[header["alg"]]), NOW)
    return known


WARM = warm()
REFERENCE = PyJWS(algorithms=[*HASHES])


def reference(token):
    """What PyJWT alone says: the payload, or None."""
    try:
        return REFERENCE.decode_complete(token, SECRET, algorithms=[*HASHES])["payload"]
    except (jwt.PyJWTError, UnicodeEncodeError):
        return None


def ours(token):
    try:
        return WARM.payload(token, NOW)
    except InvalidToken:
        return None


@st.composite
def good(draw):
    header = draw(st.sampled_from(HEADERS))
    payload = draw(st.binary(min_size=1, max_size=80))
    return signed(json.dumps(header).encode(), payload, hash_=HASHES[header["alg"]])


@st.composite
def nearly_good(draw):
    """A good token of which some characters were changed, left out, doubled or moved."""
    token = draw(good())
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(token) - 1))
        letter = draw(st.sampled_from([*LETTERS, ".", "=", "+", "/", "\n", " ", "é", ""]))
        token = token[:at] + letter + token[at + draw(st.integers(0, 1)) :]
    return token


@st.composite
def signed_oddities(draw):
    """Rightly signed, with segments that no library writes: free bits set, a wrong length, headers of any kind."""
    header = draw(
        st.one_of(
            st.sampled_from(HEADERS).map(lambda h: json.dumps(h).encode()),
            st.sampled_from(
                [b'{"alg":"none"}', b'{"alg":"HS256","b64":false,"crit":["b64"]}', b'{"alg":"HS256","kid":1}']
            ),
            st.sampled_from([b'{"alg":"HS256","crit":["x"],"x":1}', b"[]", b"", b'{"alg":"RS256"}', b'{"alg":5}']),
            st.text(LETTERS, max_size=20),
        )
    )
    payload = draw(st.one_of(st.binary(max_size=40), st.text(LETTERS, max_size=40)))
    return signed(header, payload, hash_=draw(st.sampled_from(list(HASHES.values()))))


@settings(max_examples=400, deadline=None)
@given(st.one_of(good(), nearly_good(), signed_oddities(), st.text(max_size=60)))
def test_the_lean_way_and_the_library_say_the_same(token):
    """Only: padding, which RFC 7515 forbids, and nothing where the claims should be, are refused here in any case."""
    expected = reference(token)
    assert ours(token) == (None if "=" in token or ".." in token else expected)


@settings(max_examples=100, deadline=None)
@given(good())
def test_good_tokens_go_the_lean_way(token):
    """The comparison above compares two different ways."""
    library, signatures._JWS = signatures._JWS, None
    try:
        assert WARM.payload(token, NOW) is not None
    finally:
        signatures._JWS = library


@pytest.mark.parametrize("end", LETTERS)
def test_every_last_character_of_a_payload(end):
    """Bits that stand for nothing must be 0."""
    head = json.dumps(HEADERS[0]).encode()
    for start in ("AA", "AAA", "A", "AAAA"):
        token = signed(head, start + end)
        assert ours(token) == reference(token)


def test_headers_of_strangers_are_not_remembered():
    known = Signatures(TokenSettings(hmac_secret_key=SECRET))
    for number in range(10):
        with pytest.raises(InvalidToken):
            known.payload(signed(b'{"alg":"HS256","n":%d}' % number, b"{}", secret="other"), NOW)
    assert not known._known
    for number in range(100):
        known.payload(signed(b'{"alg":"HS256","n":%d}' % number, b"{}"), NOW)
    assert len(known._known) == 64


def test_the_previous_secret_counts_on_the_lean_way_too():
    rotated = warm(hmac_previous_secret_key="old", hmac_previous_secret_key_valid_until=NOW + 1)
    old = signed(json.dumps(HEADERS[0]).encode(), b"{}", secret="old")
    assert rotated.payload(old, NOW) == b"{}"
    with pytest.raises(InvalidToken) as refusal:
        rotated.payload(old, NOW + 2)
    assert refusal.value.cause == "signature"


# ------------------------------------------------------------------------------ public keys


def public(alg):
    name = "rsa_public_key" if alg.startswith("RS") else "ecdsa_public_key"
    return Signatures(TokenSettings(hmac_secret_key=SECRET, **{name: key_pairs.pem(alg)}))


@pytest.mark.parametrize("alg", ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"])
def test_a_public_key_checks_its_algorithm(alg):
    token = key_pairs.token(alg, {"sub": "alice"})
    assert json.loads(public(alg).payload(token, NOW)) == {"sub": "alice"}
    with pytest.raises(InvalidToken) as refusal:
        public(alg).payload(key_pairs.token(alg, {"sub": "alice"}, which=1), NOW)
    assert refusal.value.cause == "signature"


def test_rsa_and_ecdsa_and_hmac_side_by_side():
    every = Signatures(
        TokenSettings(SECRET, rsa_public_key=key_pairs.pem("RS256"), ecdsa_public_key=key_pairs.pem("ES384"))
    )
    for alg in ("RS256", "ES384"):
        assert every.payload(key_pairs.token(alg, {}), NOW) == b"{}"
    assert every.payload(signed(json.dumps(HEADERS[0]).encode(), b"{}"), NOW) == b"{}"


@pytest.mark.parametrize(("alg", "key"), [("ES256", "ES384"), ("ES384", "ES256"), ("ES512", "ES256")])
def test_a_curve_belongs_to_one_algorithm(alg, key):
    with pytest.raises(InvalidToken) as refusal:
        public(key).payload(key_pairs.token(alg, {}), NOW)
    assert refusal.value.cause == "algorithm"


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_public_key_is_no_hmac_secret(alg):
    """The oldest trick: sign with the public key, which everybody has, and call it HMAC."""
    for secret in (key_pairs.pem(alg), key_pairs.pem(alg).strip(), ""):
        forged = signed(b'{"alg":"HS256"}', b'{"sub":"root"}', secret=secret)
        name = "rsa_public_key" if alg == "RS256" else "ecdsa_public_key"
        only_public = Signatures(TokenSettings(**{name: key_pairs.pem(alg)}))
        for keys in (public(alg), only_public):
            with pytest.raises(InvalidToken):
                keys.payload(forged, NOW)


@pytest.mark.parametrize("alg", ["none", "None", "PS256", "ES256K", "EdDSA", "HS1"])
def test_algorithms_that_do_not_count(alg):
    token = signed(json.dumps({"alg": alg}).encode(), b"{}")
    with pytest.raises(InvalidToken) as refusal:
        public("RS256").payload(token, NOW)
    assert refusal.value.cause == "algorithm"


def test_what_is_not_configured_is_said():
    for settings_, cause in ((TokenSettings(), "no_key"), (TokenSettings(SECRET), "signature")):
        with pytest.raises(InvalidToken) as refusal:
            Signatures(settings_).payload(signed(b'{"alg":"HS256"}', b"{}", secret="other"), NOW)
        assert refusal.value.cause == cause


def test_a_bad_key_is_found_at_start():
    with pytest.raises(Unusable):
        Signatures(TokenSettings(rsa_public_key="x"))


# ------------------------------------------------------------------------- keys from elsewhere


def test_a_token_shows_what_it_says_of_itself():
    shown = opened(key_pairs.token("RS256", {"iss": "x"}, kid="k1"))
    assert (shown.algorithm, shown.kid, json.loads(shown.payload)) == ("RS256", "k1", {"iss": "x"})


@pytest.mark.parametrize("token", ["", "a.b.c", b64(b"{}") + "." + b64(b"{}") + ".AA", "e30.e30.e30=", "é.é.é"])
def test_what_has_not_the_form_is_not_opened(token):
    with pytest.raises(InvalidToken):
        opened(token)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "ES512", "EdDSA"])
def test_a_key_checks_only_what_it_may(alg):
    key = PublicKey(key_pairs.private(alg).public_key(), (alg,))
    token = key_pairs.token(alg, {"sub": "a"})
    assert json.loads(checked_with(token, key, alg)) == {"sub": "a"}
    for other in {"RS256", "ES256", "EdDSA", "HS256", "none"} - {alg}:
        with pytest.raises(InvalidToken) as refusal:
            checked_with(token, key, other)
        assert refusal.value.cause == "algorithm"
    with pytest.raises(InvalidToken):
        checked_with(key_pairs.token(alg, {"sub": "a"}, which=1), key, alg)


def test_a_key_from_pem_is_for_all_its_hashes():
    assert from_pem(key_pairs.pem("RS256"), "RSA").algorithms == ("RS256", "RS384", "RS512")
