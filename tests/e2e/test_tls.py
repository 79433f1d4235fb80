"""TLS in process, with the unmodified Python SDK and a thousand lean clients: mTLS, and certificates replaced under load."""

import asyncio
import json
import os
import re
import signal
import ssl

import centrifuge
import pytest

from service.protocol import framing
from tests.e2e.served import Served, configuration, token
from tests.service.connections.authority import Authority

UPGRADE = (
    b"GET /connection/websocket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def served(tmp_path, authority, **tls):
    certificate, key = authority.issue("first", file="server")
    secured = {"enabled": True, "mode": "permissive", "cert_pem": certificate, "key_pem": key, **tls}
    settings = configuration(http_server__tls=secured, http_server__tls_external=True, client__ping_interval="0s")
    return Served(tmp_path, settings)


def sdk(server, context, events=None, **more):
    return centrifuge.Client(
        server.url.replace("ws://127.0.0.1", "wss://localhost"), events, ssl_context=context, **more
    )


class Heard(centrifuge.SubscriptionEventHandler):
    def __init__(self):
        self.numbers = []
        self.subscribed = asyncio.get_running_loop().create_future()

    async def on_subscribed(self, context):
        if not self.subscribed.done():
            self.subscribed.set_result(context)

    async def on_publication(self, context):
        self.numbers.append(context.pub.data["n"])


class Ends(centrifuge.ClientEventHandler):
    def __init__(self):
        self.ends = []

    async def on_connecting(self, context):
        if context.code:
            self.ends.append((context.code, context.reason))

    async def on_disconnected(self, context):
        self.ends.append((context.code, context.reason))


@pytest.mark.slow
async def test_the_python_sdk_over_wss_with_a_token_and_with_a_certificate(tmp_path):
    authority = Authority(tmp_path)
    tls = {"client_ca_pem": str(authority.file), "client_certificate": "optional", "user_from": "cn"}
    with served(tmp_path, authority, **tls) as server:
        by_token = sdk(server, authority.trusting(), token=token("ann"))
        by_certificate = sdk(server, authority.trusting(authority.issue("machine-7")))
        heard = Heard()
        await by_token.new_subscription("news", heard).subscribe()
        for client in (by_token, by_certificate):
            await client.connect()
            await asyncio.wait_for(client.ready(), 10)
        await asyncio.wait_for(heard.subscribed, 10)
        await by_certificate.publish("news", {"n": 1})
        for _ in range(250):
            if heard.numbers:
                break
            await asyncio.sleep(0.02)
        assert heard.numbers == [1]
        for client in (by_token, by_certificate):
            await client.disconnect()
        assert server.stop()[0] == 0
        ends = [json.loads(line) for line in server.log.read_text().splitlines() if '"connection.closed"' in line]
    assert {end["user"] for end in ends} == {"ann", "machine-7"}


async def lean(server, context, user):
    """Connected and subscribed, over TLS: its reader, and the certificate that the server showed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context, server_hostname="localhost")
    commands = [{"id": 1, "connect": {"token": user}}, {"id": 2, "subscribe": {"channel": "news"}}]
    text = "\n".join(map(json.dumps, commands)).encode()
    writer.write(UPGRADE + framing.client_frame(framing.TEXT, text, b"mask"))
    await reader.readuntil(b"\r\n\r\n")
    seen = b""
    while b'"id":2' not in seen:
        seen += await reader.read(4096)
    return reader, writer, seen


async def numbers(reader, seen, last):
    """Every number of this client's publications, until the last one."""
    while b'"n": %d}' % last not in seen:
        more = await asyncio.wait_for(reader.read(65536), 30)
        assert more, f"dropped after {seen[-200:]!r}"
        seen += more
    return [int(n) for n in re.findall(rb'"n": (\d+)\}', seen)]


@pytest.mark.timeout(120)
@pytest.mark.slow
async def test_certificates_are_replaced_under_a_thousand_connections_and_load(tmp_path):
    authority, published = Authority(tmp_path), 0
    with served(tmp_path, authority) as server:
        context, user, ends = authority.trusting(), token("ann"), Ends()
        heard = Heard()
        client = sdk(server, context, ends, token=user)
        await client.new_subscription("news", heard).subscribe()
        await client.connect()
        await asyncio.wait_for(heard.subscribed, 10)
        peers = []
        for _ in range(20):
            peers += await asyncio.gather(*(lean(server, context, user) for _ in range(50)))
        shown = []
        for round_, name in enumerate(("second", "third", "fourth")):
            authority.issue(name, file="server")
            if round_ == 1:
                os.kill(server.pid, signal.SIGHUP)
            for _ in range(30):
                await asyncio.to_thread(server.api, "publish", channel="news", data={"n": published})
                published += 1
                await asyncio.sleep(0.08)
            _, writer, _ = await lean(server, context, user)
            (subject,) = [dict(rdn)["commonName"] for rdn in writer.get_extra_info("peercert")["subject"]]
            shown.append(subject)
            writer.close()
        got = await asyncio.gather(*(numbers(reader, seen, published - 1) for reader, _, seen in peers))
        assert shown == ["second", "third", "fourth"]
        assert all(each == list(range(published)) for each in got)
        for _ in range(250):
            if len(heard.numbers) == published:
                break
            await asyncio.sleep(0.02)
        assert (heard.numbers, ends.ends) == (list(range(published)), [])
        await client.disconnect()
        for _, writer, _ in peers:
            writer.transport.abort()


async def test_a_stranger_s_refusal_has_its_reason_in_the_log_alone(tmp_path):
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    with served(tmp_path, authority, mode="strict", client_ca_pem=str(authority.file)) as server:
        for certificate in (None, stranger.issue("mallory")):
            heard = b""
            with pytest.raises((ssl.SSLError, ConnectionError, EOFError, asyncio.IncompleteReadError)):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", server.port, ssl=authority.trusting(certificate), server_hostname="localhost"
                )
                writer.write(UPGRADE)
                heard = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            assert heard == b""
        for _ in range(250):
            lines = [json.loads(line) for line in server.log.read_text().splitlines() if '"door.refused"' in line]
            if len(lines) == 2:
                break
            await asyncio.sleep(0.02)
    assert [line["cause"] for line in lines] == ["tls_failed", "tls_failed"]
    assert all(line["reason"] and line["answer"] == "cut" for line in lines)
