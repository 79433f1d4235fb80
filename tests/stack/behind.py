"""Readers that do not keep up, as many and as far behind as a test wants."""

import asyncio
import socket

from tests.e2e.raw import Gone, Raw


class Behind:
    """Readers of one channel that stay ``lag`` messages behind its publisher."""

    def __init__(self, running, channel, *, readers, lag, size, a_second):
        self._running, self._channel, self._readers = running, channel, readers
        self._lag, self._size, self._pause = lag, size, 1 / a_second
        self._published = 0
        self._tasks = []
        self._sockets = []

    async def __aenter__(self):
        for number in range(self._readers):
            token = self._running.token(f"{self._channel}-{number}")
            raw = await Raw.connected(self._running.port, token, self._channel)
            # Given a size, the kernel no longer grows the buffer for a reader that reads: it would swallow the lag.
            raw.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
            self._sockets.append(raw)
        self._tasks = [asyncio.create_task(self._publish())]
        self._tasks += [asyncio.create_task(self._read(each)) for each in self._sockets]
        return self

    async def __aexit__(self, *_):
        for task in self._tasks:
            task.cancel()
        done = await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._sockets:
            await each.abort()
        assert all(isinstance(each, asyncio.CancelledError | Gone) for each in done), done

    async def _publish(self):
        while True:
            await asyncio.to_thread(self._running.publish, self._channel, {"text": "x" * self._size})
            self._published += 1
            await asyncio.sleep(self._pause)

    async def _read(self, raw):
        received = 0
        while True:
            if self._published - received > self._lag:
                for reply in await raw.replies():
                    received += "push" in reply
            else:
                await asyncio.sleep(0.02)
