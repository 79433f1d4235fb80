"""What a backend orders for one client: into a channel, out of it again, a new end of its connection.

Orders run one after another, beside the client's own commands: a slow call of the client does not keep them waiting.
"""

from collections import deque
from collections.abc import Callable, Generator

from msgspec import Raw

from service.access import rules
from service.access.tokens import Granted
from service.connections.commands.subscribing import with_epoch
from service.connections.questions import (
    Ask,
    Effect,
    Enter,
    Entered,
    Join,
    Joined,
    Outcome,
    Prepared,
    Push,
    Question,
    Told,
)
from service.connections.standing import Refused, Standing, expected, lifetime, subscription
from service.protocol import closing
from service.protocol import messages as wire
from service.protocol.closing import Unsubscribing
from service.protocol.errors import ClientMistake
from service.protocol.messages import EMPTY

FIRST_TICKET = 0x1_0000  # above those of commands


class Subscribing(Told, frozen=True):
    """Subscribe the client, server-side. ``told``: whether it worked; called once, also when the client goes away."""

    channel: str
    wall: float  # Unix seconds
    told: Callable[[bool], None]
    granted: Granted = rules.NOTHING_GRANTED
    expire_at: int = 0  # Unix seconds; 0: never
    since: wire.StreamPosition | None = None  # what the client is known to have


class Refreshing(Told, frozen=True):
    """Another end of the connection, and perhaps other info."""

    wall: float  # Unix seconds
    expired: bool = False  # at once
    expire_at: int = 0  # Unix seconds; 0: never
    info: Raw = EMPTY


_Task = Generator[Question, tuple[Outcome, float], list[Effect]]


class Orders:
    """The orders for one client. Raises ``Refused`` with the closing where one ends the connection."""

    __slots__ = ("_channel", "_client", "_queue", "_task", "_ticket")

    def __init__(self, client: Standing) -> None:
        self._client = client
        self._queue: deque[Subscribing | tuple[str, Unsubscribing]] = deque()
        self._task: _Task | None = None
        self._channel = ""
        self._ticket = FIRST_TICKET

    @property
    def idle(self) -> bool:
        """Nothing is under way."""
        return self._task is None

    def concern(self, channel: str) -> bool:
        """Whether a subscription to this channel is under way or waits."""
        waiting = (isinstance(order, Subscribing) and order.channel == channel for order in self._queue)
        return self._task is not None and (self._channel == channel or any(waiting))

    def add(self, order: Subscribing | tuple[str, Unsubscribing], now: float) -> list[Effect]:
        """Carry it out now, or when those before it are done."""
        self._queue.append(order)
        return self._next(now) if self._task is None else []

    def done(self, ticket: int, outcome: Outcome, now: float) -> list[Effect]:
        """A question is answered."""
        if self._task is None or ticket != self._ticket:
            return []
        try:
            return self._asked(self._task.send((outcome, now)))
        except StopIteration as end:
            effects: list[Effect] = end.value
            self._task = None
            return effects + self._next(now)

    def close(self) -> None:
        """The client is gone: nothing is left to do, so everything is done."""
        if self._task is not None:
            self._task.close()
            self._task = None
        while self._queue:
            order = self._queue.popleft()
            if isinstance(order, Subscribing):
                order.told(True)

    def _next(self, now: float) -> list[Effect]:
        effects: list[Effect] = []
        while self._queue:
            order = self._queue.popleft()
            if not isinstance(order, Subscribing):
                effects += taken_out(self._client, *order)
                continue
            self._task, self._channel = _subscribed(self._client, order, now), order.channel
            try:
                return effects + self._asked(next(self._task))
            except StopIteration as end:
                effects += end.value
                self._task = None
        return effects

    def _asked(self, question: Question) -> list[Effect]:
        self._ticket += 1
        return [Ask(self._ticket, question)]


def taken_out(client: Standing, channel: str, unsubscribing: Unsubscribing) -> list[Effect]:
    """Out of a channel; the push goes out even if the client was not in, as in Centrifugo."""
    code, reason = unsubscribing.code, unsubscribing.reason
    return [
        *client.left(channel, code, reason),
        Push(wire.Push(channel=channel, unsubscribe=wire.Unsubscribe(code, reason))),
    ]


def refreshed(client: Standing, order: Refreshing, now: float) -> list[Effect]:
    """Another end of the connection; info counts only together with it, as in Centrifugo.

    Raises:
        Refused: with the closing, the connection has expired.

    """
    if order.expired:
        raise Refused(closing.EXPIRED, "a backend says so")
    try:
        life = lifetime(max(order.expire_at, 0), order.wall, now, client.settings.expired_close_delay, least=1)
    except Refused:
        raise Refused(closing.EXPIRED, "a backend's expire_at is past") from None
    client.expires(life)
    push = Push(wire.Push(refresh=wire.Refresh(life.expires, life.ttl)))
    if not life.expires or not order.info:
        return [push]
    client.info = order.info
    return [*client.changed(), push]


def _subscribed(client: Standing, order: Subscribing, now: float) -> _Task:
    worked = True  # also when the client goes away: an unknown client is no mistake either
    try:
        return (yield from _subscribe(client, order, now))
    except (Refused, ClientMistake) as refusal:
        if isinstance(refusal, Refused) and refusal.failure is closing.CHANNEL_LIMIT:
            raise
        worked = False
        return []
    finally:
        order.told(worked)


def _subscribe(client: Standing, order: Subscribing, now: float) -> _Task:
    settings, channel, granted = client.settings, order.channel, order.granted
    if settings.channel_limit and len(client.subscriptions or ()) >= settings.channel_limit:
        raise Refused(closing.CHANNEL_LIMIT, f"{settings.channel_limit} channels already, and a backend wants one more")
    life = lifetime(order.expire_at, order.wall, now, settings.expired_sub_close_delay, least=1)
    namespace, insecure = settings.namespaces.resolve(channel), settings.insecure
    before = client.subscription(channel)
    deadline = life.deadline
    subscribed = subscription(namespace, granted, server_side=True, expire_at=deadline, before=before)
    outcome, _ = yield Join(
        channel,
        positioned=rules.positioned(namespace, "", granted, asked=False, insecure=insecure),
        recoverable=rules.recoverable(namespace, "", granted, asked=False, insecure=insecure),
        recover=order.since is not None,
        since=order.since or wire.StreamPosition(),
        attendance=client.attendance(subscribed, before),
        told=rules.hears_announcements(namespace, client.user, granted, asked=False, insecure=insecure),
    )
    outcome, _ = yield Enter((expected(outcome, Prepared).admission,))
    (joined,) = expected(outcome, Entered).joined
    client.enter(channel, subscribed)
    return _told(channel, order, joined)


def _told(channel: str, order: Subscribing, joined: Joined) -> list[Effect]:
    """The push, and what the client missed: Centrifugo leaves a gap there that nobody sees."""
    missed = with_epoch(joined.publications, joined.epoch)
    offset = joined.offset
    if order.since is None and missed:  # auto_cache_recover: the backend asked for no publication
        offset, missed = missed[-1].offset, []
    push = wire.Subscribe(
        recoverable=joined.recoverable,
        epoch=joined.epoch,
        offset=offset,
        positioned=joined.positioned,
        data=order.granted.data,
    )
    return [
        Push(wire.Push(channel=channel, subscribe=push)),
        *(Push(wire.Push(channel=channel, pub=each)) for each in missed),
    ]
