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
from service.config import load
from tests.service.access import key_pairs
from tests.service.connections.conftest import CONFIG, SECRET, Node, merged
from tests.service.outside.backend import Backend, stalls

NOW = int(time.time())


def signed(secret=SECRET, alg="HS256", header=None, **claims):
    return jwt.encode({"sub": "ann", **claims}, secret, algorithm=alg, headers=header)


@pytest.fixture
async def start(tmp_path, telemetry):
    nodes = []

    async def start(**changes):
        file = tmp_path / "config.json"
        file.write_text(json.dumps(merged(CONFIG, changes)))
        node = Node(load(file, {}), telemetry.telemetry)
        node.peers = []
        node.port = (await node.start())[0].port
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        for writer in node.peers:
            writer.close()
        await node.stop("test")


async def greet(node, token):
    """The error code of the connect reply, or the code of the close; 0: connected."""
    peer = await node.peer()
    peer.text({"id": 1, "connect": {"token": token}})
    opcode, payload = await peer.frame()
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
    assert reasons["claims"] == "a claim is of the wrong type: Expected `array`, got `str` - at `$.channels`"
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
