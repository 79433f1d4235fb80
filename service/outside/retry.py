"""Pure: how often, and after which pause, a question is asked again."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Tries and pauses, all inside the caller's one budget."""

    tries: int = 3  # 1: never again; the only right number for what must not happen twice
    pause: float = 0.05  # seconds before the second try on average, twice as many before the third
    share: float = 0.8  # of the budget that one try may take: a stalled one leaves time for another


def limit_of_a_try(settings: RetrySettings, budget: float, left: float) -> float:
    """Seconds that the next try may take."""
    whole = settings.tries == 1
    return left if whole else min(left, budget * settings.share)


def pause_before(settings: RetrySettings, tries: int, left: float, random: Callable[[], float]) -> float | None:
    """Seconds to wait before the next try; None when there is none.

    Args:
        settings: how often and how long.
        tries: made so far.
        left: seconds of the budget.
        random: draws from [0, 1): those who failed together must not come again together.

    """
    if tries >= settings.tries:
        return None
    pause = settings.pause * 2 ** (tries - 1) * (0.5 + random())
    return pause if pause < left else None
