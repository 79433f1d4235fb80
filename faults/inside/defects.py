"""Imported by the server's process in the failure lab alone: mistakes that its program could have.

Ordered like the faults of ``trouble``: something raises where nobody thinks of it, or comes far too late.
"""

import random
import sys
from typing import Any

from trouble import ordered  # type: ignore[import-not-found]


def spoil(fanout: Any) -> None:
    """``encoding``: a share of what is published cannot be encoded. ``fanout-late``: seconds until a fan-out begins."""
    encode, begin, arm = fanout._encode, fanout._begin_or_wait, fanout._arm

    def broken(self: Any, channel: Any, batch: Any, run: Any) -> None:
        if random.random() < ordered("encoding"):
            raise RuntimeError("a fault of the lab")
        encode(self, channel, batch, run)

    def late(self: Any) -> None:
        if not (seconds := ordered("fanout-late")):
            arm(self)
        elif not self._armed:
            self._armed = True
            self._timers.call_later(seconds, self._tick)

    def begins(self: Any) -> None:
        if not ordered("fanout-late"):
            begin(self)
        elif self._turns and not self._serving:
            late(self)

    fanout._encode, fanout._begin_or_wait, fanout._arm = broken, begins, late


def embitter(session: Any, own_fault: Any) -> None:
    """A share of all commands ends its connection: ``ends``."""
    receive = session.receive

    def received(self: Any, command: Any, now: float, size: int = 0) -> Any:
        if self.state.name == "READY" and random.random() < ordered("ends"):
            return self.close(own_fault, "a fault of the lab")
        return receive(self, command, now, size)

    session.receive = received


def confuse(keys: Any) -> None:
    """A room cannot tell its figures: ``figures``."""
    figures = keys.figures

    def told(self: Any) -> Any:
        if ordered("figures"):
            raise RuntimeError("a fault of the lab")
        return figures(self)

    keys.figures = told


if "serve" in sys.orig_argv:
    from service.access.key_fetching import KeyFetcher
    from service.channels.fanout import Fanout
    from service.connections.session import Session
    from service.protocol.closing import INTERNAL_ERROR

    spoil(Fanout)
    embitter(Session, INTERNAL_ERROR)
    confuse(KeyFetcher)
