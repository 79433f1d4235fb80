"""Pure: what must be true of a load's figures: ``lost=0``, ``p99<=250ms``, ``rss_growth<=1%``."""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service.lab.load.plan import Misplanned

_FORM: Final = re.compile(r"\s*([a-z_0-9]+)\s*(<=|>=|==|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*(ms|s|%|)\s*")
_COMPARE: Final = {
    "=": operator.eq, "==": operator.eq, "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Assertion:
    """One condition; ``value`` in the figure's own unit (seconds, percent, a number)."""

    figure: str
    sign: str
    value: float
    text: str

    def verdict(self, figures: Mapping[str, float | None]) -> str:
        """Why it does not hold, in a sentence; "" when it does."""
        found = figures[self.figure]
        if found is None:
            return f"{self.text}: {self.figure} is not known"
        return "" if _COMPARE[self.sign](found, self.value) else f"{self.text}: {self.figure} is {found:g}"


def assertion(text: str, known: Mapping[str, object]) -> Assertion:
    """The condition that ``text`` says.

    Args:
        text: figure, sign and value.
        known: the figures that there are.

    Raises:
        Misplanned: it is no condition, or speaks of an unknown figure.

    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise Misplanned(f'"{text}" is no condition; it looks like lost=0, p99<=250ms or rss_growth<=1%')
    figure, sign, value, unit = found.groups()
    if figure not in known:
        raise Misplanned(f'nothing is called "{figure}"; known are {", ".join(sorted(known))}')
    return Assertion(figure, sign, float(value) / (1000 if unit == "ms" else 1), text.strip())
