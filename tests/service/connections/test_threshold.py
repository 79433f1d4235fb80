"""Listeners where something comes before HTTP: TLS, strict and permissive, client certificates, the PROXY protocol."""

import asyncio
import contextlib
import json
import os
import signal
import ssl

import pytest

from observability import names
from service.protocol import framing
from tests.service.connections.authority import Authority
from tests.service.connections.conftest import UPGRADE, Peer, free_port

HELLO = (UPGRADE + "\r\n").encode()


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def secured(pair, **more):
    return {
        "http_server": {"tls": {"enabled": True, "cert_pem": pair[0], "key_pem": pair[1], **more}, "tls_external": True}
    }


async def dialled(node, context=None, before=b""):
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", node.port, ssl=context, server_hostname="localhost" if context else None
    )
    node.peers.append(writer)
    if before:
        writer.write(before)
    return Peer(reader, writer)


async def upgraded(node, context=None, before=b""):
    peer = await dialled(node, context, before)
    peer.writer.write(HELLO)
    head = await asyncio.wait_for(peer.reader.readuntil(b"\r\n\r\n"), 5)
    assert b" 101 " in head, head
    return peer


async def connected(node, context=None, **connect):
    peer = await upgraded(node, context)
    peer.text({"id": 1, "connect": connect})
    (reply,) = await peer.replies()
    peer.client = reply["connect"]["client"]
    return peer


def refused(node, cause):
    return node.telemetry.registry.value(names.REFUSALS, cause, "cut")


async def until(true):
    for _ in range(250):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it does not become true")


ANYBODY = {"client": {"allow_anonymous_connect_without_token": True}}
OPEN = {
    **ANYBODY,
    "channel": {"without_namespace": {"allow_subscribe_for_anonymous": True, "allow_subscribe_for_client": True}},
}


async def test_the_same_protocol_speaks_tls(make_node, authority):
    node = await make_node(**secured(authority.issue()), **OPEN)
    peer = await connected(node, authority.trusting())
    peer.text({"id": 2, "subscribe": {"channel": "a"}})
    assert (await peer.replies())[0]["id"] == 2
    node.hub.publish("a", b'{"n":1}')
    assert (await peer.replies())[0]["push"]["pub"]["data"] == {"n": 1}
    connection = node.station.registry.get(peer.client)
    assert (connection.fd, connection.socket) == (-1, -1)  # never beside its transport


async def test_a_strict_listener_answers_no_plain_request(make_node, authority):
    node = await make_node(**secured(authority.issue()))
    peer = await dialled(node, before=HELLO)
    assert b"HTTP/1.1" not in await asyncio.wait_for(peer.reader.read(), 5)
    await until(lambda: refused(node, "tls_failed"))


async def test_a_permissive_listener_answers_both(make_node, authority):
    node = await make_node(**secured(authority.issue(), mode="permissive"), **ANYBODY)
    await connected(node, authority.trusting())
    await connected(node)
    silent = await dialled(node)
    assert node.telemetry.registry.value(names.REFUSALS, "silent", "cut") == 0
    silent.writer.close()


@pytest.mark.parametrize("mode", ["strict", "permissive"])
async def test_a_slow_handshake_is_cut_and_leaves_nothing(make_node, authority, mode):
    config = secured(authority.issue(), mode=mode)
    config["http_server"]["door_timeout"] = "300ms"
    node = await make_node(**config)
    before = len(os.listdir("/proc/self/fd"))
    silent = [await dialled(node) for _ in range(5)]
    dripping = [await dialled(node, before=b"\x16\x03\x01\x02\x00\x01") for _ in range(5)]
    for peer in silent + dripping:
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(peer.reader.read(), 5) == b""
        peer.writer.close()
    await until(lambda: refused(node, "slow_tls") + refused(node, "silent") == 10)
    await until(lambda: len(os.listdir("/proc/self/fd")) <= before)


# ----------------------------------------------------------------------- client certificates


async def test_a_client_certificate_is_its_user(make_node, authority):
    pair = authority.issue()
    node = await make_node(**secured(pair, client_ca_pem=str(authority.file), user_from="cn"))
    peer = await connected(node, authority.trusting(authority.issue("machine-7")))
    assert node.station.registry.get(peer.client).user == "machine-7"


async def test_without_a_certificate_nobody_comes_in_and_the_log_says_why(make_node, authority, tmp_path, monkeypatch):
    node = await make_node(**secured(authority.issue(), client_ca_pem=str(authority.file), user_from="cn"))
    told = []
    monkeypatch.setattr(node.telemetry.door, "refused", lambda *args: told.append(args))
    stranger = Authority(tmp_path, "stranger")
    for certificate in (None, stranger.issue("mallory"), authority.issue("old", days=-1)):
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            peer = await dialled(node, authority.trusting(certificate), before=HELLO)
            assert b"101" not in await asyncio.wait_for(peer.reader.read(), 5)
    await until(lambda: len(told) == 3)
    assert {cause for cause, *_ in told} == {"tls_failed"}
    why = [entry[4] for entry in told]
    assert "peer did not return a certificate" in why[0]
    assert "issuer" in why[1] or "self" in why[1] or "verify" in why[1]
    assert "expired" in why[2]


async def test_an_optional_certificate_leaves_the_token_to_the_others(make_node, authority):
    config = secured(authority.issue(), client_ca_pem=authority.pem, client_certificate="optional", user_from="cn")
    node = await make_node(**config)
    peer = await upgraded(node, authority.trusting())
    peer.text({"id": 1, "connect": {}})
    assert (await peer.closed())[0] == 3501
    assert (await connected(node, authority.trusting(authority.issue("machine-8")))).client


async def test_a_certificate_s_user_has_its_limit_of_connections(make_node, authority):
    node = await make_node(
        **secured(authority.issue(), client_ca_pem=authority.pem, user_from="cn"), client={"user_connection_limit": 1}
    )
    context = authority.trusting(authority.issue("machine-9"))
    await connected(node, context)
    second = await upgraded(node, context)
    second.text({"id": 1, "connect": {}})
    assert (await second.closed())[0] == 3504


# ------------------------------------------------------------------------------ in the long run


async def test_a_session_is_resumed(make_node, authority):
    """With TLS 1.2, where the client has the session as soon as the handshake is over."""
    node = await make_node(**secured(authority.issue()), **ANYBODY)
    context = authority.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def visit(session=None):
        import socket

        with socket.create_connection(("127.0.0.1", node.port), timeout=5) as plain:
            with context.wrap_socket(plain, server_hostname="localhost", session=session) as safe:
                return safe.session, safe.session_reused

    session, reused = await asyncio.to_thread(visit)
    assert not reused
    assert (await asyncio.to_thread(visit, session))[1]


@pytest.mark.slow
async def test_a_certificate_is_replaced_while_connections_go_on(make_node, authority):
    pair = authority.issue("first", file="server")
    node = await make_node(**secured(pair), **OPEN)
    peers = [await connected(node, authority.trusting()) for _ in range(20)]
    for peer in peers:
        peer.text({"id": 2, "subscribe": {"channel": "a"}})
        await peer.replies()
    authority.issue("second", file="server")
    for n in range(150):  # three looks
        node.hub.publish("a", json.dumps({"n": n}).encode())
        await asyncio.sleep(0.02)
    fresh = await connected(node, authority.trusting())
    certificate = fresh.writer.get_extra_info("peercert")
    assert (("commonName", "second"),) in certificate["subject"]
    for peer in peers:
        got = []
        while len(got) < 150:
            got += [reply["push"]["pub"]["data"]["n"] for reply in await peer.replies() if "push" in reply]
        assert got == list(range(150))


async def test_a_signal_replaces_it_at_once(make_node, authority):
    pair = authority.issue("first", file="server")
    node = await make_node(**secured(pair), **ANYBODY)
    waiting = asyncio.ensure_future(node.until_told())
    await asyncio.sleep(0)
    authority.issue("second", file="server")
    os.kill(os.getpid(), signal.SIGHUP)
    await until(lambda: node.telemetry.registry.value(names.CERTIFICATE_RELOADS, "loaded") == 2)
    peer = await connected(node, authority.trusting())
    assert (("commonName", "second"),) in peer.writer.get_extra_info("peercert")["subject"]
    waiting.cancel()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_reader_that_stops_is_bounded_over_tls_too(make_node, authority):
    node = await make_node(
        **secured(authority.issue()), **OPEN | {"client": {**ANYBODY["client"], "queue_max_size": 200_000}}
    )
    slow, fast = await connected(node, authority.trusting()), await connected(node, authority.trusting())
    for peer in (slow, fast):
        peer.text({"id": 2, "subscribe": {"channel": "a"}})
        await peer.replies()
    slow.writer.transport.pause_reading()
    connection, highest = node.station.registry.get(slow.client), 0
    payload = b'"' + b"x" * 20_000 + b'"'
    received = 0
    for _ in range(800):
        node.hub.publish("a", payload)
        opcode, _ = await fast.frame()
        received += opcode == framing.TEXT
        highest = max(highest, connection.unsent_bytes())
        if len(node.station.registry) == 1:
            break
    assert len(node.station.registry) == 1, "the reader that stopped is still there"
    assert 100_000 < highest < 400_000
    await until(lambda: node.station.sums.outbox_bytes == 0)
    assert not node.station.stalled


async def test_a_slow_reader_gets_everything_over_tls(make_node, authority):
    node = await make_node(**secured(authority.issue()), **OPEN)
    slow = await connected(node, authority.trusting())
    slow.text({"id": 2, "subscribe": {"channel": "a"}})
    await slow.replies()
    slow.writer.transport.pause_reading()
    connection, n = node.station.registry.get(slow.client), 0
    while connection.unsent_bytes() < 100_000:
        node.hub.publish("a", json.dumps({"n": n, "pad": "x" * 5_000}).encode())
        n += 1
        await asyncio.sleep(0)
    connection.look()
    assert connection.kernel_bytes > 0
    slow.writer.transport.resume_reading()
    got = []
    while len(got) < n:
        got += [reply["push"]["pub"]["data"]["n"] for reply in await slow.replies() if "push" in reply]
    assert got == list(range(n))


# ----------------------------------------------------------------------------- PROXY protocol

PROXIED = {"http_server": {"proxy_protocol": True, "trusted_proxies": ["127.0.0.0/8"], "door_timeout": "500ms"}}


async def story(node, monkeypatch, peer):
    stories = []
    monkeypatch.setattr(node.station.observe, "closed", stories.append)
    peer.writer.close()
    await until(lambda: stories)
    return stories[0]


@pytest.mark.parametrize("pieces", [1, 7])
async def test_a_proxy_says_whose_connection_it_is(make_node, monkeypatch, pieces):
    node = await make_node(**PROXIED)
    peer = await dialled(node)
    header = b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n"
    for at in range(0, len(header), -(-len(header) // pieces)):
        peer.writer.write(header[at : at + -(-len(header) // pieces)])
        await asyncio.sleep(0.01)
    peer.writer.write(HELLO)
    assert b" 101 " in await asyncio.wait_for(peer.reader.readuntil(b"\r\n\r\n"), 5)
    assert (await story(node, monkeypatch, peer)).address == "192.0.2.1"


async def test_a_proxy_says_it_in_front_of_tls(make_node, authority, monkeypatch):
    config = secured(authority.issue())
    config["http_server"] |= PROXIED["http_server"]
    node = await make_node(**config)
    loop, plain = asyncio.get_running_loop(), __import__("socket").socket()
    plain.setblocking(False)
    await loop.sock_connect(plain, ("127.0.0.1", node.port))
    await loop.sock_sendall(plain, b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 443\r\n")
    reader, writer = await asyncio.open_connection(sock=plain, ssl=authority.trusting(), server_hostname="localhost")
    peer = Peer(reader, writer)
    writer.write(HELLO)
    assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    assert (await story(node, monkeypatch, peer)).address == "2001:db8::1"


@pytest.mark.parametrize(
    "data", [HELLO, b"PROXY TCP4 nonsense\r\n", b"PROXY ", b""], ids=["none", "bad", "half", "silence"]
)
async def test_no_header_no_entry(make_node, data):
    node = await make_node(**PROXIED)
    peer = await dialled(node, before=data)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(peer.reader.read(), 5) == b""
    assert refused(node, "proxy_header") == 1


async def test_a_stranger_may_not_say_it(make_node):
    config = {"http_server": PROXIED["http_server"] | {"trusted_proxies": ["10.0.0.0/8"]}}
    node = await make_node(**config)
    peer = await dialled(node, before=b"PROXY TCP4 192.0.2.1 198.51.100.1 4711 443\r\n")
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(peer.reader.read(), 5) == b""
    assert refused(node, "proxy_header") == 1


@pytest.mark.slow
async def test_a_further_listener_has_its_own_name_certificate_and_clocks(make_node, authority):
    pair = authority.issue()
    tls = {"enabled": True, "cert_pem": pair[0], "key_pem": pair[1]}
    port = free_port()
    listener = {"name": "services", "address": "127.0.0.1", "port": port, "deadlines": "lan", "tls": tls}
    node = await make_node(http_server={"listeners": [listener]}, **ANYBODY)
    await connected(node)
    node.port = port
    await connected(node, authority.trusting())
    assert node.telemetry.registry.value(names.CERTIFICATE_EXPIRY, "services") > 0
    silent = await upgraded(node, authority.trusting())
    began = asyncio.get_running_loop().time()
    silent.patience = 8
    assert await silent.closed() == (3502, "stale")
    assert asyncio.get_running_loop().time() - began < 5
