"""Presence of a single node: in memory, every answer at once. The connections are here, so nobody can be a ghost."""

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service.presence.contract import Counts
from service.protocol.messages import ClientInfo

_NOBODY: Final[Mapping[str, ClientInfo]] = MappingProxyType({})


class MemoryPresence:
    """See ``contract.Presence``; no other node exists."""

    __slots__ = ("_channels", "_users")

    def __init__(self) -> None:
        self._channels: dict[str, dict[str, ClientInfo]] = {}
        self._users: dict[str, Counter[str]] = {}  # clients by user, for channels whose users were asked for

    def start(self) -> None:
        """See ``Presence.start``."""

    def stop(self) -> None:
        """See ``Presence.stop``."""
        self._channels.clear()
        self._users.clear()

    def add(self, channel: str, info: ClientInfo) -> None:
        """See ``Presence.add``."""
        here = self._channels.get(channel)
        if here is None:
            here = self._channels[channel] = {}
        before = here.get(info.client)
        here[info.client] = info
        users = self._users.get(channel)
        if users is not None:
            users[info.user] += 1
            if before is not None:
                _less(users, before.user)

    def remove(self, channel: str, client: str) -> None:
        """See ``Presence.remove``."""
        here = self._channels.get(channel)
        info = here.pop(client, None) if here is not None else None
        if info is None:
            return
        if not here:
            del self._channels[channel]
            self._users.pop(channel, None)
        elif channel in self._users:
            _less(self._users[channel], info.user)

    def present(self, channel: str) -> Mapping[str, ClientInfo]:
        """See ``Presence.present``."""
        return self._channels.get(channel, _NOBODY)

    def counts(self, channel: str) -> Counts:
        """See ``Presence.counts``. The first question walks the channel, later ones do not."""
        here = self._channels.get(channel)
        if here is None:
            return Counts(0, 0)
        users = self._users.get(channel)
        if users is None:
            users = self._users[channel] = Counter(info.user for info in here.values())
        return Counts(len(here), len(users))


def _less(users: Counter[str], user: str) -> None:
    users[user] -= 1
    if not users[user]:
        del users[user]
