"""``python -m tests.e2e.adaptive_server CONFIG HOST READINGS``: the real server, adaptive, its heartbeats ten times as fast.

Each look at a peer's network is written to READINGS, one a line: who, what the kernel said, and the weather it made.
"""

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path

from service import app, config
from service.connections.heartbeat import HeartbeatSettings
from service.connections.weather import Climate, Sky

HASTE = 10


def hasty(profile: HeartbeatSettings) -> HeartbeatSettings:
    return HeartbeatSettings(profile.interval / HASTE, profile.timeout / HASTE, profile.misses)


def scaled() -> Climate:
    usual = Climate()
    return Climate(hasty(usual.normal), hasty(usual.weak), hasty(usual.far))


def record(readings: Path) -> None:
    look, skies = Sky.look, {}

    def recorded(sky, reading, missed=0):
        weather = look(sky, reading, missed)
        known = {key: value for key, value in reading._asdict().items() if value and key != "segment"}
        line = {"sky": skies.setdefault(id(sky), len(skies)), "missed": missed, "weather": weather.value, **known}
        with readings.open("a") as file:
            file.write(json.dumps(line) + "\n")
        return weather

    Sky.look = recorded


async def main() -> None:
    record(Path(sys.argv[3]))
    flags = {"http_server.port": 0, "http_server.internal_port": 0, "http_server.address": sys.argv[2]}
    settings = config.load(Path(sys.argv[1]), os.environ, flags)
    climate = scaled()
    session = replace(settings.connections.session, climate=climate, heartbeat=climate.normal)
    settings = replace(settings, connections=replace(settings.connections, session=session))
    public, _ = await app.Service(settings).start()
    sys.stdout.write(f"port {public.port}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
