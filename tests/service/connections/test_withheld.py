"""Who is refused on a stream that only listens hears it by HTTP status, where a configuration wants that."""

import json

import pytest

from tests.service.connections.streaming import ON, opened, token

ANSWERS = {
    "enabled": True,
    "transforms": [
        {"code": 109, "to": {"status_code": 401, "body": "get a new token"}},
        {"code": 3500, "to": {"status_code": 403}},
        {"code": 103, "to": {"status_code": 204, "body": "left out"}},
        {"code": 102, "to": {"status_code": 499}},
        {"code": 109, "to": {"status_code": 418}},
    ],
}
CHANGES = {
    **ON,
    **{name: {"enabled": True, "connect_code_to_http_response": ANSWERS} for name in ("uni_sse", "uni_http_stream")},
}


@pytest.fixture
async def node(make_node):
    return await make_node(**CHANGES)


async def asked(node, transport, request, *headers):
    return await opened(node, "POST", f"/connection/{transport}", json.dumps(request).encode(), headers=headers)


async def whole(body):
    length = int(body.headers.get("Content-Length", 0))
    said = (await body.reader.readexactly(length)).decode()
    assert await body.ended()
    return body.status, said


@pytest.mark.parametrize("transport", ["uni_sse", "uni_http_stream"])
@pytest.mark.parametrize(
    ("request_", "status", "said"),
    [
        ({"token": token(exp=1)}, 401, "get a new token"),
        ({"token": "nonsense"}, 403, "invalid token"),
        ({"token": token(channels=["nope:a"])}, 499, "unknown channel"),
        ({}, 500, "Internal Server Error"),
    ],
    ids=["by an error", "by a close", "an odd status", "what is not listed"],
)
async def test_a_refusal_is_a_status(node, transport, request_, status, said):
    body = await asked(node, transport, request_)
    assert body.headers["Connection"] == "close"
    assert await whole(body) == (status, said)


@pytest.mark.parametrize("transport", ["uni_sse", "uni_http_stream"])
async def test_who_is_let_in_has_a_stream_as_ever(node, transport):
    body = await asked(node, transport, {"token": token()})
    assert body.status == 200
    assert body.headers["Transfer-Encoding"] == "chunked"
    assert "connect" in await body.message()
    assert body.chunks[0].startswith(b"\r\n" if transport == "uni_sse" else b"{")


async def test_pages_of_an_allowed_origin_may_read_the_refusal(node):
    body = await asked(node, "uni_sse", {"token": "nonsense"}, "Origin: https://app.example.com")
    assert body.headers["Access-Control-Allow-Origin"] == "https://app.example.com"
    assert body.status == 403


async def test_without_a_place_it_is_503(make_node):
    node = await make_node(**{**CHANGES, "client": {"connection_limit": 1}})
    first = await asked(node, "uni_sse", {"token": token()})
    await first.message()
    second = await asked(node, "uni_sse", {"token": token()})
    assert (await whole(second))[0] == 503
    assert second.headers["Retry-After"] == "5"


async def test_the_others_are_told_in_the_stream(make_node):
    """Without the option a refused connect is 200 and a push, as in Centrifugo; the code can be another one."""
    instead = {"enabled": True, "transforms": [{"code": 109, "to": {"code": 4321, "reason": "get a new one"}}]}
    node = await make_node(**{**ON, "client": {"connect_code_to_unidirectional_disconnect": instead}})
    body = await asked(node, "uni_sse", {"token": token(exp=1)})
    assert body.status == 200
    assert await body.message() == {"disconnect": {"code": 4321, "reason": "get a new one"}}
    body = await asked(node, "uni_http_stream", {"token": token(channels=["nope:a"])})
    assert await body.message() == {"disconnect": {"code": 3004, "reason": "internal server error"}}


async def test_both_options_look_at_the_error_itself(make_node):
    instead = {"enabled": True, "transforms": [{"code": 109, "to": {"code": 4321, "reason": "get a new one"}}]}
    node = await make_node(**{**CHANGES, "client": {"connect_code_to_unidirectional_disconnect": instead}})
    assert await whole(await asked(node, "uni_sse", {"token": token(exp=1)})) == (401, "get a new token")
