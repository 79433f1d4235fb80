"""The real server with the bench's door in its process: built as `serve` builds it, published to through its hub.

BENCH_BLIND=1 starts it with null observers; OTEL_EXPORTER_OTLP_ENDPOINT says where its traces go otherwise.
BENCH_DOCUMENTS=1 publishes documents, compressed for whoever offers it. BENCH_NAMESPACES=N configures N more of them.
"""

import asyncio
import collections
import gc
import os

import msgspec
import uvloop

from bench import build, envelope, memory_parts
from bench.door import Door
from bench.lag import lag, share
from bench.service import configuration_file
from bench.steps import Steps, watched
from observability import setup
from service import app, config
from service.api.health import Doors
from service.channels.hub import Hub

SCRAPES = Steps()


class Bench:
    """What the door can ask of a running server."""

    def __init__(self, service: app.Service) -> None:
        self._service = service
        self.internal_port = 0
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

    async def everywhere(self, words: list[str]) -> str:
        """`everywhere N`: publishes N times in the room of each further namespace."""
        hub = self._service.hub
        rooms = [f"{name}:room" for name in self._service.settings.namespaces.named]
        for _ in range(int(words[0])):
            for room in rooms:
                hub.publish(room, self._data().encode())
                await asyncio.sleep(0)
        while any(channel is not None and channel.queued for channel in map(hub._channels.get, rooms)):
            await asyncio.sleep(0)
        return f"done {int(words[0]) * len(rooms)}"

    async def scrape(self, _words: list[str]) -> str:
        """ "scrape LINES TIME LONGEST CPU LONGEST": a GET of /metrics; ms that its handler held the loop, its longest
        step, and both by the thread's CPU time."""
        SCRAPES.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", self.internal_port)
        writer.write(
            b"GET /metrics HTTP/1.1\r\nHost: b\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n"
        )
        text = await reader.read()
        writer.close()
        lines = text.count(b"\n") - text.count(b"\r\n")  # without the head and the frames of its chunks
        figures = (f(times) for times in (SCRAPES.wall, SCRAPES.cpu) for f in (sum, max))
        return f"scrape {lines} " + " ".join(f"{figure:.3f}" for figure in figures)

    async def count(self, words: list[str]) -> str:
        """`count NAME …`: the sums of these metrics, as a scrape would have them."""
        text = b"".join(self._service.telemetry.registry.render(openmetrics=True)).decode()
        samples = [line.partition(" # ")[0].rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
        sums = (sum(float(value) for name, _, value in samples if name.partition("{")[0] == word) for word in words)
        return " ".join(["count", *map(str, sums)])


def drained(hub: Hub) -> bool:
    """Whether the live subscribers have been given all that was published."""
    channel = hub._channels.get(envelope.CHANNEL)
    return channel is None or not channel.queued


async def main() -> None:
    file = configuration_file(int(os.environ.get("BENCH_NAMESPACES", "0")))
    os.dup2(os.open(build.OUT / "server.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), 1)
    blind = os.environ.get("BENCH_BLIND") == "1"
    flags = {"http_server.port": 0, "http_server.internal_port": 0, "http_server.address": "127.0.0.1"}
    if os.environ.get("BENCH_DOCUMENTS"):
        flags["websocket.compression"] = True
    settings = config.load(file, os.environ, flags)
    Doors.metrics = watched(Doors.metrics, SCRAPES)  # type: ignore[method-assign]
    service = app.Service(settings, setup.silent() if blind else None)
    bench = Bench(service)
    public, internal = await service.start()
    bench.internal_port = internal.port
    words = {
        "lag": bench.lag,
        "everywhere": bench.everywhere,
        "parts": bench.parts,
        "scrape": bench.scrape,
        "objects": bench.objects,
        "count": bench.count,
    }
    door = Door(bench.broadcast, {**words, "no-collector": bench.without_collector})
    door.open(public.port)
    await door.closed.wait()


uvloop.run(main())
