"""A wire between client and server that a test can cut: real sockets, unmodified clients."""

import asyncio
import contextlib
import socket
import struct


class Wire:
    """Listens on `port` and carries bytes to the server; `cut` kills the sockets of both sides. `broken`: nobody gets through."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._pairs: list[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = []
        self._carrying: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0
        self.opened = 0
        self.broken = False
        self.told = bytearray()  # everything the server said, over all connections

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None, "entered"
        self._server.close()
        self.cut()
        for task in list(self._carrying):
            task.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/connection/websocket"

    def cut(self, *, reset: bool = True) -> int:
        """Ends every connection, with RST (or FIN) in both directions; how many there were."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for writer in pair:
                if reset:
                    with contextlib.suppress(OSError):
                        _abrupt(writer)
                writer.transport.abort()
        return len(pairs)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.broken:
                raise ConnectionAbortedError
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            self._writers.append(writer)
            return
        self.opened += 1
        self._pairs.append((writer, far_writer))
        self._writers += (writer, far_writer)
        for source, drain in ((reader, far_writer), (far_reader, writer)):
            task = asyncio.create_task(self._carry(source, drain, self.told if source is far_reader else None))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)

    async def _carry(self, source: asyncio.StreamReader, drain: asyncio.StreamWriter, told: bytearray | None) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(65536):
                if told is not None:
                    told += chunk
                drain.write(chunk)
                await drain.drain()
        drain.close()


def _abrupt(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
