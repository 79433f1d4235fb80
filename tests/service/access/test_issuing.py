import time

import jwt
import pytest

from service.access.issuing import Wanted, issue
from service.access.tokens import Tokens, TokenSettings

SECRET = "a-secret-that-is-long-enough-for-hs256"


def test_a_token_is_accepted_by_the_same_settings():
    settings = TokenSettings(hmac_secret_key=SECRET, audience="us", issuer="me", user_id_claim="uid")
    now = time.time()
    claims = Tokens(settings).connection(issue(settings, Wanted("ann", expire_at=now + 60, info={"a": 1})), now)
    assert claims.user == "ann"
    assert bytes(claims.info) == b'{"a":1}'


def test_a_token_for_a_channel():
    settings = TokenSettings(hmac_secret_key=SECRET)
    claims = Tokens(settings).subscription(issue(settings, Wanted("ann", "chat:1")), time.time())
    assert (claims.user, claims.channel) == ("ann", "chat:1")


def test_what_was_not_asked_for_is_not_said():
    token = issue(TokenSettings(hmac_secret_key=SECRET), Wanted("ann"))
    assert jwt.decode(token, SECRET, ["HS256"]) == {"sub": "ann"}


def test_without_a_secret_there_is_no_token():
    with pytest.raises(ValueError, match="no secret"):
        issue(TokenSettings(), Wanted("ann"))


def test_a_short_secret_is_the_configuration_s_business(recwarn):
    issue(TokenSettings(hmac_secret_key="short"), Wanted("ann"))
    assert not recwarn.list
