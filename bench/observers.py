"""What an observer's call costs: ``python -m bench.observers`` prints µs a call, not sampled and sampled.

The paths that count: a publication to one receiver that is not sampled (budget 2 µs in all its calls), and the life of
a connection that is not sampled, from upgrade to end, its log line included (budget 15 µs).
"""

import time
from collections.abc import Callable
from dataclasses import replace

from observability import otlp, setup
from observability.logs import Log, LogSettings, Sink
from observability.metrics import Registry, Words
from observability.observers.connections import ConnectionStory
from observability.sampling import SamplingSettings
from observability.setup import Telemetry, TelemetrySettings
from observability.tracing import ExportSettings, Post

HEADERS = {"Host": "example.org", "User-Agent": "bench", "Upgrade": "websocket"}
EACH = 20_000
ROUNDS = 5


class Nowhere(Sink):
    """Renders lines and forgets them."""

    def __init__(self) -> None:
        super().__init__("stdout", lambda _data: None, 0)

    def put(self, line: bytes) -> None:
        del line


class Forgetful(Post):
    """Takes spans and forgets them."""

    def put(self, span: object) -> None:
        del span


def telemetry(factor: float, *, traced: bool = True) -> Telemetry:
    """With an exporter; the ceilings out of the way when everything is sampled."""
    ceiling = 1e9 if factor else 50.0
    sampling = SamplingSettings(
        factor=factor,
        traces_per_second=ceiling,
        upgrades_per_second=ceiling,
        heartbeat_share=0.01 if not factor else 1.0,
    )
    words = Words(
        namespaces=("chat",),
        close_codes=("3001",),
        close_causes=("shutdown",),
        reply_errors=("0", "100"),
        api_methods=("publish",),
    )
    post = Forgetful(ExportSettings("http://127.0.0.1:4318"), otlp.connect) if traced else None
    log = Log(LogSettings(), [Nowhere()])
    return setup.assemble(replace(TelemetrySettings(), sampling=sampling), Registry(words), log, post)


def cost(call: Callable[[], object]) -> float:
    """Microseconds a call: the best of some rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(EACH):
            call()
        best = min(best, time.perf_counter() - began)
    return best / EACH * 1e6


def calls(told: Telemetry) -> dict[str, Callable[[], object]]:
    """By name, each call and the two paths."""
    upgrade, connections, channels, broker, api = (
        told.upgrade, told.connections, told.channels, told.broker, told.api,
    )  # fmt: skip

    def message() -> None:
        trace = channels.publishing("chat", "chat:1", 1, via="client")
        broker.done("publish", 0.00002, trace)
        channels.published(trace, "chat", "client", 0.0001, offset=5)
        channels.delivered(0.0003, 1)
        channels.fanned_out("chat", 1, 1, 0.0001, traceparents=(trace.traceparent,) if trace else ())

    def connection() -> None:
        begun = upgrade.began(HEADERS, "/connection/websocket")
        upgrade.accepted(begun, "c1", "centrifuge-json")
        greeting = connections.greeting(begun)
        link = connections.connected(greeting, "c1", "ada", "json")
        connections.closed(
            ConnectionStory(
                connection_id="c1", code=3001, cause="shutdown", initiator="server", lifetime=1.0, user="ada", link=link
            )
        )

    def heartbeat() -> None:
        connections.pinged()
        connections.ponged(0.03)

    def visit() -> None:
        channels.joined("chat")
        channels.left()

    return {
        "message: all calls of a publication to one receiver": message,
        "connection: from upgrade to end": connection,
        "channels.delivered": lambda: channels.delivered(0.0003, 256),
        "connections.command": lambda: connections.command("publish"),
        "connections.received": lambda: connections.received(1, 64),
        "connections.pinged and ponged": heartbeat,
        "channels.joined and left": visit,
        "api.called": lambda: api.called("publish", 200, 0, 0.001),
    }


def main() -> None:
    """Print the table."""
    columns = {
        "no Collector": calls(telemetry(0.0, traced=False)),
        "not sampled": calls(telemetry(0.0)),
        "sampled": calls(telemetry(1.0)),
    }
    print(f"{'µs a call':<56}" + "".join(f"{column:>14}" for column in columns))
    for name in columns["sampled"]:
        print(f"{name:<56}" + "".join(f"{cost(column[name]):>14.2f}" for column in columns.values()))


if __name__ == "__main__":
    main()
