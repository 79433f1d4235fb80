"""Accept or refuse an upgrade: every refusal names what is missing and who may have stripped it."""

import pytest

from service.connections.negotiation import Accepted, NegotiationSettings, Refusal, negotiate, origin_allowed

GOOD = {
    "Host": "push.example.com",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def ask(method="GET", version=(1, 1), query=None, settings=NegotiationSettings(), **changes):
    headers = {**GOOD, **{k.replace("_", "-"): v for k, v in changes.items()}}
    return negotiate(method, version, {k: v for k, v in headers.items() if v is not None}, query or {}, settings)


def test_the_example_of_the_rfc_is_accepted():
    """RFC 6455, section 1.3."""
    answer = ask()
    assert isinstance(answer, Accepted)
    assert answer.headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert "Sec-WebSocket-Protocol" not in answer.headers


def test_an_extension_is_not_agreed_to():
    """RFC 6455, section 9.1: what the answer does not name is off."""
    answer = ask(Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits")
    assert not answer.compressed
    assert isinstance(answer, Accepted)
    assert "Sec-WebSocket-Extensions" not in answer.headers


def test_compression_is_agreed_where_it_is_wanted_and_offered():
    wanted = NegotiationSettings(compression=True)
    agreed = ask(settings=wanted, Sec_WebSocket_Extensions="permessage-deflate; client_max_window_bits")
    assert agreed.compressed
    assert agreed.headers["Sec-WebSocket-Extensions"].startswith("permessage-deflate; server_no_context_takeover")
    for offers in (None, "x-other", "permessage-deflate; server_max_window_bits=9"):
        declined = ask(settings=wanted, Sec_WebSocket_Extensions=offers)
        assert not declined.compressed
        assert "Sec-WebSocket-Extensions" not in declined.headers


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({"method": "POST"}, 400, "method"),
        ({"version": (1, 0)}, 400, "http_version"),
        ({"Upgrade": None}, 400, "upgrade_header"),
        ({"Upgrade": "h2c"}, 400, "upgrade_header"),
        ({"Connection": "close"}, 400, "connection_header"),
        ({"Sec_WebSocket_Version": None}, 400, "version_header"),
        ({"Sec_WebSocket_Version": "8"}, 426, "version"),
        ({"Sec_WebSocket_Key": None}, 400, "key_header"),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400, "key"),
        ({"Sec_WebSocket_Key": "not base64 at all!!!!!!!"}, 400, "key"),
        ({"Origin": "https://evil.example"}, 403, "origin"),
        ({"Origin": "null"}, 403, "origin"),
    ],
)
def test_refusals(change, status, reason):
    answer = ask(**change)
    assert isinstance(answer, Refusal)
    assert (answer.status, answer.reason) == (status, reason)
    assert answer.sentence.endswith(".\n")
    assert len(answer.sentence) > 30


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "POST"}, ["GET", "POST"]),
        ({"version": (1, 0)}, ["HTTP/1.1", "proxy", "nginx"]),
        ({"Upgrade": None}, ["'Upgrade: websocket'", "proxy", "nginx"]),
        ({"Connection": "close"}, ["'Connection: Upgrade'", "proxy", "nginx"]),
        ({"Sec_WebSocket_Version": None}, ["'Sec-WebSocket-Version: 13'", "proxy", "nginx"]),
        ({"Sec_WebSocket_Version": "8"}, ["version 13"]),
        ({"Sec_WebSocket_Key": None}, ["'Sec-WebSocket-Key'", "proxy", "nginx"]),
        ({"Sec_WebSocket_Key": "c2hvcnQ="}, ["'Sec-WebSocket-Key'", "16 bytes"]),
        ({"Origin": "https://evil.example"}, ["origin", "client.allowed_origins"]),
    ],
)
def test_a_refusal_says_what_is_missing_and_who_may_have_stripped_it(change, words):
    sentence = ask(**change).sentence
    assert not [word for word in words if word not in sentence], sentence


def test_only_a_wrong_version_is_told_the_right_one():
    """RFC 6455, section 4.4."""
    assert ask(Sec_WebSocket_Version="8").headers["Sec-WebSocket-Version"] == "13"
    assert not ask(Sec_WebSocket_Version=None).headers


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("centrifuge-json", "centrifuge-json"),
        ("chat, centrifuge-json", "centrifuge-json"),
        ("chat", None),
        ("centrifuge-protobuf", "centrifuge-protobuf"),
        ("centrifuge-protobuf, centrifuge-json", "centrifuge-protobuf"),
        ("centrifuge-json,centrifuge-protobuf", "centrifuge-json"),
    ],
)
def test_the_chosen_subprotocol_is_echoed(offered, chosen):
    assert ask(Sec_WebSocket_Protocol=offered).headers.get("Sec-WebSocket-Protocol") == chosen


@pytest.mark.parametrize(
    ("offered", "query", "protobuf"),
    [
        (None, {}, False),
        ("centrifuge-json", {}, False),
        ("chat", {}, False),
        ("centrifuge-protobuf", {}, True),
        ("centrifuge-protobuf", {"format": "json"}, True),
        (None, {"format": "protobuf"}, True),
        (None, {"cf_protocol": "protobuf"}, True),
        (None, {"format": "PROTOBUF"}, False),
        (None, {"cf_protocol": "json"}, False),
        ("centrifuge-json", {"cf_protocol": "protobuf"}, True),
        ("centrifuge-json, centrifuge-protobuf", {}, False),
    ],
)
def test_the_encoding_is_what_subprotocol_or_query_ask_for(offered, query, protobuf):
    assert ask(Sec_WebSocket_Protocol=offered, query=query).protobuf is protobuf


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://push.example.com", True),
        ("http://push.example.com", True),
        ("https://PUSH.example.com", True),
        ("https://app.example.com", True),
        ("https://a.example.org", True),
        ("https://a.example.org:8443", False),
        ("http://a.example.org", False),
        ("https://app.example.com.evil.net", False),
        ("https://push.example.com:8443", False),
        ("null", False),
        ("", False),
    ],
)
def test_origins(origin, allowed):
    patterns = ("https://app.example.com", "https://*.example.org")
    assert origin_allowed(origin, "push.example.com", patterns) is allowed


def test_a_star_allows_every_origin():
    assert origin_allowed("https://anything.net", "push.example.com", ("*",))
