"""Offices at work: a clock that a test moves, notifications, and waiting for what becomes of them."""

import asyncio
import json

from alerts.pager.alert import read
from tests.alerts.pager.notices import notification

ROTA = """
people:
  ada: {phone: "+100", mail: ada@example.com}
  ben: {phone: "+200", mail: ben@example.com}
rotation: {every: week, order: [ada, ben]}
"""


class Clock:
    """Wall time that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def take(office, *alerts, route="critical", group="g"):
    """As Alertmanager tells it."""
    body = {**notification(*alerts), "groupKey": group}
    told = office.take(route, read(json.dumps(body).encode()))
    office.post.wake()
    return told


async def until(true):
    """Until it is so."""
    async with asyncio.timeout(10):
        while not (found := true()):
            await asyncio.sleep(0.01)
    return found


async def settled(office, waiting=0):
    """Until so many letters wait."""
    await until(lambda: office.letters.waiting() == waiting)


async def at(office, clock, moment):
    """Until what is due at a moment is done."""
    clock.now = moment
    office.post.wake()
    await until(lambda: not office.letters.overdue(moment))


def hook(provider, **more):
    """A webhook of the settings."""
    options = "".join(f", {name}: {value}" for name, value in more.items())
    return f'{{type: webhook, url: "{provider.url()}"{options}}}'


def rendered(office):
    """The pager's metrics."""
    return office.figures.render(firing=0, acknowledged=0, unacknowledged=0, waiting=0, rota_wrong=False).decode()
