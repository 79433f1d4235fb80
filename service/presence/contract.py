"""What every presence store promises. ``tests/contracts/test_presence_contract.py`` holds each one to it.

1. *In order.* Calls for one channel take effect in the order in which they were made, also when nobody waits for their
   answers: who came and went is gone, who came is seen by the next question of the same node.
2. *By client.* A client is in a channel at most once; being added again replaces its info. Removing one that is not
   there is no mistake.
3. *Alive.* An entry lives as long as its node: there is nothing to refresh, and nobody stays whose node is gone.
4. *Every node's.* Answers tell the clients of all nodes.

Any answer may be there at once or come later (``Soon``); a caller handles both.
"""

from collections.abc import Awaitable, Mapping
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from service.protocol.messages import ClientInfo

T = TypeVar("T")

Soon: TypeAlias = T | Awaitable[T]
"""An answer, or an awaitable of it."""


class PresenceUnavailable(Exception):  # noqa: N818 - says what is the matter
    """The store did not do it, or did not answer in time."""


class Counts(msgspec.Struct, frozen=True, gc=False):
    """How many are in a channel. All anonymous clients are one user."""

    clients: int
    users: int


class Presence(Protocol):
    """Keeps who is in which channel."""

    def start(self) -> Soon[None]:
        """Begin."""

    def add(self, channel: str, info: ClientInfo) -> Soon[None]:
        """A client of this node is in the channel; ``info`` says who.

        Raises:
            PresenceUnavailable: it may not be seen there.

        """

    def remove(self, channel: str, client: str) -> Soon[None]:
        """It is not any more.

        Raises:
            PresenceUnavailable: it may still be seen there.

        """

    def present(self, channel: str) -> Soon[Mapping[str, ClientInfo]]:
        """Everybody in the channel, by client id. The caller does not change it, and is done with it in this turn.

        Raises:
            PresenceUnavailable: no answer.

        """
        ...

    def counts(self, channel: str) -> Soon[Counts]:
        """How many there are, without telling who.

        Raises:
            PresenceUnavailable: no answer.

        """
        ...

    def stop(self) -> Soon[None]:
        """The end: this node's clients are gone."""
