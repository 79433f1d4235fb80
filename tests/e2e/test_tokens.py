"""Tokens against a whole node: every kind of refusal has its code for the client and its words in our log."""

import asyncio
import base64
import hashlib
import hmac
import json
import time

import jwt
import pytest

from observability import names
from tests.service.access import key_pairs
from tests.service.connections.conftest import SECRET
from tests.service.outside.backend import Backend, stalls

NOW = int(time.time())


def signed(secret=SECRET, alg="HS256", header=None, **claims):
    return jwt.encode({"sub": "ann", **claims}, secret, algorithm=alg, headers=header)


async def greet(node, token):
    """The error code of the connect reply, or the code of the close; 0: connected."""
    peer = await node.peer()
    peer.text({"id": 1, "connect": {"token": token}})
    opcode, payload = await peer.any_frame()
    if opcode == 8:
        return int.from_bytes(payload[:2])
    return json.loads(payload).get("error", {}).get("code", 0)


KEY = key_pairs.pem("RS256")
FITS = {"aud": "us", "iss": "me"}


def forged(secret):
    """HMAC with the public key, which everybody has, as its secret."""
    head, body = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"HS256"}', b'{"sub":"root"}'))
    digest = hmac.new(secret.encode(), head + b"." + body, hashlib.sha256).digest()
    return b".".join((head, body, base64.urlsafe_b64encode(digest).rstrip(b"="))).decode()


REFUSED = {
    "garbage": ("this-is-garbage", 3500, "form"),
    "bad signature": (signed("another secret, long enough for it"), 3500, "signature"),
    "none": (jwt.encode({"sub": "ann"}, "", algorithm="none"), 3500, "form"),
    "public key as secret": (forged(KEY), 3500, "signature"),
    "not switched on": (key_pairs.token("ES256", {"sub": "ann"}), 3500, "algorithm"),
    "expired": (signed(exp=NOW - 10, **FITS), 109, "expired"),
    "not yet": (signed(nbf=NOW + 1000, **FITS), 109, "not_yet"),
    "audience": (signed(aud="other", iss="me"), 3500, "audience"),
    "issuer": (signed(aud="us", iss="you"), 3500, "issuer"),
    "wrong type": (signed(channels="news", **FITS), 3500, "claims"),
    "subscription token": (signed(channel="news", **FITS), 3500, "kind"),
    "bad info": (signed(b64info="?", **FITS), 100, "info"),
}


@pytest.mark.shows("heliograph_tokens_refused_total", "token.refused")
async def test_every_refusal_has_its_code_and_its_words(start, telemetry):
    node = await start(client={"token": {"audience": "us", "issuer": "me", "rsa_public_key": KEY}})
    for name, (token, code, cause) in REFUSED.items():
        before = telemetry.value(names.TOKENS_REFUSED, "connection", cause)
        assert await greet(node, token) == code, name
        assert telemetry.value(names.TOKENS_REFUSED, "connection", cause) == before + 1, name
    raw = b"".join(telemetry.sink.raw)
    assert not [name for name, (token, *_) in REFUSED.items() if token.encode() in raw]
    reasons = {line["cause"]: line["reason"] for line in telemetry.lines if line["event"] == "token.refused"}
    assert reasons["claims"] == "a claim is of the wrong type: Expected `array | null`, got `str` - at `$.channels`"
    assert reasons["issuer"] == "wrong issuer"
    assert await greet(node, signed(aud=["us"], iss="me")) == 0
    assert await greet(node, key_pairs.token("RS256", {"sub": "ann", "aud": "us", "iss": "me"})) == 0


async def test_a_refused_subscription_token_closes_nothing(start, telemetry):
    node = await start()
    peer = await node.greeted()
    peer.text({"id": 2, "subscribe": {"channel": "$x", "token": signed("another secret, long enough for it")}})
    assert (await peer.replies())[0]["error"]["code"] == 103
    assert telemetry.value(names.TOKENS_REFUSED, "subscription", "signature") == 1
    assert telemetry.line("token.refused")["connection_id"] == peer.client


def jwks(address, **more):
    return {"token": {"jwks_public_endpoint": address + "/keys", **more}}


@pytest.mark.shows("keys.fetched")
async def test_a_rotated_key_is_found_without_a_restart(start, telemetry, monkeypatch):
    monkeypatch.setattr("service.access.key_sets.PAUSE", 0.0)
    async with Backend() as issuer:
        issuer.says("/keys", json.loads(key_pairs.body(key_pairs.jwk("ES256", "k1"))))
        node = await start(client=jwks(issuer.address))
        first = key_pairs.token("ES256", {"sub": "ann"}, kid="k1")
        assert [await greet(node, first) for _ in range(3)] == [0, 0, 0]
        assert len(issuer.asked) == 1
        second = key_pairs.token("EdDSA", {"sub": "ann"}, kid="k2")
        assert await greet(node, second) == 3500
        issuer.says("/keys", json.loads(key_pairs.body(key_pairs.jwk("EdDSA", "k2"))))
        assert await greet(node, second) == 0
        assert await greet(node, first) == 3500  # the issuer took it back
        # a secret that is configured beside does not count: the issuer alone says who may
        assert await greet(node, signed()) == 3500
        assert telemetry.value(names.TOKENS_REFUSED, "connection", "unknown_key") == 3


async def test_without_its_issuer_a_new_token_is_asked_to_wait_and_known_keys_go_on(start, telemetry, monkeypatch):
    monkeypatch.setattr("service.access.key_sets.PAUSE", 0.0)
    async with Backend() as issuer:
        issuer.says("/keys", 500, json.loads(key_pairs.body(key_pairs.jwk("ES256", "k1"))), 503)
        node = await start(client=jwks(issuer.address, jwks_ttl="1ms", jwks_stale_limit="1h"))
        token = key_pairs.token("ES256", {"sub": "ann"}, kid="k1")
        assert await greet(node, token) == 100
        assert await greet(node, token) == 0
        assert await greet(node, token) == 0  # 503 by now
        assert await greet(node, key_pairs.token("ES256", {"sub": "ann"}, kid="k2")) == 100
    assert telemetry.value(names.TOKENS_REFUSED, "connection", "keys_unavailable") == 2


async def test_a_silent_issuer_holds_up_nobody_else(start):
    async with Backend() as issuer:
        issuer.says("/keys", stalls)
        node = await start(client=jwks(issuer.address))
        waiting = [asyncio.ensure_future(greet(node, key_pairs.token("ES256", {}, kid="k1"))) for _ in range(20)]
        await asyncio.sleep(0.1)
        assert await greet(node, "garbage") == 3500
        assert not any(task.done() for task in waiting)
        assert set(await asyncio.gather(*waiting)) == {100}
        assert len(issuer.asked) <= 3


OURS = ["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]


@pytest.mark.parametrize("alg", OURS)
async def test_each_algorithm_lets_its_bearer_in_by_a_key_of_ours(start, alg):
    """Another key of the same kind does not."""
    secret, pair = SECRET * 2, "RS256" if alg[0] == "R" else alg  # long enough for each hash; one key for all RS
    name = {"R": "rsa_public_key", "E": "ecdsa_public_key"}.get(alg[0])
    public = {name: key_pairs.pem(pair)} if name else {}
    node = await start(client={"token": {"hmac_secret_key": secret, **public}})
    keys = [key_pairs.private(pair, which) for which in (0, 1)] if name else [secret, secret[::-1]]
    tokens = [jwt.encode({"sub": "ann"}, key, algorithm=alg) for key in keys]
    assert [await greet(node, token) for token in tokens] == [0, 3500]


@pytest.mark.parametrize("alg", ["RS256", "ES256", "ES384", "ES512", "EdDSA"])
async def test_each_algorithm_lets_its_bearer_in_by_a_key_set(start, alg):
    async with Backend() as issuer:
        issuer.says("/keys", json.loads(key_pairs.body(key_pairs.jwk(alg, "k1"))))
        node = await start(client=jwks(issuer.address))
        assert await greet(node, key_pairs.token(alg, {"sub": "ann"}, kid="k1")) == 0
        assert await greet(node, key_pairs.token(alg, {"sub": "ann"}, which=1, kid="k1")) == 3500


async def told(peer, wanted):
    """The first reply with this id."""
    while True:
        for reply in await peer.replies():
            if reply.get("id") == wanted:
                return reply


@pytest.mark.slow
async def test_a_connection_ends_after_its_token_and_the_grace_unless_a_new_one_comes(start):
    """3005, not before the token's end and the grace, and not long after."""
    node = await start(client={"expired_close_delay": "600ms"})
    began = time.time()
    ends = int(began) + 2
    lazy, busy = [await node.peer() for _ in range(2)]
    for peer in (lazy, busy):
        peer.text({"id": 1, "connect": {"token": signed(exp=ends)}})
        assert (await told(peer, 1))["connect"]["ttl"] in {1, 2}
    await asyncio.sleep(max(0.0, ends + 0.1 - time.time()))  # the token is over, its grace is not
    busy.text({"id": 2, "refresh": {"token": signed(exp=int(time.time()) + 600)}})
    assert (await told(busy, 2))["refresh"]["expires"]
    assert await lazy.closed() == (3005, "connection expired")
    assert ends + 0.5 < time.time() < ends + 4
    busy.text({"id": 3, "subscribe": {"channel": "still"}})
    assert "subscribe" in await told(busy, 3)


async def test_expire_at_goes_before_exp_and_claims_do_what_they_say(start):
    """`info` is shown to others, `channels` and `subs` are entered, `expire_at` 0 is for ever."""
    node = await start(channel={"without_namespace": {"presence": True}})
    peer = await node.peer()
    claims = {
        "exp": int(time.time()) + 600,
        "expire_at": 0,
        "info": {"name": "Ann"},
        "subs": {"news": {"data": {"hello": 1}}},
    }
    peer.text({"id": 1, "connect": {"token": signed(**claims)}})
    connect = (await told(peer, 1))["connect"]
    assert "expires" not in connect
    assert connect["subs"]["news"]["data"] == {"hello": 1}
    present = node.presence.present("news")
    assert [bytes(info.conn_info) for info in present.values()] == [b'{"name":"Ann"}']
    peer = await node.peer()
    peer.text({"id": 1, "connect": {"token": signed(expire_at=int(time.time()) + 60, channels=["news", "weather"])}})
    connect = (await told(peer, 1))["connect"]
    assert (connect["expires"], set(connect["subs"])) == (True, {"news", "weather"})
    assert 40 <= connect["ttl"] <= 60
