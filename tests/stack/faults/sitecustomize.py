"""Mounted into the server's container by the stack's tests alone: a memory broker that can be made to fail.

The real one cannot fail. While a file called ``broker`` lies beside this one, half of its publishes answer as Redis out of reach will.
"""

import random
import sys
from pathlib import Path

FAULT = Path(__file__).with_name("broker")

if "serve" in sys.orig_argv:
    from service.broker.contract import BrokerUnavailable
    from service.broker.memory_broker import MemoryBroker

    real = MemoryBroker.publish

    def publish(self, *arguments, **named):
        if FAULT.exists() and random.random() < 0.5:
            raise BrokerUnavailable("a fault of the stack's tests")
        return real(self, *arguments, **named)

    MemoryBroker.publish = publish
