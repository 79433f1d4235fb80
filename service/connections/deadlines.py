"""Pure: the two clocks that a stranger runs against before it is a client, by named profiles.

*Door*: from the accepted socket to the whole request (a body has as long again); who is later hears 408.
*Greeting*: from the 101 to the connect reply; who is later is closed with 3502.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Clocks:
    """Seconds."""

    door: float
    greeting: float


PROFILES: Final[Mapping[str, Clocks]] = MappingProxyType(
    {
        "lan": Clocks(door=0.5, greeting=3.0),  # services in one data centre: a retry is cheaper than waiting
        "public": Clocks(door=5.0, greeting=10.0),  # phones: TLS takes three round trips of up to a second
        "bulk": Clocks(door=10.0, greeting=25.0),  # weak networks, fleets that wake up together
    }
)
USUAL: Final = "public"


def clocks(profile: str = USUAL, door: float = 0.0, greeting: float = 0.0) -> Clocks:
    """The profile's clocks, where no other figure is given.

    Args:
        profile: a key of ``PROFILES``; "" is the usual one.
        door: seconds; 0 takes the profile's.
        greeting: seconds; 0 takes the profile's.

    """
    named = PROFILES[profile or USUAL]
    return Clocks(door or named.door, greeting or named.greeting)


def overdue(since: float, now: float, allowed: float, stall: float = 0.0) -> bool:
    """Whether who owes us something since then is late.

    Args:
        since: loop time; 0.0 when nothing is owed.
        now: loop time.
        allowed: seconds.
        stall: seconds that our own loop stood still: what was sent meanwhile lies unread.

    """
    return since > 0.0 and now - since > allowed + stall
