"""`heliograph why` against a real server: each fault is made, and its cause is named first, with its evidence."""

import asyncio
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest

from service.lab.causes import rank
from service.lab.evidence import Node
from service.lab.why import as_json, as_text, gather
from service.protocol import framing
from tests.e2e.raw import Raw
from tests.e2e.served import ROOT, Served, configuration, token

TOKEN = "a-token-for-the-debug-api"
PAYLOAD = "x" * 10_000


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    settings = configuration(
        debug={"enabled": True, "token": TOKEN},
        client__ping_interval="4s",
        client__pong_timeout="1s",
        client__queue_max_size=100_000,
        client__stale_close_delay="1s",
        client__expired_close_delay="300ms",
        websocket={"write_timeout": "1500ms"},
    )
    with Served(tmp_path_factory.mktemp("why"), settings) as served:
        yield served


def node(server):
    return Node(f"http://127.0.0.1:{server.internal_port}", TOKEN)


async def connect(server, user, narrow=False, lives=3600, *channels):
    """A raw client and its id; `narrow`: with a small receive buffer."""
    raw = await Raw.open(server.port, narrow=narrow)
    reply = await raw.ask(id=1, connect={"token": token(user, lives)})
    for number, channel in enumerate(channels, 2):
        await raw.ask(id=number, subscribe={"channel": channel})
    return raw, reply["connect"]["client"]


async def gone(raw):
    """How it was closed; then the client is gone too, so that nobody lingers."""
    end = await raw.end()
    await raw.abort()
    return end


async def explained(server, subject, first, *, source="both"):
    """Waits until the end is known, then asks why; from the node, the log, or both."""
    end = time.monotonic() + 15
    while True:
        case, _ = await asyncio.to_thread(
            gather, subject, node(server) if source != "log" else None, [server.log] if source != "node" else []
        )
        if case.known and rank(case)[0].cause == first:
            return case
        assert time.monotonic() < end, as_text(case, [])
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("source", ["node", "log"])
@pytest.mark.slow
async def test_no_pong_of_a_client_whose_network_is_whole(server, source):
    raw, client = await connect(server, "frozen")
    assert (await gone(raw)).code == 3012
    case = await explained(server, client, "client_frozen", source=source)
    assert "no_pong" in [each.cause for each in rank(case)]
    assert "ping_missed" in case.kinds()
    await raw.abort()


@pytest.mark.parametrize("source", ["node", "log"])
async def test_a_reader_that_stops_cut_by_bytes(server, source):
    raw, client = await connect(server, "lazy", True, 3600, "flood")
    raw.writer.transport.pause_reading()
    while "lazy" in json.dumps(node(server).ask("connections", user="lazy")):
        await asyncio.to_thread(server.publish, "flood", PAYLOAD)
    case = await explained(server, client, "slow_client", source=source)
    assert case.cause == "slow_bytes"
    await raw.abort()


async def test_a_reader_that_stops_cut_by_age(server):
    raw, client = await connect(server, "old", True, 3600, "trickle")
    raw.writer.transport.pause_reading()
    while not any(row["queued"] for row in node(server).ask("connections", user="old")["connections"]):
        await asyncio.to_thread(server.publish, "trickle", PAYLOAD)
    live = await explained(server, client, "alive_slow_client", source="node")
    assert live.live["unsent"] > 0
    case = await explained(server, client, "slow_client")
    assert case.cause == "slow_age"
    await raw.abort()


async def test_a_token_that_expired(server):
    raw, client = await connect(server, "old-token", False, 1)
    assert (await gone(raw)).code == 3005
    await explained(server, client, "token_expired")
    await raw.abort()


async def test_a_bad_frame_and_a_message_that_is_no_command(server):
    for words, cause in ((b"\x81\x00", "protocol_error"), (framing.client_frame(1, b"{{", b"abcd"), "bad_frame")):
        raw, client = await connect(server, "bad")
        raw.writer.write(words)
        await gone(raw)
        await explained(server, client, cause)
        await raw.abort()


async def test_a_killed_socket_and_one_that_hung_up(server):
    raw, client = await connect(server, "killed")
    sock = raw.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await raw.abort()
    case = await explained(server, client, "socket_reset")
    assert case.cause == "network_lost"
    raw, client = await connect(server, "hung")
    raw.writer.write_eof()
    await gone(raw)
    await explained(server, client, "hung_up")
    await raw.abort()


async def test_forced_by_a_backend_and_closed_by_the_client(server):
    raw, client = await connect(server, "eve")
    await asyncio.to_thread(server.api, "disconnect", user="eve")
    await gone(raw)
    await explained(server, client, "forced_by_api")
    await raw.abort()
    raw, client = await connect(server, "bye")
    raw.send((1000).to_bytes(2), framing.CLOSE)
    await gone(raw)
    await explained(server, client, "client_closed")
    await raw.abort()


async def test_a_greeting_that_never_came_and_a_token_that_is_none(server):
    silent = await Raw.open(server.port)
    assert (await silent.end()).code == 3502
    bad = await Raw.open(server.port)
    bad.command(id=1, connect={"token": "no.to.ken"})
    assert (await bad.end()).code == 3500
    for raw in (silent, bad):
        await raw.abort()
    ended = {story["cause"]: story["connection_id"] for story in node(server).ask("ended")["ended"]}
    await explained(server, ended["stale_greeting"], "stale_greeting")
    await explained(server, ended["invalid_token"], "invalid_token")


async def test_a_stalled_node_that_its_client_gave_up(server):
    """The process is stopped for two seconds; the client leaves, as SDKs do when no ping comes."""
    raw, client = await connect(server, "patient")
    os.kill(server.pid, signal.SIGSTOP)
    await asyncio.sleep(2.0)
    os.kill(server.pid, signal.SIGCONT)
    await asyncio.sleep(0.3)
    raw.send((1000).to_bytes(2), framing.CLOSE)
    await gone(raw)
    for source in ("node", "log"):
        case = await explained(server, client, "loop_stalled", source=source)
        assert case.cause == "client_closed"
    await raw.abort()


async def test_a_user_is_explained_by_its_last_unwanted_end_and_how_often(server):
    raw, first = await connect(server, "twice")
    raw.writer.write(b"\x81\x00")
    await gone(raw)
    await raw.abort()
    alive, second = await connect(server, "twice")
    case = await explained(server, "twice", "protocol_error")
    assert case.story["connection_id"] == first
    told = as_json(case, [])
    assert told["how_often"]["protocol_error"] >= 1
    assert [other["id"] for other in told["others"] if "id" in other] == [second]
    await alive.abort()


@pytest.mark.slow
async def test_one_that_is_well_and_one_that_nobody_knows(server):
    raw, client = await connect(server, "well")
    case = await explained(server, client, "alive", source="node")
    assert "connected" in case.kinds()
    case, _ = gather("nobody-knows-me", node(server), [server.log])
    assert not case.known
    assert "nothing is known" in as_text(case, [])
    assert as_json(case, [])["causes"][0]["cause"] == "unknown"
    await raw.abort()


def why(server, *words, given=TOKEN):
    command = [sys.executable, "-m", "service", "why", *words, "--server", f"http://127.0.0.1:{server.internal_port}"]
    environment = {**os.environ, "HELIOGRAPH_DEBUG_TOKEN": given}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.slow
async def test_the_command_for_people_and_for_programs(server):
    raw, client = await connect(server, "shown")
    raw.writer.write(b"\x81\x00")
    await gone(raw)
    await explained(server, client, "protocol_error")
    said = await asyncio.to_thread(why, server, client)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"connection {client} of user shown: ended")
    for part in ("1. ", "next: ", "What happened, in seconds since the 101", "close_sent code=1002", "How often: "):
        assert part in said.stdout
    machine = json.loads((await asyncio.to_thread(why, server, "shown", "--json", "--log", str(server.log))).stdout)
    assert (machine["known"], machine["causes"][0]["cause"]) == (True, "protocol_error")
    nobody = await asyncio.to_thread(why, server, "nobody")
    assert (nobody.returncode, "nothing is known" in nobody.stdout) == (1, True)
    refused = await asyncio.to_thread(why, server, client, given="wrong")
    assert (refused.returncode, "refuses the token" in refused.stderr) == (1, True)
    await raw.abort()


@pytest.mark.slow
async def test_a_server_that_was_stopped_is_told_from_its_log(tmp_path):
    with Served(tmp_path, configuration()) as own:
        raw, client = await connect(own, "last")
        stopping = asyncio.get_running_loop().run_in_executor(None, own.stop)
        assert (await gone(raw)).code == 3001
        await raw.abort()
        await stopping
        case, silent = gather(client, None, [own.log])
    assert rank(case)[0].cause == "shutdown"
    assert silent == []
