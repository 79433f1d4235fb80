"""Settings of tokens that do not go together."""

import pytest

from service.settings.checking import defaults
from service.settings.options import ours
from service.settings.token_agreement import tokens, unreachable, weak_secrets
from tests.service.access import key_pairs


def told(kind="token", **said):
    client = defaults(ours())["client"]
    client[kind] |= said
    return [str(mistake) for mistake in tokens(client)]


def test_nothing_is_wrong_with_nothing():
    assert told() == []


def test_good_keys_are_good():
    assert told(rsa_public_key=key_pairs.pem("RS256"), ecdsa_public_key=key_pairs.pem("ES256")) == []
    endpoint = "https://id.example/{{realm}}/keys"
    assert told(jwks_public_endpoint=endpoint, issuer_regex="^https://(?P<realm>[a-z]+)$") == []


def test_a_secret_that_can_be_guessed_is_noted():
    client = defaults(ours())["client"]
    assert list(weak_secrets(client)) == []
    client["token"] |= {"hmac_secret_key": "s" * 32, "hmac_previous_secret_key": "s3cret"}
    (note,) = weak_secrets(client)
    assert note.startswith("client.token.hmac_previous_secret_key: is shorter than 32 bytes")
    assert "s3cret" not in note


@pytest.mark.parametrize("kind", ["token", "subscription_token"])
@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ({"rsa_public_key": "x"}, "rsa_public_key: is no RSA public key in PEM form"),
        ({"ecdsa_public_key": key_pairs.pem("RS256")}, "ecdsa_public_key: is a public key, but not of ECDSA"),
        ({"audience": "a", "audience_regex": "a"}, "audience_regex: cannot go with client.{}.audience: one of the two"),
        ({"issuer": "a", "issuer_regex": "a"}, "issuer_regex: cannot go with client.{}.issuer: one of the two"),
        (
            {"audience_regex": "a{99999999999}"},
            "audience_regex: is no regular expression: the repetition number is too large",
        ),
        ({"issuer_regex": "("}, "issuer_regex: is no regular expression: missing ), unterminated subpattern"),
        (
            {"jwks_public_endpoint": "id.example"},
            'jwks_public_endpoint = "id.example": takes an address that begins with http:// or https://',
        ),
        (
            {"jwks_public_endpoint": "https://x/{{realm}}"},
            "jwks_public_endpoint: asks for realm, which no group of audience_regex or issuer_regex is called",
        ),
    ],
)
def test_each_mistake_has_its_place(kind, said, mistake):
    enabled = {"enabled": True, "hmac_secret_key": "x"} if kind == "subscription_token" else {}
    assert told(kind, **said, **enabled) == [f"client.{kind}.{mistake.format(kind)}"]


def test_what_is_off_is_not_looked_at():
    assert told("subscription_token", rsa_public_key="x") == []


def test_apart_takes_some_key():
    assert len(told("subscription_token", enabled=True)) == 1
    assert told("subscription_token", enabled=True, jwks_public_endpoint="https://x") == []


@pytest.mark.parametrize("address", ["http://b", "https://b.example:8443/x?y", "http://[::1]:80/", "http://127.0.0.1/"])
def test_addresses(address):
    assert unreachable(address) is None


@pytest.mark.parametrize(
    "address", ["", "b", "//b", "grpc://b", "http://", "http://b:x", "http://b:0", "http://[", "http://u:p@b"]
)
def test_what_is_no_address(address):
    assert unreachable(address) is not None
