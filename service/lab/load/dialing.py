"""Where a load's server is, and a socket to it."""

import asyncio
import ssl
from typing import Final
from urllib.parse import urlsplit

from service.lab.load.plan import Plan

CONNECTING: Final = 10.0  # seconds that an attempt may take


class Dialer:
    """Opens sockets as the plan says."""

    def __init__(self, plan: Plan) -> None:
        address = urlsplit(plan.url)
        assert address.hostname is not None, "a checked plan"
        self.path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        self.host = address.netloc
        self.name = address.hostname
        self.port = address.port or (443 if address.scheme == "wss" else 80)
        self._ssl = _context(plan) if address.scheme == "wss" else None

    async def dial(self, protocol: asyncio.Protocol) -> None:
        """Give the protocol a socket.

        Raises:
            OSError: there is none to be had, or its TLS is not trusted.
            TimeoutError: not in time.

        """
        name = self.name if self._ssl is not None else None
        async with asyncio.timeout(CONNECTING):
            await asyncio.get_running_loop().create_connection(
                lambda: protocol, self.name, self.port, ssl=self._ssl, server_hostname=name
            )


def _context(plan: Plan) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=plan.cafile or None)
    if not plan.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
