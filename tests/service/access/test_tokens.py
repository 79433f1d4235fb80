"""Tokens: what the recordings of Centrifugo show, claim by claim."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.access.refusals import BadInfo, InvalidToken, TokenExpired, TokenRefused
from service.access.token_settings import TokenSettings
from service.access.tokens import Granted, Tokens

NOW = 1_700_000_000.5
SECRET = "golden-secret"
HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
TOKENS = Tokens(TokenSettings(hmac_secret_key=SECRET))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(claims, secret=SECRET, alg="HS256", header=None, payload=None):
    """A token made by hand: the tests trust no library for what they send."""
    head = b64(json.dumps({"alg": alg, "typ": "JWT"} if header is None else header).encode())
    body = b64(json.dumps(claims).encode() if payload is None else payload)
    signed = f"{head}.{body}"
    signature = hmac.new(secret.encode(), signed.encode(), HASHES.get(alg, hashlib.sha256)).digest()
    return f"{signed}.{b64(signature)}"


def connection(claims, **how):
    return TOKENS.connection(jwt(claims, **how), NOW)


def subscription(claims, **how):
    return TOKENS.subscription(jwt(claims, **how), NOW)


# ------------------------------------------------------------------------ form and signature


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_the_three_algorithms_count(alg):
    assert connection({"sub": "alice"}, alg=alg).user == "alice"


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "RS256", "ES256", "hs256", "", "HS1", None, 5])
def test_no_other_algorithm_counts(alg):
    with pytest.raises(InvalidToken):
        connection({"sub": "alice"}, header={"alg": alg})


def test_a_token_without_signature_is_refused():
    head, body, _ = jwt({"sub": "alice"}).split(".")
    none = b64(b'{"alg":"none"}')
    for token in (f"{head}.{body}.", f"{head}.{body}", f"{none}.{body}."):
        with pytest.raises(InvalidToken):
            TOKENS.connection(token, NOW)


@pytest.mark.parametrize("token", ["", "abc", "abc.def.ghi", "..", "a.b.c.d", "é.é.é", "\n"])
def test_garbage_is_refused(token):
    with pytest.raises(InvalidToken):
        TOKENS.connection(token, NOW)


def test_the_form_is_strict():
    token = jwt({"sub": "alice"})
    for spoilt in (" " + token, token + "=", token + "\n", token + " ", token.replace(".", "..", 1), token + ".x"):
        with pytest.raises(InvalidToken):
            TOKENS.connection(spoilt, NOW)


def test_header_and_payload_must_be_objects():
    headers: tuple[Any, ...] = (
        [],
        "x",
        {},
        {"alg": "HS256", "crit": ["x"]},
        {"alg": "HS256", "b64": False, "crit": ["b64"]},
    )
    for header in headers:
        with pytest.raises(InvalidToken):
            connection({"sub": "alice"}, header=header)
    for payload in (b"[]", b"null", b'"x"', b"", b"{", b"\xff", b'{"info":"\xff"}'):
        with pytest.raises(InvalidToken):
            connection({}, payload=payload)


def test_another_secret_is_refused():
    with pytest.raises(InvalidToken):
        connection({"sub": "alice"}, secret="other")


def test_without_a_secret_nothing_is_valid():
    with pytest.raises(InvalidToken):
        Tokens(TokenSettings()).connection(jwt({"sub": "alice"}, secret=""), NOW)


def test_the_previous_secret_counts_until_its_date():
    settings = TokenSettings(SECRET, "old", hmac_previous_secret_key_valid_until=NOW + 10)
    rotated = Tokens(settings)
    old = jwt({"sub": "alice"}, secret="old")
    assert rotated.connection(old, NOW).user == "alice"
    assert rotated.connection(jwt({"sub": "bob"}), NOW).user == "bob"
    with pytest.raises(InvalidToken):
        rotated.connection(old, NOW + 11)
    with pytest.raises(InvalidToken):
        rotated.connection(jwt({}, secret="older"), NOW)


def test_the_previous_secret_without_a_date_counts():
    assert Tokens(TokenSettings(SECRET, "old")).connection(jwt({"sub": "a"}, secret="old"), NOW).user == "a"


def test_subscription_tokens_may_have_their_own_secret():
    tokens = Tokens(TokenSettings(SECRET), TokenSettings("sub-secret"))
    assert tokens.subscription(jwt({"channel": "x"}, secret="sub-secret"), NOW).channel == "x"
    with pytest.raises(InvalidToken):
        tokens.subscription(jwt({"channel": "x"}), NOW)
    with pytest.raises(InvalidToken):
        tokens.connection(jwt({"sub": "a"}, secret="sub-secret"), NOW)


def test_a_short_secret_makes_no_warning_for_each_token():
    # warnings are errors in this suite
    assert Tokens(TokenSettings("x")).connection(jwt({"sub": "a"}, secret="x"), NOW).user == "a"


@given(st.text())
def test_no_secret_and_no_token_stands_in_an_exception(token):
    with pytest.raises(TokenRefused) as refusal:
        TOKENS.connection(token, NOW)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None
    assert SECRET not in repr(TokenSettings(SECRET))


@given(st.binary(min_size=1, max_size=60))
def test_no_payload_makes_anything_but_claims_or_a_refusal(payload):
    for check in (TOKENS.connection, TOKENS.subscription):
        try:
            check(jwt({}, payload=payload), NOW)
        except TokenRefused:
            continue


# ----------------------------------------------------------------------------------- times


def test_exp_is_the_end_of_the_connection():
    claims = connection({"sub": "alice", "exp": int(NOW) + 3600})
    assert claims.expire_at == int(NOW) + 3600


def test_exp_may_have_a_fraction():
    assert connection({"exp": NOW + 10.25}).expire_at == int(NOW + 10.25)


def test_without_exp_nothing_ends():
    assert connection({"sub": "alice"}).expire_at == 0


@pytest.mark.parametrize("exp", [0, NOW - 10, NOW, -5])
def test_a_past_exp_is_expired(exp):
    with pytest.raises(TokenExpired):
        connection({"exp": exp})


def test_a_forged_token_is_invalid_before_it_is_expired():
    with pytest.raises(InvalidToken):
        connection({"exp": NOW - 10}, secret="other")


def test_a_future_nbf_is_called_expired():
    with pytest.raises(TokenExpired):
        connection({"nbf": NOW + 600})
    assert connection({"nbf": NOW}).user == ""


def test_a_future_iat_is_fine():
    assert connection({"iat": NOW + 600}).user == ""


def test_expire_at_goes_before_exp():
    assert connection({"exp": NOW + 3600, "expire_at": int(NOW) + 100}).expire_at == int(NOW) + 100
    assert connection({"exp": NOW + 3600, "expire_at": 0}).expire_at == 0
    assert connection({"expire_at": -1}).expire_at == 0
    assert subscription({"channel": "x", "expire_at": int(NOW) - 3}).expire_at == int(NOW) - 3


# ---------------------------------------------------------------------------- claims by type


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": 42},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": "x"},
        {"iat": "x"},
        {"expire_at": 1.5},
        {"expire_at": "1"},
        {"channels": "open:x"},
        {"channels": [1]},
        {"subs": []},
        {"subs": {"x": 1}},
        {"subs": {"x": {"override": {"presence": True}}}},
        {"b64info": 1},
        {"channel": 1},
        {"channel": "x"},
        {"aud": 1},
        {"iss": []},
    ],
)
def test_wrong_types_are_invalid(claims):
    with pytest.raises(InvalidToken):
        connection({"sub": "alice", **claims})


def test_unknown_claims_are_ignored():
    assert connection({"sub": "alice", "foo": "bar", "jti": "1", "caps": [{"channels": ["x"]}]}).user == "alice"


@pytest.mark.parametrize("claims", [{}, {"sub": ""}])
def test_without_a_user_it_is_anonymous(claims):
    assert connection(claims).user == ""


def test_info_and_meta_are_passed_on_untouched():
    claims = connection({}, payload=b'{"info":{"b" : 1.0,"a":[1]},"meta":{"x":1}}')
    assert bytes(claims.info) == b'{"b" : 1.0,"a":[1]}'
    assert bytes(claims.meta) == b'{"x":1}'


def test_b64info_goes_before_info():
    assert bytes(connection({"info": 1, "b64info": base64.b64encode(b'{"k":2}').decode()}).info) == b'{"k":2}'


@pytest.mark.parametrize(
    "info", ["%%%", "e30", "e3 0=", base64.b64encode(b"{").decode(), base64.b64encode(b"\xff").decode()]
)
def test_b64info_must_be_the_base64_form_of_json(info):
    with pytest.raises(BadInfo):
        connection({"b64info": info})
    with pytest.raises(BadInfo):
        subscription({"channel": "x", "b64info": info})
    with pytest.raises(BadInfo):
        subscription({"channel": "x", "b64data": info})
    with pytest.raises(InvalidToken):
        connection({"subs": {"x": {"b64info": info}}})


def test_channels_become_server_side_subscriptions():
    assert list(connection({"channels": ["a", "b"]}).subs) == ["a", "b"]


def test_subs_go_before_channels():
    claims = connection(
        {
            "channels": ["c"],
            "subs": {
                "a": {"info": {"i": 1}, "data": {"d": 2}, "override": {"force_recovery": {"value": True}}},
                "b": {},
            },
        }
    )
    assert list(claims.subs) == ["a", "b"]
    granted = claims.subs["a"]
    assert (bytes(granted.info), bytes(granted.data)) == (b'{"i": 1}', b'{"d": 2}')
    assert (granted.force_recovery, granted.force_positioning) == (True, None)


def test_a_subscription_token_names_its_channel():
    claims = subscription({"sub": "alice", "channel": "x", "client": "c", "exp": NOW + 60, "info": [1], "data": 2})
    assert (claims.user, claims.channel, claims.client, claims.expire_at) == ("alice", "x", "c", int(NOW + 60))
    assert (bytes(claims.granted.info), bytes(claims.granted.data)) == (b"[1]", b"2")
    with pytest.raises(InvalidToken):
        subscription({"sub": "alice"})


def test_overrides_of_a_subscription_token():
    override = {"presence": {"value": False}, "join_leave": {"value": True}, "force_push_join_leave": {"value": True}}
    granted = subscription({"channel": "x", "override": override}).granted
    assert (granted.presence, granted.join_leave, granted.force_push_join_leave) == (False, True, True)


# --------------------------------------------------------------------- audience, issuer, user


STRICT = Tokens(TokenSettings(SECRET, audience="aud", issuer="iss"))


@pytest.mark.parametrize("audience", ["aud", ["x", "aud"]])
def test_the_audience_may_be_a_list(audience):
    assert STRICT.connection(jwt({"sub": "a", "aud": audience, "iss": "iss"}), NOW).user == "a"


@pytest.mark.parametrize("claims", [{"iss": "iss"}, {"aud": "x", "iss": "iss"}, {"aud": [], "iss": "iss"}])
def test_another_audience_is_refused(claims):
    with pytest.raises(InvalidToken):
        STRICT.connection(jwt(claims), NOW)


@pytest.mark.parametrize("claims", [{"aud": "aud"}, {"aud": "aud", "iss": "x"}])
def test_another_issuer_is_refused(claims):
    with pytest.raises(InvalidToken):
        STRICT.connection(jwt(claims), NOW)


def test_the_user_may_stand_in_another_claim():
    tokens = Tokens(TokenSettings(SECRET, user_id_claim="uid"))
    assert tokens.connection(jwt({"sub": "alice", "uid": "bob"}), NOW).user == "bob"
    assert tokens.connection(jwt({"sub": "alice"}), NOW).user == ""
    assert tokens.connection(jwt({"uid": 0}), NOW).user == "0"
    assert tokens.connection(jwt({"sub": "alice", "uid": None}), NOW).user == ""
    for other in (True, False, 1.5, ["bob"], {"id": "bob"}):
        with pytest.raises(InvalidToken):
            tokens.connection(jwt({"uid": other}), NOW)


def test_a_claim_that_is_null_is_not_there():
    absent = dict.fromkeys(("sub", "channels", "subs", "channel", "b64info", "aud", "iss", "jti", "exp", "expire_at"))
    assert TOKENS.connection(jwt(absent), NOW) == TOKENS.connection(jwt({}), NOW)
    nulls = {"sub": None, "client": None, "b64info": None, "b64data": None, "override": None, "aud": None}
    assert TOKENS.subscription(jwt({"channel": "a", **nulls}), NOW) == TOKENS.subscription(jwt({"channel": "a"}), NOW)
    with pytest.raises(InvalidToken):
        TOKENS.subscription(jwt({"channel": None}), NOW)


def test_what_is_said_of_a_channel_may_be_null():
    subs = {"a": None, "b": {"b64info": None, "override": {"presence": {"value": None}, "join_leave": {}}}}
    claims = TOKENS.connection(jwt({"subs": subs}), NOW)
    assert claims.subs == {"a": Granted(), "b": Granted(presence=False, join_leave=False)}
    assert dict(TOKENS.connection(jwt({"channels": ["a", None]}), NOW).subs) == {"a": Granted(), "": Granted()}


def test_a_subscription_token_lets_nobody_in_even_when_it_is_expired():
    with pytest.raises(InvalidToken):
        TOKENS.connection(jwt({"channel": "a", "exp": NOW - 1}), NOW)
