"""A publication that is no UTF-8 or no JSON closes nobody but its sender."""

import asyncio
import urllib.error
import urllib.request

import pytest

from tests.e2e.raw import Raw
from tests.e2e.served import KEY, Served, token

CHANNEL = "news"
BAD = {
    "bad UTF-8": (b'{"id":9,"publish":{"channel":"news","data":"\xff"}}', 1007),
    "half a character": (b'{"id":9,"publish":{"channel":"news","data":"\xe2\x82"}}', 1007),
    "a surrogate": (b'{"id":9,"publish":{"channel":"news","data":"\xed\xa0\x80"}}', 1007),
    "no JSON": (b'{"id":9,"publish":{"channel":"news","data":{"a":}}}', 3501),
    "half of a JSON": (b'{"id":9,"publish":{"channel":"news","data":[1,', 3501),
    "nothing": (b"", 3501),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("server")) as served:
        yield served


async def still_hear(listeners, server):
    """Every listener is open and gets the next good publication, and nothing else before it."""
    await asyncio.to_thread(server.publish, CHANNEL, "good")
    for listener in listeners:
        replies = await asyncio.wait_for(listener.replies(), 5)
        assert [one["push"]["pub"]["data"] for one in replies] == ["good"]


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_publication_of_a_client_closes_only_itself(server, case):
    payload, code = BAD[case]
    listeners = [await Raw.connected(server.port, token("ada"), CHANNEL) for _ in range(5)]
    sender = await Raw.connected(server.port, token("eve"), CHANNEL)
    sender.send(payload)
    assert (await asyncio.wait_for(sender.end(), 5)).code == code
    await still_hear(listeners, server)
    for raw in [*listeners, sender]:
        await raw.abort()


@pytest.mark.parametrize(
    "body",
    [b'{"channel":"news","data":"\xff"}', b'{"channel":"news","data":{"a":}}', b'{"channel":"news","data":'],
    ids=["bad UTF-8", "no JSON", "half of a JSON"],
)
async def test_a_bad_publication_of_the_backend_closes_nobody(server, body):
    def publish():
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.port}/api/publish", body, {"X-API-Key": KEY, "Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    listeners = [await Raw.connected(server.port, token("ada"), CHANNEL) for _ in range(5)]
    status, said = await asyncio.to_thread(publish)
    assert status == 400 or b'"error"' in said
    await still_hear(listeners, server)
    for raw in listeners:
        await raw.abort()
