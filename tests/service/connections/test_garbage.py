"""However a connection or a request ends, no cycle is left of it.

What lives long is frozen out of the collector's sight (``observability.runtime.Collector``): a cycle through it stays
for ever, and a stranger could make us grow by ending again and again in the way that leaves one.
"""

import contextlib
import gc

import aiohttp
import pytest

from service.lab.load.wire import BAD_FRAMES
from service.protocol import framing
from tests.service.connections.streaming import ON, connect, emulate, http_stream, opened, sse, until

OURS = ("service.", "observability.")
FRAMES = dict(BAD_FRAMES)


@contextlib.contextmanager
def no_cycles():
    """Nothing of ours needs the collector in what is done here."""
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield
        gc.collect()
        found = sorted({kind for one in gc.garbage if (kind := type(one).__module__).startswith(OURS)})
        assert found == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def test_a_cycle_would_be_seen(node):
    greeted = await node.greeted()
    connection = node.station.registry.get(greeted.client)
    connection._parser.error = connection
    with pytest.raises(AssertionError, match=r"service\.connections\.connection"), no_cycles():
        del connection
        greeted.writer.close()
        await until(lambda: not node.station.registry.sockets)


@pytest.mark.parametrize(
    "last",
    [
        *FRAMES.values(),
        framing.client_frame(framing.CLOSE, b"\x03\xe8", b"load"),
        framing.client_frame(framing.CLOSE, b"\x00", b"load"),
        framing.client_frame(framing.CLOSE, b"\x03\xe8\xff", b"load"),
        framing.client_frame(framing.TEXT, b'{"id":1,"connect":{"token":"no.token.at-all"}}', b"load"),
        framing.client_frame(framing.TEXT, b'{"id":9,"subscribe":{"channel":"no:such"}}', b"load"),
        framing.client_frame(framing.TEXT, b'{"id":9,"publish":{"channel":"a","data":{}}}\nnot JSON', b"load"),
        framing.client_frame(framing.PING, b"", b"load") * 100,
        b"",
    ],
    ids=[*FRAMES, "close", "bad close", "bad reason", "token", "refused", "half good", "flood", "silence"],
)
async def test_an_end_leaves_no_cycle(node, last):
    async def come_and_go():
        for peer in (await node.peer(), await node.greeted()):
            peer.writer.write(last)
            await peer.writer.drain()
            peer.writer.write_eof()
            await peer.reader.read()
            peer.writer.close()
        await until(lambda: not node.station.registry.sockets)

    await come_and_go()  # what is made once has been made
    with no_cycles():
        await come_and_go()


async def test_streams_and_requests_leave_none(make_node):
    node = await make_node(**ON)

    async def streams():
        for start in (sse, http_stream):
            body = await start(node)
            greeting = (await body.message())["connect"]
            for command in ({"id": 2, "subscribe": {"channel": "a"}}, {"id": 3, "nonsense": {}}):
                await emulate(node, greeting, command)
            await emulate(node, {"session": "nobody", "node": greeting["node"]}, {})
            body.writer.close()
        refused = await opened(node, "POST", "/connection/http_stream", b"no JSON")
        await refused.reader.read()
        refused.writer.close()
        too_late = await http_stream(node, connect(exp=1))
        await too_late.message()
        too_late.writer.close()
        await until(lambda: not node.station.registry.sockets)

    async def requests():
        async with aiohttp.ClientSession() as http:
            for path, body, key in (
                ("/api/publish", b'{"channel":"no:such","data":1}', "key"),
                ("/api/publish", b"no JSON", "key"),
                ("/api/nonsense", b"{}", "key"),
                ("/api/publish", b"{}", "another"),
                ("/connection/websocket", b"", ""),
            ):
                where = f"http://127.0.0.1:{node.port}{path}"
                async with http.post(where, data=body, headers={"X-API-Key": key}) as answer:
                    await answer.read()

    await streams()
    await requests()
    with no_cycles():
        await streams()
        await requests()
