"""SIGTERM: red, closed, 3001 for everybody with time to read it, exit 0; and telemetry that is absent, slow or lying costs nothing."""

import asyncio
import collections
import contextlib
import statistics
import time

import pytest

from tests.e2e.raw import Raw
from tests.e2e.served import Served, free_port, token


async def test_sigterm_says_goodbye_to_everybody(tmp_path):
    with Served(tmp_path) as server:
        clients = await asyncio.gather(*(Raw.connected(server.port, token("ada")) for _ in range(50)))
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        ends = collections.Counter([(await asyncio.wait_for(raw.end(), 10)).code for raw in clients])
        assert ends == {3001: 50}
        assert await asyncio.to_thread(server.status, "/ready", internal=True) in {0, 503}
        assert await asyncio.to_thread(server.status, "/health") == 0  # nobody listens
        for raw in clients:  # the peers' turn: the server waits for their Close
            raw.send((3001).to_bytes(2), 0x8)
            raw.writer.close()
            await raw.writer.wait_closed()
        code, took = await stopping
        assert (code, took < 5) == (0, True)


async def test_readiness_is_red_while_the_last_clients_linger(tmp_path):
    with Served(tmp_path) as server:
        silent = await Raw.connected(server.port, token("ada"))
        stopping = asyncio.create_task(asyncio.to_thread(server.stop))
        await asyncio.wait_for(silent.end(), 10)
        assert await asyncio.to_thread(server.status, "/ready", internal=True) == 503
        await silent.abort()
        assert (await stopping)[0] == 0


@pytest.mark.slow
async def test_a_client_that_never_answers_cannot_hold_the_server(tmp_path):
    with Served(tmp_path) as server:
        deaf = [await Raw.connected(server.port, token("ada")) for _ in range(3)]
        code, took = await asyncio.to_thread(server.stop)
        assert (code, took <= 10) == (0, True)
        for raw in deaf:
            await raw.abort()


class Collector:
    """What stands at the OTLP endpoint: `silent` takes and never answers, `lying` answers 200 with nonsense, `broken` 500."""

    def __init__(self, manner: str) -> None:
        self._manner = manner
        self.port = 0
        self.asked = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> "Collector":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve(self, reader, writer):
        self.asked += 1
        self._writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                if self._manner == "silent":
                    await reader.read()
                    return
                status = b"500 No" if self._manner == "broken" else b"200 OK"
                writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrubbish")
                await writer.drain()
                writer.close()
                return


async def paces(server) -> float:
    """The median of a hundred publications, each until its listener has it, in seconds."""
    listener = await Raw.connected(server.port, token("ada"), "news")
    took = []
    for number in range(100):
        began = time.monotonic()
        await asyncio.to_thread(server.publish, "news", number)
        replies = await asyncio.wait_for(listener.replies(), 5)
        took.append(time.monotonic() - began)
        assert [one["push"]["pub"]["data"] for one in replies] == [number]
    await listener.abort()
    assert max(took) < 1
    return statistics.median(took)


@pytest.mark.parametrize("manner", ["absent", "silent", "lying", "broken"])
@pytest.mark.slow
async def test_a_bad_collector_costs_nothing(tmp_path, manner):
    """Publishing keeps the pace of a server without telemetry, nothing is lost, the stop waits at most two seconds for it."""
    (plain := tmp_path / "plain").mkdir()
    async with Collector(manner) as collector:
        port = free_port() if manner == "absent" else collector.port
        endpoint = f"http://127.0.0.1:{port}"
        with Served(plain) as alone, Served(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint) as server:
            bare, seen = [], []
            for _ in range(3):  # in turns, so that a busy machine is busy for both
                bare.append(await paces(alone))
                seen.append(await paces(server))
            assert min(seen) < 1.5 * min(bare) + 0.001, (bare, seen)
            lost = 0.0
            async with asyncio.timeout(30):  # it was really asked, and what it did not take was told
                while manner not in {"lying"} and not lost:
                    lost = await asyncio.to_thread(server.figure, "heliograph_spans_dropped_total")
                    await asyncio.sleep(0.1)
                while manner != "absent" and not collector.asked:
                    await asyncio.sleep(0.1)
            by_itself = await asyncio.to_thread(alone.stop)
            code, took = await asyncio.to_thread(server.stop)
            assert (by_itself[0], code) == (0, 0)
            assert took <= by_itself[1] + 2.2, "two seconds for telemetry, the rest is the process's own end"
