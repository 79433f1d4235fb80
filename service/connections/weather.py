"""Pure: how often to ask a peer whether it is there, by the state of its network as TCP knows it.

A weak network loses what is sent: it is asked often, so that a dead peer is found soon. A far one takes long for each
way: it is asked seldom and waited for longer. The first sign counts, the way back takes some quiet looks.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from service.connections.heartbeat import PROFILES, HeartbeatSettings
from service.connections.slowness import Reading

FADES: Final = 0.75  # of what was counted counts at the next look
LOSSES: Final = 1.5  # counted ones that make a network weak: two pings in a row, or more at a time
FAR: Final = 0.5  # seconds of round trip
NEAR: Final = 0.35  # below it a far one is near again
USUAL: Final = HeartbeatSettings()
QUIET: Final = 3  # looks until it is forgotten


class Weather(Enum):
    """The state of a peer's network."""

    NORMAL = "normal"
    WEAK = "weak"
    FAR = "far"


@dataclass(frozen=True, slots=True)
class Climate:
    """Which profile belongs to which weather. A silent peer is dead after 60, 45 and 90 seconds."""

    normal: HeartbeatSettings = HeartbeatSettings(30.0, 30.0, 2)
    weak: HeartbeatSettings = HeartbeatSettings(15.0, 15.0, 3)
    far: HeartbeatSettings = HeartbeatSettings(45.0, 45.0, 2)

    def profile(self, weather: Weather) -> HeartbeatSettings:
        """Of this weather."""
        if weather is Weather.NORMAL:
            return self.normal
        return self.weak if weather is Weather.WEAK else self.far

    @property
    def longest(self) -> float:
        """Seconds between two pings at most: what the connect reply says, since a client never hears of a change."""
        return max(self.normal.interval, self.weak.interval, self.far.interval)

    @property
    def silence(self) -> float:
        """The longest permitted silence in seconds."""
        return max(each.interval * each.misses + each.timeout for each in (self.normal, self.weak, self.far))


class Chosen(NamedTuple):
    """How connections begin, and whether they adapt."""

    settings: HeartbeatSettings
    climate: Climate | None = None

    @property
    def silence(self) -> float:
        """The longest permitted silence in seconds."""
        own = self.settings.interval * self.settings.misses + self.settings.timeout
        return own if self.climate is None else self.climate.silence


def chosen(name: str, own: HeartbeatSettings = USUAL) -> Chosen:
    """The profile of this name, "" for figures of one's own."""
    if name == "adaptive":
        climate = Climate()
        return Chosen(climate.normal, climate)
    return Chosen(PROFILES.get(name) or own)


class Sky:
    """What was seen of one peer's network; made when adaptive heartbeats are on."""

    __slots__ = ("_losses", "_missed", "_quiet", "_resent", "weather")

    def __init__(self) -> None:
        self.weather = Weather.NORMAL
        self._losses = 0.0
        self._resent = 0
        self._missed = 0
        self._quiet = 0

    def look(self, reading: Reading, missed: int = 0) -> Weather:
        """The weather now; call it with each ping.

        Args:
            reading: of the kernel.
            missed: pongs that are overdue.

        """
        lost = max(0, reading.resent - self._resent) + max(0, missed - self._missed)
        self._losses = self._losses * FADES + lost
        self._resent, self._missed = reading.resent, missed
        seen = self._seen(reading)
        if seen is not Weather.NORMAL:
            self._quiet = 0
            self.weather = seen
        elif self.weather is not Weather.NORMAL:
            self._quiet += not lost
            if self._quiet >= QUIET:
                self.weather, self._quiet = Weather.NORMAL, 0
        return self.weather

    def _seen(self, reading: Reading) -> Weather:
        if self._losses >= LOSSES or reading.resending > 1:
            return Weather.WEAK
        limit = NEAR if self.weather is Weather.FAR else FAR
        return Weather.FAR if reading.rtt >= limit else Weather.NORMAL
