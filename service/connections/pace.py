"""Pure: how many commands one client may send. One number a client is kept: until when its commands are paid for."""

from dataclasses import dataclass
from enum import Enum


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
