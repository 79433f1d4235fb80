"""A network that loses and delays packets: two namespaces, a TUN device in each, and between them a forwarder of ours.

The kernel may lack netem, and a proxy between two sockets would hide from TCP what happens: here both ends speak TCP
with each other, and what is lost or late is a packet. Needs root and /dev/net/tun.
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
SERVER, CLIENT = "10.77.0.1", "10.77.0.2"
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def why_not() -> str:
    """Why there can be no such network here; "" when there can."""
    if os.geteuid() != 0:
        return "needs root: network namespaces and TUN devices"
    if shutil.which("ip") is None:
        return "needs ip (iproute2)"
    if not Path("/dev/net/tun").exists():
        return "needs /dev/net/tun"
    tried = subprocess.run(["ip", "netns", "add", f"hg-try-{os.getpid()}"], capture_output=True, text=True)
    if tried.returncode:
        return f"no network namespaces here: {tried.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", f"hg-try-{os.getpid()}"], check=True)
    return ""


class FarNetwork:
    """`with FarNetwork() as network:`; set `loss` (0 … 1 of the packets to the client), `delay` (seconds a way), `cut`.

    At most `MOST_IN_A_ROW` packets are lost one after the other, so that a test is not left to chance.
    """

    MOST_IN_A_ROW = 2

    def __init__(self, seed: int = 7) -> None:
        self.loss, self.delay, self.cut = 0.0, 0.005, False
        self.forwarded = self.lost = 0
        self.server_side, self.client_side = (f"hg-{side}-{os.getpid()}" for side in ("server", "client"))
        self._random = random.Random(seed)
        self._in_a_row = 0
        self._devices: list[int] = []
        self._ended = threading.Event()
        self._forwarder = threading.Thread(target=self._forward, name="forwarder", daemon=True)

    def __enter__(self) -> "FarNetwork":
        for side, address in ((self.server_side, SERVER), (self.client_side, CLIENT)):
            _ip("netns", "add", side)
            self._devices.append(_tun(f"hgtun{len(self._devices)}-{os.getpid() % 10_000}"))
            _ip("link", "set", f"hgtun{len(self._devices) - 1}-{os.getpid() % 10_000}", "netns", side, "name", "tun0")
            _ip("-n", side, "address", "add", f"{address}/24", "dev", "tun0")
            for device in ("lo", "tun0"):
                _ip("-n", side, "link", "set", device, "up")
        self._forwarder.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._forwarder.join(5)
        for device in self._devices:
            os.close(device)
        for side in (self.server_side, self.client_side):
            with contextlib.suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", side)

    def connected(self, port: int) -> socket.socket:
        """A socket of the client's side, connected to the server's."""
        return within(self.client_side, lambda: socket.create_connection((SERVER, port), 20))

    def _forward(self) -> None:
        waiting: list[tuple[float, int, int, bytes]] = []
        number = 0
        while not self._ended.is_set():
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, device, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):
                    os.write(device, packet)
            timeout = min(0.05, waiting[0][0] - now) if waiting else 0.05
            for device in select.select(self._devices, [], [], max(0.0, timeout))[0]:
                packet = os.read(device, 65_536)
                to_client = device == self._devices[0]
                if not self._loses(to_client=to_client):
                    number += 1
                    other = self._devices[1 if to_client else 0]
                    heapq.heappush(waiting, (time.monotonic() + self.delay, number, other, packet))

    def _loses(self, *, to_client: bool) -> bool:
        if self.cut:
            return True
        if to_client and self._in_a_row < self.MOST_IN_A_ROW and self._random.random() < self.loss:
            self._in_a_row += 1
            self.lost += 1
            return True
        if to_client:
            self._in_a_row = 0
        self.forwarded += 1
        return False


def within(namespace: str, call: Callable[[], T]) -> T:
    """What the call gives when it is made inside this namespace; a socket made there stays there."""
    answer: list[Any] = []

    def run() -> None:
        with Path(f"/run/netns/{namespace}").open() as place:
            if _libc.setns(place.fileno(), _CLONE_NEWNET):
                answer.append(OSError(ctypes.get_errno(), "setns"))
                return
            try:
                answer.append(call())
            except Exception as fault:
                answer.append(fault)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]  # type: ignore[no-any-return]


def _tun(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return device


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
