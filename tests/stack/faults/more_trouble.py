"""In the server's process beside the failure lab's ``trouble``: faults that only the stack's tests need.

While ``signal`` is ordered, a signal of the upgrade's chain raises; while ``encoding`` is, what is published in the channel
``unencodable`` cannot be encoded.
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

    from aiohttp.web import Application

    started = Application.__init__

    def init(self, *arguments, **named):
        started(self, *arguments, **named)
        self.on_response_prepare.append(raise_now_and_then)

    async def raise_now_and_then(request, response):
        if request.path.startswith("/connection/") and ordered("signal"):
            raise RuntimeError("a fault of the stack's tests")

    Application.__init__ = init
