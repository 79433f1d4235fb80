"""Pure: which happenings become traces. The gate stands in front of the tracer, so that "no" costs next to nothing.

A message is sampled by its audience: all of them at one receiver, about every tenth at 100, every thousandth from
10 000. Names on the allow-lists and callers that set the sampled flag come first. Everything stays under ceilings.
"""

from collections.abc import Callable
from dataclasses import dataclass

ALWAYS_UP_TO = 1  # receivers
KNEE, KNEE_SHARE = 100, 0.1
FLOOR_SHARE = 0.001  # from ten thousand receivers on


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """Ceilings per process and second, and who is always looked at."""

    traces_per_second: float = 50.0  # some 70 µs each; a store of 50 000 has a quarter of an hour
    flagged_per_second: float = 10.0  # a client's flag must not buy more than that
    late_per_second: float = 20.0  # slow and failed ones; a storm of them tells nothing new
    upgrades_per_second: float = 20.0  # of the traces; a reconnect storm must leave room for messages
    refusals_per_second: float = (
        5.0  # of the late ones' kind, apart: strangers must not use up the room of slow messages
    )
    heartbeat_share: float = 0.01
    heartbeats_kept_per_second: float = 1.0  # of those: exemplars, which the Collector has to keep
    factor: float = 1.0  # on the share by audience; 0 leaves the allow-lists, flags and late ones
    users: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()


class TokenBucket:
    """``rate`` a second, a second's worth (at least one) at once; time never runs backwards for it."""

    __slots__ = ("_at", "_burst", "_left", "_rate", "empty_until")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._burst = max(rate, 1.0 if rate else 0.0)
        self._left = self._burst
        self._at: float | None = None
        self.empty_until = float("-inf")  # asking before is in vain

    def take(self, now: float) -> bool:
        """True and one less, or False."""
        if self._at is None:
            self._at = now
        elif now > self._at:
            self._left = min(self._burst, self._left + (now - self._at) * self._rate)
            self._at = now
        if self._left < 1.0:
            self.empty_until = self._at + (1.0 - self._left) / self._rate if self._rate else float("inf")
            return False
        self._left -= 1.0
        return True


def share(audience: int) -> float:
    """The part of messages with so many receivers that is sampled: a line in logarithms through the three anchors."""
    if audience <= ALWAYS_UP_TO:
        return 1.0
    if audience <= KNEE:
        return float(audience**-0.5)
    return max(KNEE_SHARE * KNEE / audience, FLOOR_SHARE)


class Gate:
    """Says yes to a happening by naming why (one of ``names.SAMPLED_BY``), or no by the empty string.

    ``traces`` has the room for all of them: who is asked thousands of times a second looks there first.
    """

    __slots__ = (
        "_connections",
        "_fanouts",
        "_flagged",
        "_heartbeats",
        "_late",
        "_listed",
        "_random",
        "_refusals",
        "_settings",
        "traces",
    )

    def __init__(self, settings: SamplingSettings, random: Callable[[], float]) -> None:
        """``random`` draws from [0, 1)."""
        self._settings = settings
        self._random = random
        self._listed = bool(settings.users or settings.channels)
        self.traces = TokenBucket(settings.traces_per_second)
        self._flagged = TokenBucket(settings.flagged_per_second)
        self._late = TokenBucket(settings.late_per_second)
        self._refusals = TokenBucket(settings.refusals_per_second)
        self._connections = TokenBucket(settings.upgrades_per_second)
        self._heartbeats = TokenBucket(settings.heartbeats_kept_per_second)
        self._fanouts = TokenBucket(2 * settings.traces_per_second)

    def message(self, audience: int, now: float, channel: str = "", user: str = "", flagged: bool = False) -> str:
        """Is this publication traced?"""
        if now < self.traces.empty_until:
            return ""
        settings = self._settings
        if self._listed and (channel in settings.channels or (user and user in settings.users)):
            return "allow_list" if self.traces.take(now) else ""
        if flagged and self._flag(now):
            return "client_flag"
        part = share(audience) * settings.factor
        if (part >= 1.0 or self._random() < part) and self.traces.take(now):
            return "audience"
        return ""

    def upgrade(self, now: float, *, flagged: bool = False) -> str:
        """Is this upgrade traced? It has one receiver, but a ceiling of its own below that of all traces."""
        if flagged and self._flag(now):
            return "client_flag"
        if self._settings.factor >= 1.0 or self._random() < self._settings.factor:
            return "audience" if self._connections.take(now) and self.traces.take(now) else ""
        return ""

    def user(self, user: str, now: float) -> str:
        """Is this connection traced for its user's sake, though its upgrade was not?"""
        return "allow_list" if user in self._settings.users and self.traces.take(now) else ""

    def heartbeat(self, now: float) -> str:
        """Is this healthy heartbeat traced?"""
        return "audience" if self._random() < self._settings.heartbeat_share and self.traces.take(now) else ""

    def keeps_heartbeat(self, now: float) -> bool:
        """Is this traced heartbeat an exemplar? Its trace has to be kept; of the others a Collector keeps a few."""
        return self._heartbeats.take(now)

    def fanout(self, now: float) -> bool:
        """Is there room for the fan-out span of a message that was sampled elsewhere?"""
        return self._fanouts.take(now)

    def late(self, now: float) -> str:
        """Is there room for a span of something that turned out slow or failed?"""
        return "late" if self._late.take(now) else ""

    def refusal(self, now: float) -> str:
        """Is there room for a span of somebody who was not let in?"""
        return "late" if self._refusals.take(now) else ""

    def _flag(self, now: float) -> bool:
        return self._flagged.take(now) and self.traces.take(now)
