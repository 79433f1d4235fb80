"""A thousand closes against clients that keep sending: each of them learns the code."""

import asyncio
import collections
import contextlib

from tests.e2e.raw import Raw
from tests.e2e.served import Served, token

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


async def test_a_thousand_closes_against_busy_clients_all_arrive(tmp_path):
    with Served(tmp_path) as server:
        codes: collections.Counter[int | None] = collections.Counter()
        for batch in range(CLIENTS // BATCH):
            user = f"user-{batch}"
            clients = await asyncio.gather(*(Raw.connected(server.port, token(user)) for _ in range(BATCH)))
            hearing = [asyncio.create_task(code_heard(raw)) for raw in clients]
            await asyncio.sleep(10 * CHATTER)  # all of them talk by now
            await asyncio.to_thread(server.api, "disconnect", user=user, disconnect={"code": 4321, "reason": "bye"})
            codes.update(await asyncio.gather(*hearing))
        assert codes == {4321: CLIENTS}


async def test_closing_a_busy_server_tells_everybody(tmp_path):
    with Served(tmp_path) as server:
        clients = await asyncio.gather(*(Raw.connected(server.port, token("ada")) for _ in range(200)))
        hearing = [asyncio.create_task(code_heard(raw)) for raw in clients]
        await asyncio.sleep(0.1)
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        codes = collections.Counter(await asyncio.gather(*hearing))
        assert codes == {3001: 200}
        assert (await stopping)[0] == 0
