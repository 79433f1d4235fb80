"""A thousand closes against clients that keep sending: each of them learns the code."""

import asyncio
import collections
import contextlib

import pytest

from service.protocol import framing
from tests.e2e.raw import Raw
from tests.e2e.served import Served, configuration, token

CLIENTS, BATCH = 1000, 100
CHATTER = 0.002  # seconds between the frames of one client


async def chatter(raw: Raw, heard: asyncio.Event) -> None:
    """Sends and sends, as a busy client does that has not looked at its socket yet."""
    number = 10
    with contextlib.suppress(OSError):
        while not heard.is_set():
            number += 1
            raw.command(id=number, unsubscribe={"channel": "never-joined"})
            await raw.writer.drain()
            await asyncio.sleep(CHATTER)


async def code_heard(raw: Raw) -> int | None:
    """The code of the Close frame, read while the same client goes on sending."""
    heard = asyncio.Event()
    talking = asyncio.create_task(chatter(raw, heard))
    gone = await raw.end()
    heard.set()
    await talking
    await raw.abort()
    return gone.code


def api(**disconnect):
    """A backend that ends the connections of a user."""

    async def provoke(server, user, _clients):
        await asyncio.to_thread(server.api, "disconnect", user=user, **disconnect)

    return provoke


def client(payload: bytes, opcode: int = framing.TEXT):
    """Clients that send what no server takes, and talk on as if nothing had happened."""

    async def provoke(_server, _user, clients):
        for raw in clients:
            raw.send(payload, opcode)

    return provoke


async def nothing(_server, _user, _clients):
    """Nobody here answers a ping."""


ENDS = {
    4321: api(disconnect={"code": 4321, "reason": "bye"}),
    3503: api(),
    3501: client(b'{"id": 5'),
    3012: nothing,
    1002: client(b"", 0xB),
    1007: client(b"\xff"),
    1009: client(b"x" * 70_000),
}
"""Close code → what leads to it."""


@pytest.mark.slow
async def test_a_thousand_closes_against_busy_clients_all_arrive(tmp_path):
    settings = configuration(client__ping_interval="2s", client__pong_timeout="1s")
    with Served(tmp_path, settings) as server:
        for batch in range(CLIENTS // BATCH):
            code, provoke = list(ENDS.items())[batch % len(ENDS)]
            user = f"user-{batch}"
            clients = await asyncio.gather(*(Raw.connected(server.port, token(user)) for _ in range(BATCH)))
            hearing = [asyncio.create_task(code_heard(raw)) for raw in clients]
            await asyncio.sleep(10 * CHATTER)  # all of them talk by now
            await provoke(server, user, clients)
            codes = collections.Counter(await asyncio.gather(*hearing))
            assert codes == {code: BATCH}


async def test_closing_a_busy_server_tells_everybody(tmp_path):
    with Served(tmp_path) as server:
        clients = await asyncio.gather(*(Raw.connected(server.port, token("ada")) for _ in range(200)))
        hearing = [asyncio.create_task(code_heard(raw)) for raw in clients]
        await asyncio.sleep(0.1)
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        codes = collections.Counter(await asyncio.gather(*hearing))
        assert codes == {3001: 200}
        assert (await stopping)[0] == 0
