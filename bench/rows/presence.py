"""Presence of 10,000 idle clients in five channels each: the CPU that it costs a second, beside the same without it."""

import time

from bench.figures import Finding, at_most
from bench.options import Options
from bench.processes import Client
from bench.service import Service

CONNECTIONS = 10_000
CHANNELS = 5


def measure(options: Options) -> list[Finding]:
    shares = {channel: _share(channel, options) for channel in ("present:room", "room")}
    present, without = shares["present:room"], shares["room"]
    note = f"{present:.2f} % with it, {without:.2f} % without, no pings"
    return [
        Finding("presence", "CPU of a core for it", (max(0.0, present - without),), "%", at_most(0.5), note),
    ]


def _share(channel: str, options: Options) -> float:
    window = options.seconds(30.0)
    with Service({"HELIOGRAPH_CLIENT_PING_INTERVAL": "0s"}) as service, Client(service.port) as client:
        client.open(options.connections(CONNECTIONS), "rooms", channel)
        time.sleep(options.seconds(2.0))
        before = service.cpu()
        time.sleep(window)
        return 100 * (service.cpu() - before) / window
