"""Published ports: a connection to the machine's side goes on to the service's side, as Docker's proxy does it.

The buffers are small, so that a reader that does not read is seen by the service and not swallowed here.
"""

import asyncio
import contextlib
import socket
from typing import Final

from deploy.native.plan import Forward

_BUFFER: Final = 32 * 1024  # bytes


async def serve(forward: Forward, keep: set[asyncio.Task[None]]) -> asyncio.Server:
    """Begin to accept; ``keep`` holds what is under way."""

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(_carry(forward, reader, writer))
        keep.add(task)
        task.add_done_callback(keep.discard)

    listening = socket.socket(fileno=forward.descriptor)
    listening.setblocking(False)
    return await asyncio.start_server(accepted, sock=listening, limit=_BUFFER)


async def _carry(forward: Forward, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    beyond = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    beyond.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    beyond.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(beyond, (forward.host, forward.port))
        there, here = await asyncio.open_connection(sock=beyond, limit=_BUFFER)
    except OSError:
        beyond.close()
        writer.transport.abort()
        return
    _small(writer)
    _small(here)
    try:
        await asyncio.gather(_pump(reader, here), _pump(there, writer))
    finally:
        for side in (writer, here):
            side.close()
        for side in (writer, here):
            with contextlib.suppress(OSError):
                await side.wait_closed()


def _small(writer: asyncio.StreamWriter) -> None:
    writer.transport.set_write_buffer_limits(high=_BUFFER)
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, until its end; a broken side breaks the other."""
    try:
        while data := await reader.read(_BUFFER):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()
