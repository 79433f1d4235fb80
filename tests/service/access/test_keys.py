"""The API key: lookup order as recorded from Centrifugo."""

import hmac

import pytest

from service.access.keys import ApiKey

KEY = ApiKey("secret")


def test_a_right_key_in_the_query_is_enough():
    assert KEY.permits(query="secret", header="wrong", authorization="apikey wrong")


def test_a_wrong_key_in_the_query_does_no_harm():
    assert KEY.permits(query="wrong", header="secret")


def test_the_key_header_decides_alone():
    assert KEY.permits(header="secret", authorization="apikey wrong")
    assert not KEY.permits(header="wrong", authorization="apikey secret")


@pytest.mark.parametrize("authorization", ["apikey secret", "ApiKey secret", "APIKEY   secret", " apikey secret "])
def test_the_authorization_header_counts_in_any_case(authorization):
    assert KEY.permits(authorization=authorization)


@pytest.mark.parametrize("authorization", ["", "apikey", "apikey ", "Bearer secret", "secret", "apikey secret more"])
def test_anything_else_in_the_authorization_header_is_refused(authorization):
    assert not KEY.permits(authorization=authorization)


def test_without_a_key_nobody_is_let_in():
    assert not KEY.permits()


def test_an_empty_configured_key_lets_nobody_in():
    assert not ApiKey("").permits(query="", header="", authorization="apikey ")
    assert not ApiKey("").permits(header="secret")


def test_keys_that_are_not_ascii_are_compared_and_not_crashed_on():
    assert ApiKey("schlüssel").permits(header="schlüssel")
    assert not KEY.permits(header="schl\udcfcssel")


def test_keys_are_compared_in_constant_time_and_in_no_other_way(monkeypatch):
    """A key that does not match the comparison is refused, an offered one that differs in length alone is compared too."""
    compared = []

    def watched(known, offered):
        compared.append((known, offered))
        return False

    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert not KEY.permits(query="secret")
    assert not KEY.permits(header="secret")
    assert not KEY.permits(authorization="apikey s")
    assert {(b"secret", b"secret"), (b"secret", b"s")} <= set(compared)
