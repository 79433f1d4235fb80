"""Pure: how many commands one client may send. One number a client is kept: until when its commands are paid for.

A command whose answer carries much costs more, or a small question in a large channel would be a cheap way to keep us
busy: a message of a thousand of them would be gigabytes of answers.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from service.protocol import messages as wire

ENTRIES: Final = 64  # publications, or clients of a presence: these cost as much as a command, some 30 µs
SIZE: Final = 24 * 1024  # bytes of publications that cost as much


class Verdict(Enum):
    """What becomes of a command."""

    FINE = "fine"
    REFUSED = "refused"  # with error 111: SDKs wait and try again
    OVER = "over"  # it went on and on in spite of that


@dataclass(frozen=True, slots=True)
class Pace:
    """``burst`` commands at once and ``rate`` a second in the long run; as many again are refused one by one."""

    rate: float = 1000.0  # a second; 0: no limit. A thousand commands are some 3 % of a core
    burst: int = 2000  # an SDK subscribes to all its channels at once after a reconnect

    def judge(self, paid_until: float, now: float) -> tuple[Verdict, float]:
        """A command comes. Its verdict, and until when the client's commands are paid for now.

        Args:
            paid_until: the second result of the last call, 0.0 at first.
            now: seconds, of any clock.

        """
        paid_until = max(paid_until, now) + 1 / self.rate
        ahead = (paid_until - now) * self.rate
        if ahead <= self.burst + 0.5:  # half a command for what floats lose
            return Verdict.FINE, paid_until
        return (Verdict.REFUSED if ahead <= 2 * self.burst + 0.5 else Verdict.OVER), paid_until

    def charge(self, paid_until: float, now: float, commands: float) -> float:
        """Until when all is paid for when an answer cost as much as so many commands.

        It never leads beyond the burst: who asked in good faith hears error 111 for a while, and is not closed.
        """
        most = max(paid_until, now + self.burst / self.rate)
        return min(max(paid_until, now) + commands / self.rate, most)


def cost(reply: wire.Reply) -> float:
    """What an answer costs beyond that of a command, in commands."""
    history, presence, subscribed = reply.history, reply.presence, reply.subscribe
    if isinstance(presence, wire.PresenceResult):
        return len(presence.presence) / ENTRIES
    publications: list[wire.Publication] = []
    if isinstance(history, wire.HistoryResult):
        publications = history.publications
    elif isinstance(subscribed, wire.SubscribeResult):
        publications = subscribed.publications
    if not publications:
        return 0.0
    return len(publications) / ENTRIES + sum(len(each.data) for each in publications) / SIZE
