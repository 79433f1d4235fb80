import asyncio
import ssl

import aiohttp
import pytest

from service.lab.publisher import NotPublished, publish
from service.lab.subscriber import GaveUp, Subscriber
from service.lab.unanswered import why
from tests.service.connections.authority import Authority


@pytest.fixture
async def port(tmp_path):
    """That of a server whose certificate nobody trusts."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*Authority(tmp_path).issue())
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()


NOT_TRUSTED = "its certificate is not trusted: .*; the environment's SSL_CERT_FILE=FILE names whom to trust"


async def test_a_certificate_that_is_not_trusted_is_not_called_a_silence(port):
    with pytest.raises(NotPublished, match=NOT_TRUSTED):
        await publish(f"https://127.0.0.1:{port}", "key", "news", 1)
    with pytest.raises(GaveUp, match=NOT_TRUSTED):
        await anext(Subscriber(f"wss://127.0.0.1:{port}/", "token", ["news"], print).receive())


async def test_no_tls_where_tls_is_wanted():
    async def answers(_reader, writer):
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answers, "127.0.0.1", 0) as server:
        with pytest.raises(NotPublished, match="it speaks no TLS: say http://"):
            await publish(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", "key", "news", 1)


def test_what_has_no_words_has_its_name():
    assert why(TimeoutError()) == "no answer in time"
    assert why(aiohttp.ServerDisconnectedError()) == "Server disconnected"
    assert why(OSError()) == "OSError"
