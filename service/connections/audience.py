"""What the server API may do to connections: find them by user, close them, take them out of channels, count them."""

from collections.abc import Iterable

from service.connections.connection import Connection
from service.connections.registry import Registry
from service.protocol.closing import Closing, Unsubscribing


class Audience:
    """The connections of this node as the server API sees them. An unknown user or client is no mistake."""

    __slots__ = ("_registry",)

    def __init__(self, registry: Registry[Connection]) -> None:
        self._registry = registry

    def disconnect(
        self, user: str, closing: Closing, *, client: str = "", session: str = "", whitelist: Iterable[str] = ()
    ) -> int:
        """Close the user's connections, or the one of ``client``, but none of ``whitelist``; how many."""
        spared = set(whitelist)
        chosen = [c for c in self._chosen(user, client, session) if c.id not in spared]
        for connection in chosen:
            connection.close(closing)
        return len(chosen)

    def unsubscribe(
        self, user: str, channel: str, unsubscribing: Unsubscribing, *, client: str = "", session: str = ""
    ) -> int:
        """Take the user's connections out of a channel; how many were told."""
        chosen = self._chosen(user, client, session)
        for connection in chosen:
            connection.unsubscribe(channel, unsubscribing)
        return len(chosen)

    @property
    def clients(self) -> int:
        """Greeted connections."""
        return len(self._registry)

    @property
    def users(self) -> int:
        """Different users; all anonymous ones are one."""
        return self._registry.users

    @property
    def subscriptions(self) -> int:
        """Subscriptions over all connections."""
        return sum(len(connection.session.channels) for connection in self._registry)

    def _chosen(self, user: str, client: str, session: str) -> list[Connection]:
        found = self._registry.of_user(user)
        if client:
            found = [c for c in found if c.id == client]
        return [] if session else found
