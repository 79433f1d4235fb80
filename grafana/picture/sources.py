"""The running data sources, asked by HTTP."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grafana.questions import Question

PATIENCE = 30.0  # seconds for one answer


class Unanswered(Exception):  # noqa: N818 - says what happened
    """A data source does not answer, or refuses the question; the text says which."""


@dataclass(frozen=True, slots=True)
class Window:
    """From when to when the board shows, in seconds; ``step`` between two points."""

    start: float
    end: float
    step: int

    @property
    def times(self) -> list[float]:
        """Every point, as Prometheus answers them."""
        return [self.start + n * self.step for n in range(int((self.end - self.start) // self.step) + 1)]


def window(now: float, seconds: float, points: int, scrape: int) -> Window:
    """The last ``seconds`` before ``now``, aligned to the step as Grafana aligns it; never finer than a scrape."""
    step = max(scrape, round(seconds / points))
    end = now // step * step
    return Window(end - seconds // step * step, end, step)


def variables(step: int, scrape: int, job: str, instance: str) -> dict[str, str]:
    """The board's variables, with the windows that Grafana makes for this step and this scrape interval (seconds)."""
    rate = max(step + scrape, 4 * scrape)
    return {
        "$job": job,
        "$instance": instance,
        "$__rate_interval": f"{rate}s",
        "$__auto": f"{step}s",
        "$connection": ".+",
    }


@dataclass(frozen=True, slots=True)
class Sources:
    """URLs of the data sources, by the type that queries name, and what variables are filled with."""

    urls: Mapping[str, str]
    values: Mapping[str, str]

    def answer(self, question: Question, when: Window) -> Any:
        """What the question's data source answers for the window; raises `Unanswered`."""
        return self.get(question.source, question.url(when.start, when.end, when.step, self.values))["data"]

    def get(self, source: str, path: str) -> Any:
        """The JSON at a path of a data source; raises `Unanswered`."""
        url = self.urls[source].rstrip("/") + path
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:  # noqa: S310 - the user's own URL
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            raise Unanswered(f"{url}: {refusal.code} {refusal.read(300).decode(errors='replace')}") from None
        except (OSError, ValueError) as error:
            raise Unanswered(f"{url}: {error}") from None
