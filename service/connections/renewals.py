"""What the backend is asked when a time is over: whether a connection, or a subscription, goes on. Pure.

Such questions run beside the client's commands, and each has its end in time (``access/hooks.py``): while one is open
nothing is closed.
"""

from math import inf
from typing import Final

from service.connections.questions import Ask, MayGoOn

CONNECTION: Final = ""  # among the names of channels


class Renewals:
    """When to ask about what. Tickets are negative, so that they are never those of commands."""

    __slots__ = ("_due", "_last", "_open", "next")

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        self._open: dict[int, str] = {}
        self._last = 0
        self.next = inf  # loop time of the next question

    def plan(self, what: str, at: float) -> None:
        """Ask about this channel, or about the connection, at this loop time."""
        self._due[what] = at
        self._find_next()

    def forget(self, what: str) -> None:
        """Do not ask; an answer on its way is not waited for."""
        self._due.pop(what, None)
        self._open = {ticket: asked for ticket, asked in self._open.items() if asked != what}
        self._find_next()

    def ask(self, now: float) -> list[Ask]:
        """The questions that are due."""
        asks = []
        for what in [what for what, at in self._due.items() if at <= now]:
            del self._due[what]
            self._last -= 1
            self._open[self._last] = what
            asks.append(Ask(self._last, MayGoOn(what)))
        self._find_next()
        return asks

    def settled(self, ticket: int) -> str | None:
        """What the answered question was about; None when nobody wants to know any more."""
        return self._open.pop(ticket, None)

    def _find_next(self) -> None:
        self.next = min(self._due.values(), default=inf)
