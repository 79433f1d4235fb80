"""Imported by the server's and the pager's process in the failure lab alone: what can go wrong inside them only.

A fault is there while a file of its name lies in the folder ``orders`` beside this one; the file's text is its size.
"""

import asyncio
import gc
import os
import random
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

ORDERS = Path(__file__).with_name("orders")
LOOK = 0.05  # seconds between two looks at the orders
PAUSE = 2.0  # seconds between two blocks of the loop


def ordered(name: str) -> float:
    """The size of a fault that is ordered; 0 for one that is not."""
    try:
        return float((ORDERS / name).read_text() or 0)
    except (OSError, ValueError):
        return 0.0


def spin() -> None:
    """A thread that computes takes the interpreter from the event loop again and again."""
    until = time.monotonic() + LOOK
    while time.monotonic() < until:
        sum(range(1000))


def litter(size: float) -> None:
    """Garbage in cycles, and a full collection of it all."""
    rings: list[list[object]] = [[] for _ in range(int(size))]
    for ring in rings:
        ring.append(ring)
    del rings
    gc.collect()


def stand_still(seconds: float) -> None:
    """On the event loop: nobody is served meanwhile."""
    time.sleep(seconds)


def fill_disk(*, full: bool) -> None:
    """No file may grow: what a full disk says to who writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wanted = 0 if full else hard
    if soft != wanted:
        resource.setrlimit(resource.RLIMIT_FSIZE, (wanted, hard))


class Descriptors:
    """As if so large a share of the descriptors that it may open were in use."""

    def __init__(self) -> None:
        self.before = 0

    def shrink(self, share: float) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if share and not self.before:
            self.before = soft
            wanted = int(len(os.listdir("/proc/self/fd")) / share)
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
        elif self.before and not share:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.before, hard))
            self.before = 0


def obey_in_pager() -> None:
    """Until the process ends."""
    while True:
        fill_disk(full=bool(ordered("pager-disk-full")))
        time.sleep(LOOK)


def obey() -> None:
    """Until the process ends."""
    descriptors = Descriptors()
    while True:
        if ordered("cpu"):
            spin()
        elif size := ordered("garbage"):
            litter(size)
            time.sleep(LOOK)
        else:
            time.sleep(LOOK)
        descriptors.shrink(ordered("files"))
        fill_disk(full=bool(ordered("disk-full")))


def infect(broker: Any, unavailable: type[Exception]) -> None:
    """The memory broker cannot fail, and is never slow; this one is what a broker elsewhere may be."""
    real = broker.publish
    blocked = 0.0  # when it was, last

    async def late(self: object, seconds: float, *arguments: object) -> object:
        await asyncio.sleep(seconds)
        return real(self, *arguments)

    def publish(self: object, *arguments: object) -> object:
        nonlocal blocked
        if random.random() < ordered("broker-fails"):
            raise unavailable("a fault of the lab")
        if (block := ordered("loop-blocked")) and time.monotonic() > blocked + PAUSE:
            asyncio.get_running_loop().call_soon(stand_still, block)
            blocked = time.monotonic()
        if seconds := ordered("broker-slow"):
            return late(self, seconds, *arguments)
        return real(self, *arguments)

    broker.publish = publish


if "serve" in sys.orig_argv:
    from service.broker.contract import BrokerUnavailable
    from service.broker.memory_broker import MemoryBroker

    infect(MemoryBroker, BrokerUnavailable)
    threading.Thread(target=obey, name="lab", daemon=True).start()
elif "alerts.pager" in sys.orig_argv:
    threading.Thread(target=obey_in_pager, name="lab", daemon=True).start()
