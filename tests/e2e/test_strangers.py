"""What a stranger may make grow, tried against the real server: names, subscriptions, commands. Nothing of it stays."""

import asyncio
import json
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.raw import Gone, Raw
from tests.e2e.served import Served, configuration, token

NAMES = 10_000
A_FRAME = 500


@pytest.fixture
def served(tmp_path):
    with Served(tmp_path) as server:
        yield server


async def several(raw, commands):
    """Commands in frames of many, all answered; how often each error code came, 0 for none."""
    codes = Counter()
    for start in range(0, len(commands), A_FRAME):
        part = commands[start : start + A_FRAME]
        raw.send(b"\n".join(json.dumps(command).encode() for command in part))
        last, answered = part[-1]["id"], False
        while not answered:
            for reply in await raw.replies():
                if "id" in reply:
                    codes[reply.get("error", {}).get("code", 0)] += 1
                    answered = answered or reply["id"] == last
    return codes


def series(server):
    """All that a scrape shows, without the values."""
    lines = server.get("/metrics", internal=True).splitlines()
    return {line.partition(" # ")[0].rpartition(" ")[0] for line in lines if not line.startswith("#")}


def resident(server):
    """MiB."""
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def visit(number, name):
    """Everything that a client can do with a name."""
    methods = ("subscribe", "history", "presence", "presence_stats", "unsubscribe")
    commands = [{method: {"channel": name}} for method in methods]
    commands.append({"publish": {"channel": name, "data": 1}})
    commands.append({"rpc": {"method": name}})
    commands.append({"subscribe": {"channel": f"nowhere:{name}"}})
    return [{"id": number * 8 + place + 2, **command} for place, command in enumerate(commands)]


@pytest.mark.slow
async def test_ten_thousand_names_leave_no_series_and_no_channel(tmp_path):
    with Served(tmp_path, configuration(client__command_rate=0)) as server:
        raw = await Raw.connected(server.port, token("stranger"))
        await several(raw, visit(0, "stream:first") + visit(1, "first"))
        known, before = series(server), resident(server)
        commands = [each for n in range(NAMES) for each in visit(n + 2, f"{'stream:' * (n % 2)}name-{n}-{'x' * 40}")]
        codes = await several(raw, commands)
        assert sum(codes.values()) == len(commands)
        assert codes[0] >= 3 * NAMES, codes  # subscribe, unsubscribe, publish
        assert series(server) == known
        assert server.figure("heliograph_channels") == 0
        assert resident(server) - before < 64  # histories of half of them: bounded by the broker, 256 MiB for all
        await raw.abort()


@pytest.mark.slow
async def test_a_flood_of_subscribes_is_refused_then_closed_and_others_are_served(served):
    stranger = await Raw.connected(served.port, token("stranger"))
    neighbour = await Raw.connected(served.port, token("neighbour"), "chat")
    commands = [{"id": n + 2, "subscribe": {"channel": f"flood-{n}"}} for n in range(10_000)]
    flood = asyncio.create_task(several(stranger, commands))
    worst = 0.0
    for number in range(20):
        began = time.monotonic()
        await neighbour.ask(id=number + 10, publish={"channel": "chat", "data": number})
        worst = max(worst, time.monotonic() - began)
    with pytest.raises(Gone) as gone:
        await flood
    assert gone.value.code == 3509
    assert worst < 1.0
    assert served.figure("heliograph_subscriptions") == 1
    assert served.figure("heliograph_commands_total", method="subscribe", error="106") > 0
    assert served.figure("heliograph_commands_total", method="subscribe", error="111") > 0
    await stranger.abort()
    async with asyncio.timeout(5):
        while not served.figure("heliograph_connections_closed_total", cause="too_many_commands"):
            await asyncio.sleep(0.05)
    await neighbour.abort()


@pytest.mark.slow
async def test_a_client_gets_no_more_channels_than_its_limit(served):
    raw = await Raw.connected(served.port, token("stranger"))
    codes = await several(raw, [{"id": n + 2, "subscribe": {"channel": f"many-{n}"}} for n in range(1000)])
    assert codes == {0: 128, 106: 872}
    assert served.figure("heliograph_subscriptions") == 128
    await raw.abort()
