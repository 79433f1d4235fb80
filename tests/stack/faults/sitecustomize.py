"""Mounted into the server's container by the stack's tests alone: faults that the server itself does not have.

While a file called ``broker`` lies beside this one, half of the memory broker's publishes answer as Redis out of reach will;
while one called ``signal`` does, a signal of the upgrade's chain raises; while one called ``encoding`` does, what is
published in the channel ``unencodable`` cannot be encoded; while one called ``collector`` does, each publish collects
garbage; while one called ``stall`` does, one blocks the loop every three seconds.
"""

import gc
import random
import sys
import time
from pathlib import Path

BROKER, SIGNAL, ENCODING, COLLECTOR, STALL = (
    Path(__file__).with_name(name) for name in ("broker", "signal", "encoding", "collector", "stall")
)

if "serve" in sys.orig_argv:
    from service.broker.contract import BrokerUnavailable
    from service.broker.memory_broker import MemoryBroker

    real, stalled = MemoryBroker.publish, [0.0]

    def publish(self, *arguments, **named):
        if STALL.exists() and time.monotonic() > stalled[-1] + 3:  # now and then: it shall still answer
            time.sleep(0.4)
            stalled.append(time.monotonic())
        if COLLECTOR.exists():
            gc.collect()
        if BROKER.exists() and random.random() < 0.5:
            raise BrokerUnavailable("a fault of the stack's tests")
        return real(self, *arguments, **named)

    MemoryBroker.publish = publish

    from service.channels.fanout import Fanout

    really = Fanout._encode

    def encode(self, channel, batch, run):
        if ENCODING.exists() and channel.name == "unencodable":
            raise RuntimeError("a fault of the stack's tests")
        really(self, channel, batch, run)

    Fanout._encode = encode

    from aiohttp.web import Application

    started = Application.__init__

    def init(self, *arguments, **named):
        started(self, *arguments, **named)
        self.on_response_prepare.append(raise_now_and_then)

    async def raise_now_and_then(request, response):
        if SIGNAL.exists() and request.path.startswith("/connection/"):
            raise RuntimeError("a fault of the stack's tests")

    Application.__init__ = init
