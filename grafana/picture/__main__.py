"""`python -m grafana.picture --out FOLDER [BOARD ...]`: boards as PNG files.

The boards' own queries are asked of a running stack for the last minutes; with `--stack` of one that is started for it,
with users that read slowly. `--trace FILE` draws one message's trace too.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deploy.npm_packages import Unavailable
from grafana.picture import label
from grafana.picture.colours import NAMED
from grafana.picture.drawing import WIDTH, Scene, panel
from grafana.picture.page import page
from grafana.picture.screenshot import NoPicture, screenshot
from grafana.picture.series import marks
from grafana.picture.sources import Sources, Unanswered, Window, variables, window
from grafana.picture.stage import stage
from grafana.picture.waterfall import links, waterfall
from grafana.questions import boards, of_annotations, of_panel

TITLE = "{}: rendered from the panels' queries by our tool, not Grafana's front end"
HEAD, FOOT = 62, 8  # pixels over and under the panels
SCRAPE = 5  # seconds, as observability/stack/prometheus.yml and the provisioned data source have it
POINTS = 120
DOTS = 40  # exemplars of a panel, at most


def main(arguments: list[str]) -> int:
    """0, or 1 when something that is needed is missing: said on stderr."""
    told = _parser().parse_args(arguments)
    given = {"prometheus": told.prometheus, "loki": told.loki, "jaeger": told.jaeger}
    try:
        with stage(told.minutes) if told.stack else contextlib.nullcontext(given) as urls:
            _draw(told, urls)
    except (Unanswered, Unavailable, NoPicture) as why:
        print(why, file=sys.stderr)
        return 1
    return 0


def _draw(told: argparse.Namespace, urls: dict[str, str]) -> None:
    when = window(time.time(), told.minutes * 60, POINTS, SCRAPE)
    sources = Sources(urls, variables(when.step, SCRAPE, told.job, ".+"))
    told.out.mkdir(parents=True, exist_ok=True)
    for name in told.boards or boards():
        shapes = board(name, sources, when)
        picture = told.out / f"{name}.png"
        _save(page(shapes, "board.js"), picture, shapes["height"], told.html)
        label.write(picture, label.panels(boards()[name]))
    if told.trace:
        shapes = one_message(sources, told.trace_id, when)
        _save(page(shapes, "trace.js"), told.trace, shapes["height"], None)


def board(name: str, sources: Sources, when: Window) -> dict[str, Any]:
    """The board as shapes; raises `Unanswered`."""
    given = boards()[name]
    scene = Scene(when, _marks(sources, when, given))
    panels = [
        panel(each, _answers(sources, when, each), scene) | {"dots": _dots(sources, when, each)}
        for each in given["panels"]
    ]
    end = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(when.end))
    return {
        "title": TITLE.format(given["title"]),
        "about": f"{(when.end - when.start) / 60:.0f} minutes until {end} · a point every {when.step} s · "
        f"grafana/generated/{name}.json asked of Prometheus, Loki and Jaeger",
        "panels": panels,
        "height": HEAD + max(each["y"] + each["h"] for each in panels) + FOOT,
    }


def one_message(sources: Sources, trace_id: str, when: Window) -> dict[str, Any]:
    """A message's trace as shapes; the latest with links to receivers when no id is given; raises `Unanswered`."""
    trace = sources.get("jaeger", f"/api/traces/{trace_id or _latest(sources, when)}")["data"][0]
    far = {ref["traceID"] for span in trace["spans"] for ref in links(span)}
    linked = {each: _trace(sources, each) for each in far}
    shapes = waterfall(trace, {each: found for each, found in linked.items() if found})
    rows = sum(34 + 18 * (1 + len(span["links"])) + 12 for span in shapes["spans"])
    return {**shapes, "height": HEAD + 30 + rows + FOOT + 34}


def _answers(sources: Sources, when: Window, given: dict[str, Any]) -> list[Any]:
    if given["type"] == "alertlist":
        return [sources.get("prometheus", "/api/v1/alerts")["data"]]
    return [sources.answer(question, when) for question in of_panel("", given)]


def _dots(sources: Sources, when: Window, given: dict[str, Any]) -> list[tuple[float, float]]:
    """Exemplars of the panel's queries, as moments and values, thinned out."""
    dots: list[tuple[float, float]] = []
    for question in of_panel("", given):
        if question.query.get("exemplar"):
            asked = {"query": question.filled(sources.values), "start": when.start, "end": when.end}
            found = sources.get("prometheus", f"/api/v1/query_exemplars?{urlencode(asked)}")["data"]
            dots += [(each["timestamp"], float(each["value"])) for series in found for each in series["exemplars"]]
    highest: dict[int, tuple[float, float]] = {}  # of those that would lie on each other
    for at, value in dots:
        slot = int((at - when.start) / (when.end - when.start) * DOTS)
        highest[slot] = max(highest.get(slot, (at, value)), (at, value), key=lambda dot: dot[1])
    return sorted(highest.values())


def _marks(sources: Sources, when: Window, board: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**mark, "color": NAMED[annotation["iconColor"]]}
        for annotation, question in zip(board["annotations"]["list"], of_annotations("", board), strict=True)
        for mark in marks(sources.answer(question, when), when, by_value=bool(annotation.get("useValueForTime")))
    ]


def _latest(sources: Sources, when: Window) -> str:
    """The id of the latest message whose fan-out is told with links."""
    asked = f"service={sources.values['$job']}&operation=message.fanout&limit=50"
    between = f"start={int(when.start * 1e6)}&end={int(when.end * 1e6)}"
    found = sources.get("jaeger", f"/api/traces?{asked}&{between}")["data"] or []
    told = [each for each in found if len(each["spans"]) >= 3 and any(links(span) for span in each["spans"])]
    if not told:
        raise Unanswered("Jaeger knows no message with links to receivers in this time")
    return str(max(told, key=lambda each: int(each["spans"][0]["startTime"]))["traceID"])


def _trace(sources: Sources, trace_id: str) -> dict[str, Any] | None:
    try:
        found = sources.get("jaeger", f"/api/traces/{trace_id}")["data"]
    except Unanswered:
        return None  # older than what Jaeger keeps: the link is shown by its id
    return dict(found[0]) if found else None


def _save(html: str, picture: Path, height: int, kept: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = kept or Path(folder) / "page.html"
        file.write_text(html, encoding="utf-8")
        screenshot(file, picture, WIDTH, height)


def _board(name: str) -> str:
    if name not in boards():
        raise argparse.ArgumentTypeError(f"there is no board {name}; there are: {', '.join(boards())}")
    return name


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="grafana.picture", description=__doc__)
    for name, port in (("prometheus", 9090), ("loki", 3100), ("jaeger", 16686)):
        parser.add_argument(f"--{name}", default=f"http://127.0.0.1:{port}", help="URL of the data source")
    parser.add_argument("boards", nargs="*", type=_board, metavar="BOARD", help="which ones; all when none is named")
    parser.add_argument("--out", type=Path, required=True, help="folder for the boards' pictures")
    parser.add_argument("--stack", action="store_true", help="start a stack for it, and stop it")
    parser.add_argument("--trace", type=Path, help="picture of one message's trace (PNG)")
    parser.add_argument("--trace-id", default="", help="which one; the latest otherwise")
    parser.add_argument("--minutes", type=float, default=10, help="how much time the board shows")
    parser.add_argument("--job", default="heliograph", help="the board's variable")
    parser.add_argument("--html", type=Path, help="keep the (last) board's page here")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
