"""How long letters wait for others, and how often a provider that fails is asked again. Pure."""

from typing import Final

GATHER: Final = 1.0  # seconds that a letter waits for others when its reader was left in peace before
RECENT: Final = 120.0  # seconds in which a call makes the next letters wait longer
MINUTE: Final = 61.0  # seconds of a provider's minute: one more, as calls are not equally long on their way
_LONGER: Final = (1, 4, 10, 20, 30)  # times the first wait, by the number of recent calls
_FIRST: Final = 5.0  # seconds until a provider that failed is asked again
_SLOWEST: Final = (
    60.0  # seconds between two questions to a provider that is away: a page waits no longer for its return
)


def gather(window: float, calls: int) -> float:
    """Seconds that a new letter waits: a storm of a minute becomes five messages, a single page goes after one second.

    ``window``: the first wait; ``calls``: that its reader had recently.
    """
    return window * _LONGER[min(calls, len(_LONGER) - 1)]


def again(failures: int, least: float) -> float:
    """Seconds until the next try; ``failures``: in a row before this one; ``least``: what the provider wants."""
    return max(least, min(_SLOWEST, _FIRST * 2.0 ** min(failures, 10)))
