"""A published port: bytes arrive whole in both directions, ends and breaks are passed on, nothing is swallowed."""

import asyncio
import contextlib
import socket

import pytest

from deploy.native.forward import serve
from deploy.native.plan import Forward


@pytest.fixture
async def carried():
    """Starts a server of the test behind a forward; its address, and the connections that the server got."""
    async with contextlib.AsyncExitStack() as stack:
        keep = set()

        async def start(handle):
            server = await asyncio.start_server(handle, "127.0.0.1", 0)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            outside = socket.create_server(("127.0.0.1", 0))
            address = outside.getsockname()
            inside = server.sockets[0].getsockname()
            forward = await serve(Forward(outside.detach(), *inside), keep)
            stack.callback(forward.close)
            return address

        yield start
        for task in keep:
            task.cancel()
        await asyncio.gather(*keep, return_exceptions=True)


async def ended(writer):
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def test_bytes_arrive_whole_and_so_does_the_end(carried):
    async def echo(reader, writer):
        writer.write(await reader.read())  # until the client's half is closed
        await ended(writer)

    reader, writer = await asyncio.open_connection(*await carried(echo))
    data = bytes(range(256)) * 4000
    writer.write(data)
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), 10) == data
    await ended(writer)


async def test_a_client_that_breaks_off_is_gone_for_the_server_too(carried):
    gone = asyncio.get_running_loop().create_future()

    async def listen(reader, writer):
        try:
            gone.set_result(await reader.read())
        except OSError as error:
            gone.set_result(error)
        await ended(writer)

    _, writer = await asyncio.open_connection(*await carried(listen))
    writer.write(b"hello")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    await asyncio.wait_for(gone, 5)
    await ended(writer)


async def test_a_reader_that_does_not_read_is_felt_by_the_server(carried):
    """At most some hundred kilobytes lie on the way; Linux alone would take megabytes."""
    taken = 0
    stuck = asyncio.Event()

    async def pour(_, writer):
        nonlocal taken
        writer.transport.set_write_buffer_limits(0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        with contextlib.suppress(TimeoutError):
            while taken < 8_000_000:
                writer.write(b"x" * 16384)
                taken += 16384
                await asyncio.wait_for(writer.drain(), 1.0)
        stuck.set()
        writer.transport.abort()
        await ended(writer)

    raw = socket.create_connection(await carried(pour))
    await asyncio.wait_for(stuck.wait(), 20)
    raw.close()
    assert taken < 1_000_000


async def test_nobody_behind_it_is_a_closed_connection():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    outside = socket.create_server(("127.0.0.1", 0))
    address = outside.getsockname()
    keep = set()
    forward = await serve(Forward(outside.detach(), "127.0.0.1", nobody), keep)
    reader, writer = await asyncio.open_connection(*address)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 5) == b""
    await ended(writer)
    forward.close()
