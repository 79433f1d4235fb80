"""In the server's process beside the failure lab's ``trouble``: faults that only the stack's tests need.

While ``signal`` is ordered, a signal of the upgrade's chain raises; while ``encoding`` is, what is published in the channel
``unencodable`` cannot be encoded; while ``ledger`` is, neither what the kernel took is counted nor who has ended. ``heartbeats`` is no fault: each is traced.
"""

import sys

from trouble import ordered

if "serve" in sys.orig_argv:
    from service.channels.fanout import Fanout

    really = Fanout._encode

    def encode(self, channel, batch, run):
        if channel.name == "unencodable" and ordered("encoding"):
            raise RuntimeError("a fault of the stack's tests")
        really(self, channel, batch, run)

    Fanout._encode = encode

    from service.channels.ledger import Book
    from service.connections.close_ledger import CloseLedger

    def unless_ordered(count):
        def counted(self, what):
            if not ordered("ledger"):
                count(self, what)

        return counted

    Book.write = unless_ordered(Book.write)
    CloseLedger.end = unless_ordered(CloseLedger.end)

    from observability.sampling import Gate

    draws = Gate.heartbeat
    Gate.heartbeat = lambda gate, now: "audience" if ordered("heartbeats") else draws(gate, now)

    from aiohttp.web import Application

    started = Application.__init__

    def init(self, *arguments, **named):
        started(self, *arguments, **named)
        self.on_response_prepare.append(raise_now_and_then)

    async def raise_now_and_then(request, response):
        if request.path.startswith("/connection/") and ordered("signal"):
            raise RuntimeError("a fault of the stack's tests")

    Application.__init__ = init
