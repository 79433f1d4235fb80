"""Every query of every board as a question to the data source that it names: variables filled, ready to be asked.

The stack's test asks them of the running Prometheus, Loki and Jaeger, the boards' tests read their names and their
grammar, and the picture of the README is drawn from their answers.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

BOARDS = Path(__file__).parent / "generated"
#: What Grafana puts in for a board that is opened untouched; windows are those of a scrape every second.
UNTOUCHED = {"$job": "heliograph", "$instance": ".+", "$__rate_interval": "10s", "$__auto": "10s", "$connection": ".+"}


@dataclass(frozen=True)
class Question:
    """One query of a panel, an annotation or a variable."""

    where: str  # board, panel and letter
    source: str  # prometheus, loki or jaeger
    text: str  # the expression with its variables
    query: Mapping[str, Any]

    def filled(self, values: Mapping[str, str] = UNTOUCHED) -> str:
        """The expression as the data source gets it."""
        text = self.text
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    def url(self, start: float, end: float, step: float = 1.0, values: Mapping[str, str] = UNTOUCHED) -> str:
        """Path and parameters of the data source's own API, for the time from `start` to `end` (seconds)."""
        if self.source == "prometheus":
            return f"/api/v1/query_range?{urlencode(self._range(values, start, end, step))}"
        if self.source == "loki":
            nanoseconds = {"start": int(start * 1e9), "end": int(end * 1e9), "limit": 200, "step": step}
            return f"/loki/api/v1/query_range?{urlencode({'query': self.filled(values)} | nanoseconds)}"
        asked = {key: self.query[key] for key in ("operation", "limit")} | {"service": values["$job"]}
        return f"/api/traces?{urlencode(asked | {'start': int(start * 1e6), 'end': int(end * 1e6)})}"

    def _range(self, values: Mapping[str, str], start: float, end: float, step: float) -> dict[str, Any]:
        return {"query": self.filled(values), "start": f"{start:.3f}", "end": f"{end:.3f}", "step": step}


def boards() -> dict[str, dict[str, Any]]:
    """Each generated board by its file name without suffix."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(BOARDS.glob("*.json"))}


def questions() -> list[Question]:
    """The queries of all panels and annotations."""
    return [
        question
        for name, board in boards().items()
        for question in (*of_panels(name, board), *of_annotations(name, board))
    ]


def of_panels(name: str, board: Mapping[str, Any]) -> Iterator[Question]:
    """The queries of a board's panels."""
    for panel in board["panels"]:
        yield from of_panel(name, panel)


def of_panel(name: str, panel: Mapping[str, Any]) -> Iterator[Question]:
    """The queries of one panel, in its order."""
    for query in panel.get("targets", []):
        where = f"{name}: {panel['title']}: {query['refId']}"
        yield Question(where, query["datasource"]["type"], query.get("expr", ""), query)


def of_annotations(name: str, board: Mapping[str, Any]) -> Iterator[Question]:
    """The queries of a board's annotations, in its order."""
    for annotation in board["annotations"]["list"]:
        query = annotation["target"]
        yield Question(f"{name}: {annotation['name']}", query["datasource"]["type"], query["expr"], query)
