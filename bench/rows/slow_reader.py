"""One of 5,000 clients reads 10 kbit a second: how fast the others hear, with it and without, in pairs."""

import json
import random
import socket
import threading
import time
import urllib.request
from typing import Self

from bench import envelope, peers
from bench.figures import Finding, at_most, ratios
from bench.options import Options
from bench.processes import Client, Server, at_rate
from bench.service import KEY

CONNECTIONS = 5_000
HZ = 20.0
PAIRS = 12
FILLING = 50_000
SIP, PAUSE = 125, 0.1  # bytes and seconds: 10 kbit a second
MiB = 2**20


def measure(options: Options) -> list[Finding]:
    pairs = options.rounds(PAIRS) if not options.quick else 2
    times: dict[bool, list[float]] = {True: [], False: []}
    with peers.heliograph() as server, Client(server.port) as client:
        client.open(options.connections(CONNECTIONS) - 1, "subscribe")
        _p99(server, client, options)  # warm
        before = server.rss()
        for _ in range(pairs):
            for slow in random.sample((True, False), 2):
                times[slow].append(
                    _with_slow_reader(server, client, options) if slow else _p99(server, client, options)
                )
        grown = (server.rss() - before) / MiB
    ratio = ratios(times[True], times[False])
    return [
        Finding("slow reader", "others' p99 with it", tuple(times[True]), "ms"),
        Finding("slow reader", "others' p99 without", tuple(times[False]), "ms"),
        Finding("slow reader", "with / without", ratio, "×", at_most(1.1), f"{pairs} pairs"),
        Finding("slow reader", "resident memory, after / before", (grown,), "MiB"),
    ]


def _p99(server: Server, client: Client, options: Options) -> float:
    return float(at_rate(server, client, HZ, options.seconds(1.2)).counted["p99"]) / 1e6


def _with_slow_reader(server: Server, client: Client, options: Options) -> float:
    with SlowReader(server.port) as reader:
        reader.fill()
        return _p99(server, client, options)


class SlowReader:
    """A client that sips once it has subscribed: what comes for it waits in the kernel, then in its outbox."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._filler = f"filler-{random.randrange(10**9)}"
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.settimeout(10)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(
            b"GET /connection/websocket HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self._read_until(b"\r\n\r\n")
        for number, channel in enumerate((None, envelope.CHANNEL, self._filler), 1):
            what = {"subscribe": {"channel": channel}} if channel else {"connect": {}}
            payload = json.dumps({"id": number, **what}).encode()
            self._socket.sendall(bytes((0x81, 0x80 | len(payload))) + bytes(4) + payload)
            self._read_until(b'"id":%d' % number)
        self._left = threading.Event()
        self._sipping = threading.Thread(target=self._sip)
        self._sipping.start()

    def fill(self) -> None:
        """More than the kernel takes, so that the live messages wait in the outbox."""
        for _ in range(6):
            body = json.dumps({"channel": self._filler, "data": "x" * FILLING}).encode()
            headers = {"X-API-Key": KEY, "Content-Type": "application/json"}
            request = urllib.request.Request(f"http://127.0.0.1:{self._port}/api/publish", body, headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                answer.read()
        time.sleep(0.1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        self._sipping.join()
        self._socket.close()

    def _sip(self) -> None:
        while not self._left.wait(PAUSE):
            assert self._socket.recv(SIP), "the server closed"

    def _read_until(self, mark: bytes) -> None:
        data = b""
        while mark not in data:
            more = self._socket.recv(1)
            assert more, "the server closed"
            data += more
