"""The HTTP client against a backend that behaves, errs, stalls and lies."""

import gzip
import time

import pytest

from service.outside.failures import OutsideFailed
from service.outside.http_client import ClientSettings, HttpClient, HttpQuestion
from tests.service.outside.backend import Backend, drips, gushes, raw, response, stalls


@pytest.fixture
async def backend():
    async with Backend() as backend:
        yield backend


@pytest.fixture
async def client():
    client = HttpClient("1.2.3", ClientSettings(max_body=100_000))
    yield client
    await client.close()


async def ask(client, backend, limit=5.0, **more):
    return await client.ask(HttpQuestion("POST", backend.address + "/x", {"x-a": "1"}, b"{}"), limit)


async def test_a_question_is_asked_as_it_is(client, backend):
    backend.says("/x", {"result": {}})
    assert await ask(client, backend) == b'{"result": {}}'
    [(method, path, headers, body)] = backend.asked
    assert (method, path, body, headers["x-a"]) == ("POST", "/x", b"{}", "1")
    assert headers["user-agent"] == "heliograph/1.2.3"
    assert headers["accept-encoding"] == "identity"


async def test_connections_are_kept(client, backend):
    backend.says("/x", b"1")
    for _ in range(5):
        await ask(client, backend)
    assert len(backend._tasks) == 1


async def test_cookies_are_nobody_s_business(client, backend):
    backend.says("/x", raw(response(200, b"1", "Set-Cookie: a=b"), then_close=False), b"2")
    await ask(client, backend)
    await ask(client, backend)
    assert "cookie" not in backend.headers("/x")[1]


LIES = {
    "a status": (500, "status", "status 500 instead of 200"),
    "created": (201, "status", "status 201 instead of 200"),
    "not found": (404, "status", "status 404 instead of 200"),
    "redirect": (
        raw(response(302, b"", "Location: /y")),
        "status",
        "status 302 instead of 200; redirects are not followed",
    ),
    "no HTTP": (raw(b"SSH-2.0-x\r\n\r\n"), "garbage", "no HTTP as it should be: "),
    "half a head": (raw(b"HTTP/1.1 200 OK\r\nContent-"), "unreachable", "no connection: "),
    "half a body": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx"), "garbage", "no HTTP as it should be: "),
    "bad chunks": (
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        "garbage",
        "no HTTP as it should be: ",
    ),
    "nothing": (raw(b""), "unreachable", "no connection: ServerDisconnectedError"),
    "compressed": (
        raw(response(200, gzip.compress(b"{}"), "Content-Encoding: gzip")),
        "garbage",
        "the answer is compressed, which nobody asked for",
    ),
    "too long": (b"x" * 100_001, "garbage", "the answer is longer than 100000 bytes"),
    "endless": (gushes, "garbage", "the answer is longer than 100000 bytes"),
}


@pytest.mark.parametrize("lie", LIES)
async def test_what_is_no_good_answer_has_its_sentence(client, backend, lie):
    answer, result, says = LIES[lie]
    backend.says("/x", answer)
    with pytest.raises(OutsideFailed) as failure:
        await ask(client, backend)
    assert failure.value.result == result
    assert str(failure.value).startswith(says)


@pytest.mark.parametrize("slow", [stalls, drips])
async def test_a_slow_answer_ends_in_time(client, backend, slow):
    backend.says("/x", slow)
    began = time.monotonic()
    with pytest.raises(OutsideFailed) as failure:
        await ask(client, backend, limit=0.2)
    assert (failure.value.result, str(failure.value)) == ("timeout", "no whole answer within 0.2 s")
    assert time.monotonic() - began < 2


async def test_nobody_there(client, backend):
    question = HttpQuestion("GET", "http://127.0.0.1:1/x", {})
    with pytest.raises(OutsideFailed) as failure:
        await client.ask(question, 5.0)
    assert failure.value.result == "unreachable"
    assert str(failure.value) == "no connection to 127.0.0.1, port 1: Connection refused"


async def test_a_name_that_nobody_has(client):
    with pytest.raises(OutsideFailed) as failure:
        await client.ask(HttpQuestion("GET", "http://nobody.invalid/x", {}), 5.0)
    assert (failure.value.result, str(failure.value)) == (
        "unreachable",
        "no connection: the name nobody.invalid is not known",
    )


async def test_closing_twice_is_closing(client):
    await client.close()
    await client.close()
