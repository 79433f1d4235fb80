"""The real server with the bench's door in its process: built as `serve` builds it, published to through its hub.

BENCH_BLIND=1 starts it with null observers; OTEL_EXPORTER_OTLP_ENDPOINT says where its traces go otherwise.
BENCH_DOCUMENTS=1 publishes documents, compressed for whoever offers it.
"""

import asyncio
import collections
import gc
import os
import time

import msgspec
import uvloop

from bench import build, envelope, memory_parts
from bench.door import Door
from bench.lag import lag, share
from bench.service import configuration_file
from observability import setup
from service import app, config
from service.channels.hub import Hub


class Bench:
    """What the door can ask of a running server."""

    def __init__(self, service: app.Service) -> None:
        self._service = service
        self._data = envelope.document if os.environ.get("BENCH_DOCUMENTS") else envelope.data

    async def broadcast(self, batch: int) -> None:
        """Publishes a batch and returns when the fan-out has handed it to the kernel."""
        hub = self._service.hub
        for _ in range(batch):
            hub.publish(envelope.CHANNEL, self._data().encode())
        while not drained(hub):
            await asyncio.sleep(0)

    async def lag(self, words: list[str]) -> str:
        """`lag SECONDS INTERVAL`: "lag P99 P99.9 MAXIMUM" in milliseconds."""
        late = await lag(float(words[0]), float(words[1]))
        return f"lag {share(late, 0.99):.3f} {share(late, 0.999):.3f} {late[-1]:.3f}"

    async def parts(self, _words: list[str]) -> str:
        """The bytes of a connection by part, as JSON."""
        return msgspec.json.encode(memory_parts.parts(self._service.station.registry)).decode()

    async def without_collector(self, _words: list[str]) -> str:
        """The garbage collector rests from now on, so that a cycle shows as objects that stay."""
        collector = self._service.telemetry.runtime.collector
        collector.stop()
        collector._loop = None
        gc.collect()
        gc.disable()
        return "off"

    async def objects(self, _words: list[str]) -> str:
        """How many objects of our own classes live, by class, and how many descriptors are open, as JSON."""
        counts = collections.Counter(f"{type(one).__module__}.{type(one).__qualname__}" for one in gc.get_objects())
        ours = {name: count for name, count in counts.items() if name.startswith(("service.", "observability."))}
        return msgspec.json.encode({**ours, "descriptors": len(os.listdir("/proc/self/fd"))}).decode()

    async def scrape(self, _words: list[str]) -> str:
        """ "scrape LINES MILLISECONDS LONGEST": the whole time of the loop, and its longest step."""
        steps, text = [], b""
        rendered = iter(self._service.telemetry.registry.render(openmetrics=True))
        while True:
            began = time.perf_counter()
            piece = next(rendered, None)
            steps.append(1000 * (time.perf_counter() - began))
            if piece is None:
                break
            text += piece
        lines = text.count(b"\n")
        return f"scrape {lines} {sum(steps):.3f} {max(steps):.3f}"


def drained(hub: Hub) -> bool:
    """Whether the live subscribers have been given all that was published."""
    channel = hub._channels.get(envelope.CHANNEL)
    return channel is None or not channel.queued


async def main() -> None:
    file = configuration_file()
    os.dup2(os.open(build.OUT / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 1)
    blind = os.environ.get("BENCH_BLIND") == "1"
    flags = {"http_server.port": 0, "http_server.internal_port": 0, "http_server.address": "127.0.0.1"}
    if os.environ.get("BENCH_DOCUMENTS"):
        flags["websocket.compression"] = True
    settings = config.load(file, os.environ, flags)
    service = app.Service(settings, setup.silent() if blind else None)
    public, _ = await service.start()
    bench = Bench(service)
    words = {"lag": bench.lag, "parts": bench.parts, "scrape": bench.scrape, "objects": bench.objects}
    door = Door(bench.broadcast, {**words, "no-collector": bench.without_collector})
    door.open(public.port)
    await door.closed.wait()


uvloop.run(main())
