"""Audience and issuer."""

import pytest

from service.access.naming import Names, places
from service.access.refusals import InvalidToken
from service.access.token_settings import TokenSettings


def refused(settings, aud="", iss=""):
    with pytest.raises(InvalidToken) as refusal:
        Names(settings).check(aud, iss)
    return refusal.value.cause


def test_without_settings_everything_fits():
    assert Names(TokenSettings()).check("any", "any") == {}


def test_texts_must_be_equal():
    names = Names(TokenSettings(audience="me", issuer="you"))
    names.check("me", "you")
    names.check(["other", "me"], "you")
    assert refused(TokenSettings(audience="me"), "mee") == "audience"
    assert refused(TokenSettings(audience="me"), []) == "audience"
    assert refused(TokenSettings(issuer="you"), iss="") == "issuer"


def test_expressions_find_their_groups():
    settings = TokenSettings(audience_regex=r"^app-(?P<app>\w+)$", issuer_regex=r"^https://(?P<realm>[a-z]+)\.example$")
    names = Names(settings)
    assert names.check(["x", "app-one", "app-two"], "https://b.example") == {"app": "one", "realm": "b"}
    assert refused(settings, "x", "https://b.example") == "audience"
    assert refused(settings, "app-one", "https://b.example.org") == "issuer"


def test_an_expression_is_not_held_against_endless_names():
    settings = TokenSettings(issuer_regex="(a+)+$")
    assert refused(settings, iss="a" * 50_000 + "b") == "issuer"


def test_the_address_of_the_key_set_takes_groups():
    settings = TokenSettings(
        jwks_public_endpoint="https://id.example/{{realm}}/{{ app }}/keys",
        issuer_regex="(?P<realm>.*)",
        audience_regex="(?P<app>.*)",
    )
    names = Names(settings)
    assert places(settings.jwks_public_endpoint) == {"realm", "app"}
    assert names.endpoint(names.check("a.b-c", "R_1")) == "https://id.example/R_1/a.b-c/keys"


@pytest.mark.parametrize("realm", ["", "..", "a/b", "a%2fb", "a?b", "a#b", "a@b", "a:80", ".a", "a b", "é", "a\n"])
def test_nothing_but_a_plain_name_gets_into_the_address(realm):
    settings = TokenSettings(jwks_public_endpoint="https://{{realm}}.example/keys", issuer_regex="(?s)(?P<realm>.*)")
    names = Names(settings)
    with pytest.raises(InvalidToken):
        names.endpoint(names.check("", realm))
