"""Pure: one picture of a load (SVG): deliveries a second, users, and the server's memory over time."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape

from service.lab.load.report import Account

WIDTH: Final = 900
HEIGHT: Final = 150
LEFT: Final = 90
GAP: Final = 50
Points = Sequence[tuple[float, float]]


def picture(account: Account, title: str) -> str:
    """The picture's text."""
    figures = account.figures()
    grown = figures["rss_growth"]
    trend = "" if grown is None else f"; {grown:+.2f} % over the last two thirds"
    lost = f"{figures['delivered']:,.0f} deliveries, {figures['lost']:,.0f} lost, {figures['told']:,.0f} told"
    rows = [
        ("deliveries a second", "#2b6cb0", _rates(account)),
        ("users connected", "#2f855a", [(each["at"], each["ready"]) for each in account.course]),
        (
            f"server RSS, MiB{trend}",
            "#c05621",
            [(each.at - account.began, each.rss / 2**20) for each in account.glances],
        ),
    ]
    end = max((points[-1][0] for _, _, points in rows if points), default=1.0)
    begin = min((points[0][0] for _, _, points in rows if points), default=0.0)
    height = 40 + len(rows) * (HEIGHT + GAP)
    body = [
        _row(40 + turn * (HEIGHT + GAP), name, colour, points, (begin, max(end, begin + 1.0)))
        for turn, (name, colour, points) in enumerate(rows)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12">'
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
        f'<text x="{LEFT}" y="20" font-size="14">{escape(f"{title}: {lost}")}</text>{"".join(body)}</svg>\n'
    )


def _rates(account: Account) -> list[tuple[float, float]]:
    course = account.course
    return [
        (after["at"], (after["delivered"] - before["delivered"]) / max(0.001, after["at"] - before["at"]))
        for before, after in pairwise(course)
    ]


def _row(top: int, name: str, colour: str, points: Points, span: tuple[float, float]) -> str:
    most = max((value for _, value in points), default=0.0) or 1.0
    begin, end = span
    width = WIDTH - LEFT - 20

    def at(point: tuple[float, float]) -> str:
        when, value = point
        return f"{LEFT + width * (when - begin) / (end - begin):.1f},{top + HEIGHT - HEIGHT * value / most:.1f}"

    line = f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{" ".join(map(at, points))}"/>'
    bottom = top + HEIGHT
    return (
        f'<text x="{LEFT}" y="{top - 5}">{escape(name)}</text>'
        f'<path d="M{LEFT} {top}V{bottom}H{LEFT + width}" fill="none" stroke="#999"/>'
        f'<text x="{LEFT - 5}" y="{top + 10}" text-anchor="end">{_figure(most)}</text>'
        f'<text x="{LEFT - 5}" y="{bottom}" text-anchor="end">0</text>'
        f'<text x="{LEFT + width}" y="{bottom + 15}" text-anchor="end">{_time(end)}</text>{line}'
    )


def _figure(most: float) -> str:
    return f"{most:,.0f}" if most >= 100 else f"{most:.1f}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 180 else f"{seconds:.0f} s"
