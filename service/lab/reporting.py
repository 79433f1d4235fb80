"""What a client of the lab tells the server of what it received: ``heliograph.report``, as the helper does it."""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from service.lab.subscriber import Received, Subscriber

EVERY: Final = 10.0  # seconds between two reports
_FIRST_ID: Final = 1_000_000  # of our commands; others that use the socket count from below


class Reporting:
    """One client's reports: how long a message took now and then, and how its last connection ended."""

    def __init__(self, subscriber: Subscriber, every: float = EVERY, *, wall: Callable[[], float] = time.time) -> None:
        self._subscriber = subscriber
        self._every = every
        self._wall = wall
        self._number = _FIRST_ID
        self._asked = 0.0  # milliseconds; when the report under way was sent
        self._due = 0.0
        self._clock: float | None = None  # the server's clock minus ours, in milliseconds, give or take ``_error``
        self._error = 0.0
        self._socket: Any = None
        subscriber.answered = self.answered

    async def heard(self, received: Received) -> None:
        """A publication came: report it, when it is time for that. The first report finds out what the clocks say."""
        now = self._wall() * 1000
        report: dict[str, Any] = {}
        if self._subscriber.socket is not self._socket:
            if self._socket is not None:
                report["ended"] = {"code": 1, "reason": "transport closed"}
            self._socket = self._subscriber.socket
        elif now < self._due:
            return
        if self._clock is not None and received.offset:
            message = {"channel": received.channel, "offset": received.offset, "at": now}
            report |= {"clock": self._clock, "error": self._error, "received": [message]}
            self._due = now + self._every * 1000
        else:
            self._due = now + 1000
        await self._send(report, now)

    def answered(self, reply: dict[str, Any]) -> None:
        """An answer to a command that is not the subscriber's own."""
        if reply.get("id") == self._number and "rpc" in reply:
            now = self._wall() * 1000
            self._error = (now - self._asked) / 2 + 0.1
            self._clock = reply["rpc"]["data"]["time"] - (self._asked + now) / 2

    async def _send(self, report: dict[str, Any], now: float) -> None:
        self._number += 1
        self._asked = now
        command = {"id": self._number, "rpc": {"method": "heliograph.report", "data": report}}
        if self._socket is not None:
            with suppress(ConnectionError):
                await self._socket.send_str(json.dumps(command))
