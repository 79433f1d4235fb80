"""What the users of one process publish: at the planned rate, numbered, each channel by one user at a time."""

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable
from random import Random
from typing import Final

from service.lab.load import wire
from service.lab.load.plan import Plan
from service.lab.load.user import User

HANDOVER: Final = 1.0  # seconds until another user goes on publishing where one was lost
MOST: Final = 1000  # publications of one tick


class Publishing:
    """Publishes in the channels that this process owns. ``published``: the highest number of each."""

    def __init__(
        self,
        plan: Plan,
        channels: Iterable[str],
        users: Iterable[User],
        counts: Counter[str],
        random: Random,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.published: dict[str, int] = dict.fromkeys(channels, 0)
        self._plan = plan
        self._counts = counts
        self._random = random
        self._wall = wall
        self._in_use = min(plan.channels, plan.users)
        self._of_channel: dict[str, list[User]] = {}
        for user in users:
            for channel in user.places:
                self._of_channel.setdefault(channel, []).append(user)
        self._publisher: dict[str, User] = {}
        self._handed: dict[str, float] = {}
        self._ids = itertools.count(wire.FIRST_PUBLISH)
        self._owed = 0.0
        self._turn = 0

    def catch_up(self, now: float, passed: float) -> None:
        """Publish what is due, in all channels in turn; ``passed`` seconds are over since the last call."""
        channels = list(self.published)
        self._owed += passed * self._plan.rate * len(channels) / self._in_use
        for _ in range(min(int(self._owed), MOST) if channels else 0):
            self._publish(channels[self._turn % len(channels)], now)
            self._turn += 1
            self._owed -= 1

    def _publish(self, channel: str, now: float) -> None:
        publisher = self._publisher_of(channel, now)
        if publisher is None:
            self._counts["skipped"] += 1
            return
        number = self.published[channel] = self.published[channel] + 1
        delay = publisher.held_for
        delayed = not delay and self._random.random() * 100 < self._plan.delayed
        if delayed:
            delay = self._random.uniform(0.0, self._plan.delay)
        command = next(self._ids)
        frame = wire.publication(command, channel, number, self._wall() + delay, self._plan.size)
        if not delayed:
            publisher.publish(command, channel, number, frame)
            return
        self._counts["delayed"] += 1
        publisher.publish_late(command, channel, number, frame, delay=delay, halved=self._random.random() < 0.5)

    def _publisher_of(self, channel: str, now: float) -> User | None:
        """One user at a time, so that the server hears a channel's numbers in their order."""
        user = self._publisher.get(channel)
        if user is not None and user.ready:
            return user
        if user is not None:
            del self._publisher[channel]
            self._handed[channel] = now
        if channel in self._handed and now < self._handed[channel] + HANDOVER:
            return None
        candidates = [each for each in self._of_channel.get(channel, ()) if each.ready and not each.unanswered]
        if not candidates:
            return None
        self._publisher[channel] = self._random.choice(candidates)
        return self._publisher[channel]
