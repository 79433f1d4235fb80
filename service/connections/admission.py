"""Pure: is there a place for one more upgrade, now, in a moment, or not?

Three bounds: so many connections at a time, so many new ones a second, both for the node and for one client address.
Whoever finds no place waits a little (a token of the rate is promised ahead, a place is handed on in order), then is
turned away with the words that SDKs understand; only when too many wait and linger already the answer is a bare 503.
After a storm the rate climbs from a tenth back to its whole: backends and caches behind us are cold, too.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

Cause = Literal["connection_limit", "connection_rate", "waiting_room_full", "address_limit", "address_rate"]

RAMP_FROM: Final = 0.1  # of the rate
CALM: Final = 1.0  # seconds without anybody turned away: the storm is over


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionSettings:
    """0 is no limit."""

    connections: int = 0  # Centrifugo's client.connection_limit
    rate: int = 0  # new connections a second; Centrifugo's client.connection_rate_limit
    ramp: float = 30.0  # seconds from a tenth of the rate back to all of it, after a storm
    wait: float = 0.25  # seconds; longer, and a client's own deadline is in danger
    waiting: int = 1024  # at a time; each holds a socket and a request, some 20 KiB
    turned_away: int = 1024  # that linger after 3013 at a time: they hold a socket for up to 5 s
    address_connections: int = 0  # of one address; off: whole offices and mobile networks share one
    address_rate: int = 0  # new connections a second of one address
    addresses: int = 65_536  # remembered at a time, some 15 MiB; the ones unseen for longest are forgotten


class Verdict(NamedTuple):
    """``wait`` seconds, then come in; or ``cause``: turned away. Neither: come in now. Both: wait for a place."""

    wait: float = 0.0
    cause: Cause | None = None


COME_IN: Final = Verdict()


class Bucket:
    """Tokens at a changing rate. It promises them ahead: ``reserve`` says when the next one is there."""

    __slots__ = ("_at", "_left")

    def __init__(self, rate: float, now: float) -> None:
        self._left = rate  # a second's worth at once
        self._at = now

    def reserve(self, now: float, rate: float, patience: float) -> float | None:
        """Seconds until a token is there, and it is taken; None when that is longer than ``patience``."""
        self._fill(now, rate)
        wait = (1.0 - self._left) / rate if self._left < 1.0 else 0.0
        if wait > patience:
            return None
        self._left -= 1.0
        return wait

    def full(self, now: float, rate: float) -> bool:
        """Nothing is owed to anybody: the bucket can be forgotten."""
        self._fill(now, rate)
        return self._left >= rate

    def _fill(self, now: float, rate: float) -> None:
        self._left = min(rate, self._left + (now - self._at) * rate)
        self._at = now


class Ramp:
    """The rate after a storm: from a tenth, in a straight line, back to all of it."""

    __slots__ = ("_began", "_last", "_rate", "_seconds")

    def __init__(self, rate: float, seconds: float) -> None:
        self._rate = rate
        self._seconds = seconds
        self._began = float("-inf")
        self._last = float("-inf")  # when somebody was turned away last

    def rate(self, now: float) -> float:
        """Upgrades a second that are let in now."""
        if self._seconds <= 0:
            return self._rate
        done = (now - self._began) / self._seconds
        return max(1.0, self._rate * min(1.0, max(RAMP_FROM, done)))

    def stormed(self, now: float) -> None:
        """Somebody was turned away by the rate: a storm begins, unless one is under way already."""
        if now - self._last > CALM and now - self._began > self._seconds:
            self._began = now
        self._last = now


class _Address:
    __slots__ = ("bucket", "count")

    def __init__(self) -> None:
        self.count = 0
        self.bucket: Bucket | None = None


class Addresses:
    """Connections and rate of each client address (group), at most so many of them."""

    __slots__ = ("_known", "_settings")

    def __init__(self, settings: AdmissionSettings) -> None:
        self._settings = settings
        self._known: OrderedDict[str, _Address] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def knock(self, address: str, now: float) -> Cause | None:
        """May this address have one more? It counts from here; ``left`` takes it back."""
        settings = self._settings
        found = self._known.get(address)
        if found is None:
            self._make_room()
            found = self._known[address] = _Address()
        self._known.move_to_end(address)
        if settings.address_connections and found.count >= settings.address_connections:
            return "address_limit"
        if settings.address_rate:
            if found.bucket is None:
                found.bucket = Bucket(settings.address_rate, now)
            if found.bucket.reserve(now, settings.address_rate, 0.0) is None:
                return "address_rate"
        found.count += 1
        return None

    def left(self, address: str, now: float) -> None:
        """One of its connections ended."""
        found = self._known.get(address)
        if found is None:
            return
        found.count -= 1
        if found.count <= 0 and (found.bucket is None or found.bucket.full(now, self._settings.address_rate)):
            del self._known[address]

    def _make_room(self) -> None:
        """Forget the one unseen for longest: with the rate alone it loses at most a second's memory."""
        if len(self._known) < self._settings.addresses:
            return
        for address, each in self._known.items():
            if each.count <= 0:
                del self._known[address]
                return
        self._known.popitem(last=False)  # all have connections: so many are bounded by the node's own limits


class Admission:
    """The node's. ``knock`` for each upgrade; ``left`` when what came of it has ended."""

    __slots__ = ("_addresses", "_bucket", "_ramp", "_settings", "inside", "turned_away", "waiting")

    def __init__(self, settings: AdmissionSettings, now: float) -> None:
        self._settings = settings
        self._ramp = Ramp(settings.rate, settings.ramp)
        self._bucket = Bucket(settings.rate, now)
        by_address = settings.address_connections or settings.address_rate
        self._addresses = Addresses(settings) if by_address else None
        self.inside = 0
        self.waiting = 0
        self.turned_away = 0  # and still there, lingering

    @property
    def settings(self) -> AdmissionSettings:
        """As given."""
        return self._settings

    @property
    def by_address(self) -> bool:
        """Whether it matters from where somebody comes."""
        return self._addresses is not None

    def rate(self, now: float) -> float:
        """Upgrades a second that are let in now; 0 is no limit."""
        return self._ramp.rate(now) if self._settings.rate else 0.0

    def knock(self, now: float, address: str = "") -> Verdict:
        """One more upgrade, of this client address (group).

        Without a cause it counts as inside from now on, also while it waits.
        """
        cause = self._addresses.knock(address, now) if self._addresses is not None else None
        if cause is not None:
            return Verdict(0.0, cause)
        verdict = self._place(now)
        if verdict.cause is None:
            self.inside += 1
        elif verdict.wait == 0.0:
            self._forget(address, now)
        return verdict

    def handed_on(self) -> None:
        """Who waited for a place has it."""
        self.inside += 1

    def gave_up(self, now: float, address: str = "") -> None:
        """Who waited for a place goes without."""
        self._forget(address, now)

    def left(self, now: float, address: str = "") -> None:
        """One that was inside has ended."""
        self.inside -= 1
        self._forget(address, now)

    def may_be_told(self) -> bool:
        """Whether one more may be turned away with a 101 and 3013; else it is a bare 503."""
        return self.turned_away < self._settings.turned_away

    def free(self) -> bool:
        """Whether there is a place."""
        return not self._settings.connections or self.inside < self._settings.connections

    def _forget(self, address: str, now: float) -> None:
        if self._addresses is not None:
            self._addresses.left(address, now)

    def _place(self, now: float) -> Verdict:
        settings = self._settings
        crowded = self.waiting >= settings.waiting
        if not self.free():
            return Verdict(0.0, "waiting_room_full") if crowded else Verdict(settings.wait, "connection_limit")
        if not settings.rate:
            return COME_IN
        wait = self._bucket.reserve(now, self._ramp.rate(now), 0.0 if crowded else settings.wait)
        if wait is None:
            self._ramp.stormed(now)
            return Verdict(0.0, "waiting_room_full" if crowded else "connection_rate")
        return Verdict(wait)
