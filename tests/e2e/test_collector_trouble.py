"""A Collector that is down from the start, comes, is slow, hangs, fails, goes and comes again: messages keep their pace,
memory stays, and every span is either with the Collector or counted as lost."""

import asyncio
import contextlib
import json
import math
import time
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.e2e.raw import Raw
from tests.e2e.served import KEY, Served, configuration, free_port, token

#: How the Collector is, one after the other, and the figure that shows that it was noticed.
EXPORTED, DROPPED = "heliograph_spans_exported_total", "heliograph_spans_dropped_total"
PHASES = (
    ("absent", DROPPED),
    ("taking", EXPORTED),
    ("slow", EXPORTED),
    ("silent", DROPPED),
    ("broken", DROPPED),
    ("absent", DROPPED),
    ("taking", EXPORTED),
)
EACH = 60  # publications of a phase, to each server, at least


class Collector:
    """What stands at the OTLP endpoint, in a manner that changes; ``spans`` counts what it has taken."""

    def __init__(self):
        self.port = free_port()
        self.spans = 0
        self.manner = "absent"
        self._server = None
        self._writers = []

    async def be(self, manner):
        self.manner = manner
        if manner == "absent":
            await self.close()
        elif self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def close(self):
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        self._writers.clear()

    async def _serve(self, reader, writer):
        self._writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                body = await reader.readexactly(int(head.split("content-length: ")[1].split("\r")[0]))
                assert "content-encoding: gzip" not in head
                if self.manner == "silent":
                    await reader.read()
                    return
                if self.manner == "slow":
                    await asyncio.sleep(1.0)
                if self.manner == "broken":
                    writer.write(b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")
                else:
                    self.spans += count(body)
                    writer.write(
                        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
                    )
                await writer.drain()


def count(body):
    request = ExportTraceServiceRequest.FromString(body)
    return sum(len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans)


class Publisher:
    """One backend that publishes over one connection, and one client that hears it."""

    def __init__(self, listener, reader, writer):
        self.listener, self._reader, self._writer = listener, reader, writer
        self.took = []  # seconds from the request to the listener's having it
        self.sampled = 0

    @classmethod
    async def of(cls, server):
        listener = await Raw.connected(server.port, token("ada"), "news")
        return cls(listener, *await asyncio.open_connection("127.0.0.1", server.port))

    async def publish(self, number):
        body = json.dumps({"channel": "news", "data": number})
        began = time.perf_counter()
        self._writer.write(
            f"POST /api/publish HTTP/1.1\r\nHost: t\r\nX-API-Key: {KEY}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        (reply,) = await self.listener.replies()
        self.took.append(time.perf_counter() - began)
        assert reply["push"]["pub"]["data"] == number
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode().lower()
        await self._reader.readexactly(int(head.split("content-length: ")[1].split("\r")[0]))
        self.sampled += "traceparent: " in head

    async def close(self):
        await self.listener.abort()
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


def p99(took):
    return sorted(took)[math.ceil(0.99 * len(took)) - 1]


def resident(server):
    """MiB."""
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[1]) * 4096 / 2**20


async def through_all(server, alone, collector, each):
    """Both are published to in turns while the Collector changes; the two publishers."""
    seen, bare = await Publisher.of(server), await Publisher.of(alone)
    for manner, shown in PHASES:
        await collector.be(manner)
        before = server.figure(shown)
        async with asyncio.timeout(20):
            while await asyncio.to_thread(server.figure, shown) == before:
                for number in range(each):
                    await seen.publish(number)
                    await bare.publish(number)
    return seen, bare


def spans_of(server):
    """(with the Collector, lost), as the server counts them."""
    return server.figure(EXPORTED), server.figure(DROPPED)


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_whatever_the_collector_does_messages_keep_their_pace_and_every_span_is_counted(tmp_path):
    (plain := tmp_path / "plain").mkdir()
    collector = Collector()
    settings = configuration(client__ping_interval="300s", client__pong_timeout="100s")
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.port}"}
    with Served(plain, settings) as alone, Served(tmp_path, settings, **endpoint) as server:
        warm = await Publisher.of(server)
        for number in range(EACH):
            await warm.publish(number)
        before = resident(server)
        seen, bare = await through_all(server, alone, collector, EACH)
        assert p99(seen.took) < 2 * p99(bare.took) + 0.005, (p99(seen.took), p99(bare.took))
        assert resident(server) - before < 16

        made = 3 * (warm.sampled + seen.sampled) + 2 * 2  # publish, broker, fan-out; two listeners' upgrade and connect
        assert warm.sampled + seen.sampled > EACH
        async with asyncio.timeout(30):
            while sum(spans_of(server)) < made:
                await asyncio.sleep(0.1)
        exported, lost = spans_of(server)
        late = server.figure("heliograph_traces_sampled_total", by="late")  # a busy machine
        assert made <= exported + lost <= made + 2 * late
        assert exported <= collector.spans, "an answer may be lost, and then the spans count as lost"
        for publisher in (warm, seen, bare):
            await publisher.close()
    await collector.close()
