"""What hooks send and get."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from service.access import hook_messages as m
from service.access.tokens import Granted
from service.protocol import closing
from service.protocol.errors import ReplyError

KINDS = ("connect", "refresh", "subscribe", "sub_refresh", "publish", "rpc")


def b64(data):
    return base64.b64encode(data).decode()


def asked(**more):
    return m.Asked("c", "websocket", "json", "json", **more)


def body(question):
    return json.loads(m.encoded(question))


def read(kind, answer, for_json=True):
    return m.read(kind, answer if isinstance(answer, bytes) else json.dumps(answer).encode(), for_json=for_json)


def nonsense(kind, answer, **how):
    with pytest.raises(m.Nonsense) as refusal:
        read(kind, answer, **how)
    return str(refusal.value)


# --------------------------------------------------------------------------------- questions


def test_what_is_not_said_is_left_out():
    assert body(asked()) == {"client": "c", "transport": "websocket", "protocol": "json", "encoding": "json"}


def test_an_anonymous_user_is_said():
    assert body(asked(user=""))["user"] == ""


def test_payloads_go_as_json_or_in_base64():
    question = asked()
    question.with_data(Raw(b'{"a":1}'), binary=False)
    assert body(question)["data"] == {"a": 1}
    question = asked()
    question.with_data(Raw(b"\x00"), binary=True)
    assert body(question)["b64data"] == b64(b"\x00")
    question = asked()
    question.with_data(Raw(b""), binary=False)
    assert "data" not in body(question)


def test_what_is_no_json_cannot_go_as_json():
    with pytest.raises(m.Nonsense):
        asked().with_data(Raw(b"\x00"), binary=False)


# ----------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_answer_and_an_unknown_field_are_fine(kind):
    assert read(kind, {}) is None
    assert read(kind, {"result": None, "error": None}) is None
    assert read(kind, {"result": {"new": 1}, "more": 2}) is not None


NULLS = {
    "connect": ("user", "expire_at", "b64info", "b64data", "channels", "subs"),
    "refresh": ("expired", "expire_at", "b64info"),
    "subscribe": ("b64info", "b64data", "override", "expire_at"),
    "sub_refresh": ("expired", "expire_at", "b64info"),
    "publish": ("b64data", "skip_history", "tags", "idempotency_key", "delta", "version", "version_epoch"),
    "rpc": ("b64data",),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_null_is_not_there(kind):
    """Many languages write null for each field that has no value."""
    nulls = dict.fromkeys(NULLS[kind])
    assert read(kind, {"result": nulls, "error": None, "disconnect": None}) == read(kind, {"result": {}})
    with pytest.raises(m.Refusal) as refusal:
        read(kind, {"result": nulls, "error": {"code": 1000, "message": None, "temporary": None}})
    assert refusal.value.verdict == ReplyError(1000, "", False)
    with pytest.raises(m.Refusal):
        read(kind, {"result": nulls, "error": None, "disconnect": {"code": 4500, "reason": None}})


def test_a_payload_that_is_null_is_one():
    said = read("connect", {"result": {"user": None, "data": None, "info": None, "subs": {"a": None}}})
    assert (bytes(said.data), bytes(said.info), said.server_side()) == (b"null", b"null", {"a": Granted()})
    assert bytes(read("rpc", {"result": {"data": None, "b64data": None}}).data) == b"null"
    assert read("publish", {"result": {"tags": {"a": None}}}).tags == {"a": None}


def test_a_field_in_another_case_beside_nulls_is_told():
    assert "another case" in nonsense("connect", {"result": {"User": "ann", "expire_at": None}})


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_is_told_apart(kind):
    with pytest.raises(m.Refusal) as refusal:
        read(kind, {"error": {"code": 1000, "message": "no", "temporary": True}})
    assert refusal.value.verdict == ReplyError(1000, "no", True)
    with pytest.raises(m.Refusal) as refusal:
        read(kind, {"disconnect": {"code": 4500, "reason": "go"}})
    verdict = refusal.value.verdict
    assert (verdict.code, verdict.reason, verdict.cause) == (4500, "go", "refused_by_hook")
    assert verdict.cause in closing.CAUSES


def test_no_close_is_without_a_reason():
    """The JavaScript SDK obeys no code alone."""
    with pytest.raises(m.Refusal) as refusal:
        read("connect", {"disconnect": {"code": 4500}})
    assert refusal.value.verdict.reason == "refused"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "answer", [b"", b"x", b"[]", b"null", b"5", b'{"result":5}', b'{"error":"x"}', b"\xff", b'{"a":"\xff"}']
)
def test_garbage_is_nonsense(kind, answer):
    assert nonsense(kind, answer)


def test_server_side_channels():
    result = read("connect", {"result": {"user": "a", "channels": ["x", "y"], "subs": {"y": {"info": 1}, "z": {}}}})
    found = result.server_side()
    assert list(found) == ["x", "y", "z"]
    assert bytes(found["y"].info) == b"1"


def test_overrides():
    result = read(
        "subscribe", {"result": {"override": {"force_recovery": {"value": True}, "presence": {"value": False}}}}
    )
    granted = m.allowed(result)
    assert (granted.force_recovery, granted.presence, granted.join_leave) == (True, False, None)


@pytest.mark.parametrize("kind", ["connect", "publish", "rpc"])
def test_payloads_come_as_json_or_in_base64(kind):
    assert bytes(read(kind, b'{"result":{"data":{"a":1}}}').data) == b'{"a":1}'
    assert bytes(read(kind, {"result": {"b64data": b64(b'{"a":1}')}}).data) == b'{"a":1}'
    assert bytes(read(kind, {"result": {"b64data": b64(b"\x00")}}, for_json=False).data) == b"\x00"


@pytest.mark.parametrize(
    ("kind", "result", "says"),
    [
        ("connect", {"b64data": b64(b"\x00")}, "the answer's b64data is not JSON, and the client takes nothing else"),
        ("connect", {"b64info": b64(b"\x00")}, "the answer's b64info is not JSON"),
        ("connect", {"subs": {"a": {"b64info": "?"}}}, "a b64 field of the answer is not the base64 form of JSON"),
        ("connect", {"expire_at": -5}, "the answer's expire_at is no Unix time in seconds"),
        ("connect", {"expire_at": 2**50}, "the answer's expire_at is no Unix time in seconds"),
        ("rpc", {"b64data": b64(b"\x00")}, "the answer's b64data is not JSON, and the client takes nothing else"),
        ("rpc", {"b64data": "?"}, "a b64 field is not base64"),
        ("refresh", {"b64info": "x"}, "a b64 field is not base64"),
        ("subscribe", {"b64data": "?"}, "a b64 field of the answer is not the base64 form of JSON"),
        ("publish", {"version": -1}, "the answer's version is out of bounds"),
        ("publish", {"version": 2**63}, "the answer's version is out of bounds"),
    ],
)
def test_what_cannot_be_sent_on_is_nonsense(kind, result, says):
    assert nonsense(kind, {"result": result}) == says


def test_json_that_nests_too_deep_is_nonsense():
    deep = b"[" * 300 + b"]" * 300
    for kind, name in (("connect", "info"), ("connect", "meta"), ("rpc", "data"), ("subscribe", "data")):
        assert "nests too deep" in nonsense(kind, b'{"result":{"%s":%s}}' % (name.encode(), deep))


@pytest.mark.parametrize("code", [0, -1, 65536])
def test_an_error_has_a_code(code):
    assert nonsense("rpc", {"error": {"code": code}}) == "the answer's error has no code of 1 to 65535"


@pytest.mark.parametrize("code", [0, 1000, 2999, 5000])
def test_a_close_has_a_code_that_websocket_allows(code):
    assert nonsense("rpc", {"disconnect": {"code": code}}) == "the answer's disconnect code is not one of 3000 to 4999"


@given(st.sampled_from(KINDS), st.binary(max_size=60), st.booleans())
def test_no_answer_makes_anything_but_a_result_a_refusal_or_nonsense(kind, answer, for_json):
    try:
        read(kind, answer, for_json=for_json)
    except (m.Nonsense, m.Refusal):
        pass


@given(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from(
            ["user", "expire_at", "info", "b64info", "data", "b64data", "channels", "subs", "meta", "tags", "expired"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["info", "b64data", "a"]), inner, max_size=2)
            ),
            max_leaves=4,
        ),
        max_size=4,
    ),
)
@pytest.mark.slow
def test_nearly_good_answers_too(kind, result):
    try:
        read(kind, {"result": result})
    except (m.Nonsense, m.Refusal):
        pass
