import pytest
from aiohttp import web

from service.lab.publisher import NotPublished, Published, publish


@pytest.fixture
async def backend(aiohttp_server):
    """A server API that answers what it is told to, and keeps what it was sent."""

    async def serve(answer=None, status=200, headers=None):
        seen = []

        async def handle(request):
            seen.append((request.path, request.headers.get("X-API-Key"), await request.json()))
            return (
                web.json_response(answer, status=status, headers=headers)
                if answer is not None
                else web.Response(status=status)
            )

        application = web.Application()
        application.router.add_post("/api/publish", handle)
        server = await aiohttp_server(application)
        return str(server.make_url("")).rstrip("/"), seen

    return serve


async def test_a_message_is_published(backend):
    url, seen = await backend({"result": {"offset": 3, "epoch": "e"}}, headers={"traceparent": "00-a"})
    assert await publish(url + "/", "key", "news", {"a": 1}) == Published(3, "e", "00-a")
    assert seen == [("/api/publish", "key", {"channel": "news", "data": {"a": 1}})]


async def test_without_history_there_is_no_place(backend):
    url, _ = await backend({"result": {}})
    assert await publish(url, "key", "news", 1) == Published(0, "", "")


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (None, 401, "refuses the API key"),
        (None, 404, "HTTP status 404"),
        (None, 400, "HTTP status 400"),
        ({"error": {"code": 102, "message": "unknown channel"}}, 200, r"unknown channel \(code 102\)"),
        ([], 200, "something unknown"),
        ({"other": 1}, 200, "something unknown"),
    ],
)
async def test_every_refusal_is_a_sentence(backend, answer, status, says):
    url, _ = await backend(answer, status)
    with pytest.raises(NotPublished, match=says):
        await publish(url, "key", "news", 1)


async def test_nobody_there(unused_tcp_port):
    with pytest.raises(NotPublished, match=r"no server answers at .* \(Connection refused\)"):
        await publish(f"http://127.0.0.1:{unused_tcp_port}", "key", "news", 1)


async def test_no_url():
    with pytest.raises(NotPublished, match="is no URL"):
        await publish("nonsense", "key", "news", 1)


async def test_what_the_server_says_of_a_message_is_told(aiohttp_server):
    async def refuses(_request):
        return web.Response(status=400, text="Bad Request: Expected `str`\n")

    application = web.Application()
    application.router.add_post("/api/publish", refuses)
    server = await aiohttp_server(application)
    with pytest.raises(NotPublished, match="^the server refuses: Expected `str`$"):
        await publish(f"http://127.0.0.1:{server.port}", "key", "news", 1)


async def test_an_address_without_its_scheme():
    with pytest.raises(NotPublished, match=r"127\.0\.0\.1:8000 is no URL; it looks like http://"):
        await publish("127.0.0.1:8000", "key", "news", 1)


async def test_a_key_with_the_end_of_a_line(backend):
    url, _ = await backend({"result": {}})
    with pytest.raises(NotPublished, match="what no header can carry"):
        await publish(url, "key\r", "news", 1)
