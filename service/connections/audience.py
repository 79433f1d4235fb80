"""What the server API may do to connections: find them by user, close them, take them in and out of channels."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from msgspec import Raw

from service.access.tokens import Granted
from service.broker.contract import Soon
from service.connections.commands.ordering import Refreshing, Subscribing
from service.connections.station import Peer, Station
from service.protocol.closing import Closing, Unsubscribing
from service.protocol.messages import EMPTY, StreamPosition

SLICE: Final = 200  # connections in one turn of the loop: a user, the anonymous one first of all, may have many


class _Tally:
    """Counts what connections tell of an order; waits for those that take time."""

    __slots__ = ("_all_told", "_open", "failed")

    def __init__(self, expected: int) -> None:
        self._open = expected
        self._all_told: asyncio.Future[bool] | None = None
        self.failed = False

    def told(self, worked: bool) -> None:
        self._open -= 1
        self.failed = self.failed or not worked
        if not self._open and self._all_told is not None and not self._all_told.done():
            self._all_told.set_result(not self.failed)

    def outcome(self) -> Soon[bool]:
        """Whether it worked for all."""
        if not self._open:
            return not self.failed
        self._all_told = asyncio.get_running_loop().create_future()
        return self._all_told


class Audience:
    """The connections of this node as the server API sees them. An unknown user or client is no mistake."""

    __slots__ = ("_station",)

    def __init__(self, station: Station) -> None:
        self._station = station

    def disconnect(
        self, user: str, closing: Closing, *, client: str = "", session: str = "", whitelist: Iterable[str] = ()
    ) -> Soon[int]:
        """Close the user's connections, or the one of ``client``, but none of ``whitelist``; how many."""
        spared = set(whitelist)
        chosen = [c for c in self._chosen(user, client, session) if c.id not in spared]
        return _each(chosen, lambda connection: connection.close(closing))

    def subscribe(
        self,
        user: str,
        channel: str,
        granted: Granted,
        *,
        expire_at: int = 0,
        since: StreamPosition | None = None,
        client: str = "",
        session: str = "",
    ) -> Soon[bool]:
        """Take the user's connections into a channel, server-side; whether all of them are in.

        Args:
            user: whose connections; "" for anonymous ones.
            channel: its namespace exists.
            granted: info, data and how the namespace's options are overridden.
            expire_at: Unix seconds when the subscriptions end, 0 for never.
            since: the position that the clients have: they get what came after it.
            client: only this client id.
            session: only this session.

        """
        chosen = self._chosen(user, client, session)
        tally = _Tally(len(chosen))
        order = Subscribing(channel, self._station.wall(), tally.told, granted, expire_at, since)
        now = self._station.now
        done = _each(chosen, lambda connection: connection.ordered(connection.session.subscribe(order, now())))
        return tally.outcome() if isinstance(done, int) else _then(done, tally.outcome)

    def unsubscribe(
        self, user: str, channel: str, unsubscribing: Unsubscribing, *, client: str = "", session: str = ""
    ) -> Soon[int]:
        """Take the user's connections out of a channel; how many were told."""
        chosen = self._chosen(user, client, session)
        return _each(
            chosen, lambda connection: connection.ordered(connection.session.unsubscribe(channel, unsubscribing))
        )

    def refresh(
        self,
        user: str,
        *,
        expired: bool = False,
        expire_at: int = 0,
        info: Raw = EMPTY,
        client: str = "",
        session: str = "",
    ) -> Soon[int]:
        """Give the user's connections another end (Unix seconds, 0 for none), or end them now; how many."""
        chosen = self._chosen(user, client, session)
        order = Refreshing(self._station.wall(), expired, expire_at, info)
        now = self._station.now
        return _each(chosen, lambda connection: connection.ordered(connection.session.refresh(order, now())))

    @property
    def clients(self) -> int:
        """Greeted connections."""
        return len(self._station.registry)

    @property
    def users(self) -> int:
        """Different users; all anonymous ones are one."""
        return self._station.registry.users

    def _chosen(self, user: str, client: str, session: str) -> list[Peer]:
        found = self._station.registry.of_user(user)
        if client:
            found = [c for c in found if c.id == client]
        return [c for c in found if c.session.told_session == session] if session else found


def _each(chosen: list[Peer], act: Callable[[Peer], None]) -> Soon[int]:
    """Act on all of them, in slices when they are many; how many they are."""
    if len(chosen) > SLICE:
        return _in_slices(chosen, act)
    for connection in chosen:
        act(connection)
    return len(chosen)


async def _in_slices(chosen: list[Peer], act: Callable[[Peer], None]) -> int:
    for start in range(0, len(chosen), SLICE):
        _each(chosen[start : start + SLICE], act)
        await asyncio.sleep(0)
    return len(chosen)


async def _then(done: Awaitable[int], outcome: Callable[[], Soon[bool]]) -> bool:
    await done
    told = outcome()
    return told if isinstance(told, bool) else await told
