"""Who is connected, by client id and by user.

A user with one connection, the usual case, costs one dictionary entry and no set. A user with thousands (all anonymous
clients are one) leaves as fast as others.
"""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from service.connections.roll import Roll


class Registered(Protocol):
    """What the registry knows of a connection; hashable by identity."""

    id: str


C = TypeVar("C", bound=Registered)


class Registry(Generic[C]):
    """The connections whose greeting succeeded, and a count of all sockets."""

    __slots__ = ("_by_id", "_by_user", "sockets")

    def __init__(self) -> None:
        self._by_id: dict[str, C] = {}
        self._by_user: dict[str, C | dict[C, None]] = {}  # a dict for its order
        self.sockets = Roll[C]()  # every open socket, greeted or not

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[C]:
        return iter(self._by_id.values())

    @property
    def users(self) -> int:
        """How many different users are connected; all anonymous ones count as one."""
        return len(self._by_user)

    def get(self, client: str) -> C | None:
        """The connection of this client id."""
        return self._by_id.get(client)

    def of_user(self, user: str) -> list[C]:
        """The user's connections, a list of its own."""
        found = self._by_user.get(user)
        if found is None:
            return []
        return list(found) if isinstance(found, dict) else [found]

    def add(self, connection: C, user: str) -> None:
        """Enter a connection; its id must be new."""
        assert connection.id not in self._by_id, "a client id was given twice"
        self._by_id[connection.id] = connection
        there = self._by_user.get(user)
        if there is None:
            self._by_user[user] = connection
        elif isinstance(there, dict):
            there[connection] = None
        else:
            self._by_user[user] = {there: None, connection: None}

    def remove(self, connection: C, user: str) -> None:
        """Take a connection out; nothing happens when it is not in."""
        if self._by_id.pop(connection.id, None) is None:
            return
        there = self._by_user[user]
        if not isinstance(there, dict):
            del self._by_user[user]
            return
        del there[connection]
        if not there:
            del self._by_user[user]
