"""The doorstep: who connects and does not ask hears 408 or is cut, and what a stranger can grow is bounded."""

import asyncio
import json

import pytest

from observability import names
from tests.service.connections.conftest import UPGRADE

LATE = {"http_server": {"door_timeout": "300ms"}}
API = "POST /api/info HTTP/1.1\r\nHost: a\r\nX-API-Key: key\r\nContent-Type: application/json\r\n"


async def knock(node, data=b""):
    reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
    node.peers.append(writer)
    writer.write(data)
    return reader, writer


async def heard(reader):
    """Everything until the socket ends."""
    return await asyncio.wait_for(reader.read(), 5)


def refused(node, cause, answer):
    return node.telemetry.registry.value(names.REFUSALS, cause, answer)


async def test_who_says_nothing_hears_408(make_node):
    node = await make_node(**LATE)
    reader, _ = await knock(node)
    answer = await heard(reader)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"Connection: close" in answer
    assert refused(node, "silent", "408") == 1


async def test_who_drips_hears_408(make_node):
    """A byte now and then does not start the clock anew."""
    node = await make_node(**LATE)
    reader, writer = await knock(node)
    answer = asyncio.ensure_future(heard(reader))
    for byte in UPGRADE.encode():
        if answer.done() or refused(node, "dripping", "408"):  # a byte more would make a reset of its end
            break
        writer.write(bytes([byte]))
        await asyncio.sleep(0.03)
    assert (await answer).startswith(b"HTTP/1.1 408 ")
    assert refused(node, "dripping", "408") == 1


async def test_whose_second_request_drips_hears_408(make_node):
    node = await make_node(**LATE)
    reader, writer = await knock(node, (API + "Content-Length: 2\r\n\r\n{}").encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
    await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    await asyncio.sleep(0.8)  # an idle socket is none that owes something
    writer.write(b"GET / HT")
    assert (await heard(reader)).startswith(b"HTTP/1.1 408 ")


async def test_whose_body_does_not_come_hears_408(make_node, caplog):
    """And that is no fault of ours: neither in the error rate nor as an exception in the log."""
    node = await make_node(**LATE)
    reader, writer = await knock(node, (API + 'Content-Length: 100\r\n\r\n{"a').encode())
    answer = await heard(reader)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert refused(node, "slow_body", "408") == 1
    value = node.telemetry.registry.value
    assert (value(names.API_REQUESTS, "info", "408"), value(names.ERRORS, "api")) == (1, 0)
    assert not caplog.records


async def test_a_slow_handler_is_not_the_peer_s_fault(make_node):
    node = await make_node(**LATE)
    object.__setattr__(node.settings.connections.session, "stale_close_delay", 30.0)
    reader, writer = await knock(node, (API + "Content-Length: 2\r\n\r\n{}").encode())
    assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"\r\n"), 3)
    peer = await node.peer()
    await asyncio.sleep(0.8)
    peer.text({"id": 1, "connect": {}})
    assert (await peer.closed())[0] == 3501


async def test_our_own_standstill_does_not_count(make_node, monkeypatch):
    node = await make_node(**LATE)
    monkeypatch.setattr(type(node.telemetry.runtime), "excuse", lambda self: 60.0)
    reader, _ = await knock(node)
    await asyncio.sleep(0.8)
    monkeypatch.undo()
    assert (await heard(reader)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("request_", "status", "cause"),
    [
        ("GET /" + "a" * 9000 + " HTTP/1.1\r\nHost: a\r\n\r\n", 414, "url_too_long"),
        ("GET / HTTP/1.1\r\nHost: a\r\nA: " + "b" * 40_000 + "\r\n\r\n", 431, "head_too_large"),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + "A: b\r\n" * 200 + "\r\n", 431, "too_many_headers"),
        ("GET / HTTP/1.1\r\n" + "".join(f"A{n}: {'b' * 3000}\r\n" for n in range(20)), 431, "head_too_large"),
        ("\x16\x03\x01 this is no HTTP\r\n\r\n", 400, "bad_request"),
    ],
    ids=["url", "a header", "headers", "head that goes on", "no HTTP"],
)
async def test_heads_are_bounded(node, request_, status, cause):
    reader, _ = await knock(node, request_.encode("latin-1"))
    answer = await heard(reader)
    assert f" {status} ".encode() in answer.split(b"\r\n")[0]
    assert refused(node, cause, str(status)) == 1


async def test_a_bound_is_a_setting(make_node):
    node = await make_node(http_server={"max_header_count": 5, "max_url_length": 2000})
    reader, _ = await knock(node, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 8 + b"\r\n")
    assert b" 431 " in await heard(reader)
    reader, _ = await knock(node, b"GET /" + b"a" * 2500 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    assert b" 414 " in await heard(reader)


async def test_requests_behind_requests_are_bounded(make_node):
    node = await make_node(http_server={"max_pipelined_requests": 4})
    reader, _ = await knock(node, b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
    await heard(reader)
    assert refused(node, "pipelining", "cut") == 1


async def test_idle_sockets_are_bounded_and_the_oldest_go(make_node):
    node = await make_node(http_server={"max_idle_connections": 2})
    readers = []
    for _ in range(4):
        reader, _ = await knock(node, b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
        await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        readers.append(reader)
    assert [await heard(reader) for reader in readers[:2]] == [b"", b""]
    await asyncio.sleep(0.3)
    assert [reader.at_eof() for reader in readers] == [True, True, False, False]
    assert refused(node, "too_many_idle", "cut") == 2


async def test_an_idle_socket_is_closed_in_its_time(make_node):
    node = await make_node(http_server={"keepalive_timeout": "200ms"})
    reader, _ = await knock(node, b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (await heard(reader)).startswith(b"HTTP/1.1 404 ")


async def test_strangers_are_bounded_and_hear_503(make_node):
    node = await make_node(http_server={"max_waiting_connections": 3})
    waiting = [await knock(node) for _ in range(3)]
    reader, _ = await knock(node)
    answer = await heard(reader)
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: " in answer
    assert refused(node, "visitors", "503") == 1
    assert node.telemetry.registry.value(names.VISITORS, "public") == 3
    for _, writer in waiting:
        writer.close()
    for _ in range(100):
        if not node.telemetry.registry.value(names.VISITORS, "public"):
            break
        await asyncio.sleep(0.02)
    assert (await node.peer()).reader is not None


async def test_a_thousand_silent_ones_leave_nothing(make_node):
    node = await make_node(**LATE)
    before = len(asyncio.all_tasks())
    readers = [(await knock(node))[0] for _ in range(200)]
    assert all([b" 408 " in await heard(reader) for reader in readers])
    for _ in range(100):
        if len(asyncio.all_tasks()) <= before:
            break
        await asyncio.sleep(0.02)
    assert len(asyncio.all_tasks()) <= before
    assert node.telemetry.registry.value(names.VISITORS, "public") == 0


# ------------------------------------------------------------------------ admission, at the real door


async def test_who_finds_no_place_is_turned_away_with_3013(make_node):
    node = await make_node(client={"connection_limit": 1})
    await node.greeted()
    peer = await node.peer()
    assert await peer.closed() == (3013, "too many requests")
    assert refused(node, "connection_limit", "3013") == 1
    assert node.telemetry.registry.value(names.CONNECTIONS_CLOSED, "3013", "connection_limit", "server") == 0  # lingers
    peer.writer.close()


async def test_a_place_that_gets_free_is_worth_a_moment(make_node):
    node = await make_node(client={"connection_limit": 1})
    first = await node.greeted()
    second = asyncio.ensure_future(node.peer())
    await asyncio.sleep(0.05)
    first.writer.close()
    peer = await second
    peer.text({"id": 1, "connect": {}})
    assert (await peer.closed())[0] == 3501


async def test_when_too_many_linger_it_is_503(make_node):
    node = await make_node(client={"connection_limit": 1})
    await node.greeted()
    node.station.entrance._admission.turned_away = node.settings.admission.turned_away
    reader, _ = await knock(node, (UPGRADE + "\r\n").encode())
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
    assert b" 503 " in answer
    assert b"Retry-After: 5" in answer
    assert refused(node, "connection_limit", "503") == 1
    assert node.telemetry.registry.value(names.UPGRADES, "overload") == 1


async def test_an_address_behind_a_trusted_proxy_has_its_limit(make_node):
    node = await make_node(client={"address_connection_limit": 1}, http_server={"trusted_proxies": ["127.0.0.0/8"]})
    await node.peer("X-Forwarded-For: 192.0.2.1")
    other = await node.peer("X-Forwarded-For: 192.0.2.2")
    again = await node.peer("X-Forwarded-For: 192.0.2.1")
    assert (await again.closed())[0] == 3013
    assert refused(node, "address_limit", "3013") == 1
    other.text({"id": 1, "connect": {}})
    assert (await other.closed())[0] == 3501


async def test_the_story_tells_the_address_behind_the_proxy(make_node, monkeypatch):
    node = await make_node(http_server={"trusted_proxies": ["127.0.0.0/8"]})
    stories = []
    monkeypatch.setattr(node.station.observe, "closed", stories.append)
    peer = await node.peer("X-Forwarded-For: 192.0.2.7")
    peer.writer.close()
    for _ in range(100):
        if stories:
            break
        await asyncio.sleep(0.02)
    assert stories[0].address == "192.0.2.7"
    assert json.dumps(stories[0].cause) == '"network_lost"'


async def test_a_storm_is_let_in_at_the_planned_rate_and_everybody_hears_a_code(make_node):
    node = await make_node(client={"connection_rate_limit": 40, "connection_ramp": "2s"})
    peers = await asyncio.gather(*(node.peer() for _ in range(150)))
    for peer in peers:
        peer.text({"id": 1, "connect": {}})
    codes = [(await peer.closed())[0] for peer in peers]
    assert set(codes) == {3013, 3501}
    assert 40 <= codes.count(3501) <= 60
    assert refused(node, "connection_rate", "3013") == codes.count(3013)
    assert node.telemetry.registry.value(names.ADMISSION_RATE) < 40
