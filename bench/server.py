"""The real server with the bench's door in its process: built as `serve` builds it, published to through its hub.

HELIOGRAPH_BENCH_BLIND=1 starts it with null observers; OTEL_EXPORTER_OTLP_ENDPOINT says where its traces go otherwise.
"""

import asyncio
import os
import time

import msgspec
import uvloop

from bench import envelope, memory_parts
from bench.door import Door
from bench.lag import lag, share
from bench.service import configuration_file
from observability import setup
from service import app, config


class Bench:
    """What the door can ask of a running server."""

    def __init__(self, service: app.Service) -> None:
        self._service = service

    async def broadcast(self, batch: int) -> None:
        """Publishes a batch and returns when the fan-out has handed it to the kernel."""
        hub = self._service.hub
        for _ in range(batch):
            hub.publish(envelope.CHANNEL, envelope.data().encode())
        while not drained(hub):
            await asyncio.sleep(0)

    async def lag(self, words: list[str]) -> str:
        """`lag SECONDS INTERVAL`: "lag P99 P99.9 MAXIMUM" in milliseconds."""
        late = await lag(float(words[0]), float(words[1]))
        return f"lag {share(late, 0.99):.3f} {share(late, 0.999):.3f} {late[-1]:.3f}"

    async def parts(self, _words: list[str]) -> str:
        """The bytes of a connection by part, as JSON."""
        return msgspec.json.encode(memory_parts.parts(self._service.station.registry)).decode()

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


def drained(hub: object) -> bool:
    """Whether the live subscribers have been given all that was published."""
    raise NotImplementedError


async def main() -> None:
    blind = os.environ.get("HELIOGRAPH_BENCH_BLIND") == "1"
    settings = config.load(configuration_file(), port=0, internal_port=0)
    telemetry = setup.silent() if blind else setup.build(settings.telemetry)
    service = app.Service(settings, telemetry)
    public, _ = await service.start()
    bench = Bench(service)
    door = Door(bench.broadcast, {"lag": bench.lag, "parts": bench.parts, "scrape": bench.scrape})
    door.open(public.port)
    await door.closed.wait()


uvloop.run(main())
