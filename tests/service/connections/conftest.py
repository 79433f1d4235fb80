"""A whole node for the tests of connections, with raw sockets as peers."""

import asyncio
import ctypes
import json
import socket
import struct
import time

import jwt
import pytest

from service.app import Service
from service.config import load
from service.connections.sockopts import SocketSettings, listen
from service.protocol import framing
from tests.e2e.raw import Raw
from tests.observability.shown import hold_to_claims

SO_ATTACH_FILTER = 26  # linux/socket.h; Python has no name for it
SECRET = "a-secret-that-is-long-enough-for-hs256"
CONFIG = {
    "http_server": {"address": "127.0.0.1", "port": 0, "internal_address": "127.0.0.1", "internal_port": 0},
    "http_api": {"key": "key"},
    "client": {"token": {"hmac_secret_key": SECRET}, "allowed_origins": ["https://app.example.com"]},
    "log": {"level": "error"},
    "channel": {"without_namespace": {"allow_subscribe_for_client": True, "allow_publish_for_client": True}},
}
UPGRADE = (
    "GET /connection/websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


def merged(base, changes):
    return {
        key: merged(base[key], changes[key])
        if isinstance(base.get(key), dict) and key in changes
        else changes.get(key, base.get(key))
        for key in {**base, **changes}
    }


def free_port():
    """A port for a further listener."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class Peer(Raw):
    """A peer that speaks bytes, and waits for none for long."""

    patience = 3

    def text(self, *commands):
        self.send("\n".join(json.dumps(c) for c in commands).encode())

    async def closed(self):
        """The code and the reason of the Close frame, whatever comes before it."""
        gone = await self.end()
        assert gone.code is not None, "it ended without a Close frame"
        return gone.code, gone.reason

    async def replies(self):
        opcode, payload = await self.frame()
        assert opcode == framing.TEXT, (opcode, payload)
        return [json.loads(line) for line in payload.split(b"\n")]

    async def ended(self):
        return await asyncio.wait_for(self.reader.read(1), 3) == b""


class Node(Service):
    async def peer(self, *headers, early=b"", narrow=False):
        """``narrow``: with a small receive buffer that does not grow."""
        sock = socket.socket()
        if narrow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=sock)
        writer.write((UPGRADE + "".join(h + "\r\n" for h in headers) + "\r\n").encode() + early)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 3)
        assert b" 101 " in head, head
        self.peers.append(writer)
        return Peer(reader, writer)

    async def greeted(self, user="ann", narrow=False):
        peer = await self.peer(narrow=narrow)
        token = jwt.encode({"sub": user, "exp": int(time.time()) + 600}, SECRET, algorithm="HS256")
        peer.text({"id": 1, "connect": {"token": token}})
        (reply,) = await peer.replies()
        peer.client = reply["connect"]["client"]
        return peer


def fall_silent(sock):
    """The kernel drops every segment that comes for this socket: it acknowledges nothing any more, as a dead peer."""
    drop_all = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF: return 0 bytes
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, ctypes.addressof(drop_all)))


@pytest.fixture
async def make_node(request, tmp_path):
    """Starts nodes; at its end the test is held to what label_values.txt says of it."""
    nodes = []

    async def make(middlewares=(), telemetry=None, **changes):
        file = tmp_path / "config.json"
        file.write_text(json.dumps(merged(CONFIG, changes)))
        node = Node(load(file, {}), telemetry, middlewares=middlewares)
        node.peers = []
        public, _ = await node.start()
        node.port = public.port
        nodes.append(node)
        return node

    yield make
    hold_to_claims(request, [node.telemetry.registry for node in nodes])
    for node in nodes:
        for writer in node.peers:
            writer.close()
        if node.station.leaving is None:
            await node.stop("test")
        assert not node.hub.ledger.unaccounted, "whatever the test did, it is known what became of each message"


@pytest.fixture
async def node(make_node):
    return await make_node()


@pytest.fixture
def pair():
    """An accepted socket, and its peer, which reads little."""
    listener = listen("127.0.0.1", 0, SocketSettings())
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(listener.getsockname())
    listener.setblocking(True)
    server, _ = listener.accept()
    server.setblocking(False)
    yield server, client
    for s in (server, client, listener):
        s.close()
